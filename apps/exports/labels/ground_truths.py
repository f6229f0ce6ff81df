r"""Reference answers as reward functions compare them: plain text without thousands commas, dollars and `\boxed{}`. Pure.

verl's scorers compare texts: "1,234" as ground truth pays nothing to "#### 1,234", since only the reply loses its commas.
"""

from __future__ import annotations

import re

from apps.corpus.records import ProblemRecord
from apps.verifiers.base import Grade
from apps.verifiers.latex.braces import unbox
from apps.verifiers.registry import VERIFIERS

# LaTeX writes digit groups as 1,\!234 and 1{,}234. In a tuple or a list, such as (1,234), a comma may separate.
_LATEX_GROUPS = re.compile(r"(?<=\d)(?:,\\!|\{,\}|\\,)(?=\d{3}(?!\d))")
_GROUPS = re.compile(r"(?<![\d.,(\[{|])[1-9]\d{0,2}(?:,\d{3})+(?![\d,)\]}|])")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")

GSM8K = "openai/gsm8k"
MATH = "DigitalLearningGmbH/MATH-lighteval"
# How MATH and MATH-500 number their problems.
_MATH_ID = re.compile(r"(?:train|test)/[a-z_]+/\d+(?:\.json)?")

NO_ANSWER = "without a reference answer"
UNPARSED = "whose reference answer cannot be parsed"
NO_NUMBER = "of GSM8K whose reference answer is not a plain number"


def data_source(problem: ProblemRecord) -> str:
    """The name that verl has for the data set the problem really comes from; else one that names our verifier."""
    if "gsm8k" in problem.extras:
        return GSM8K
    if _MATH_ID.fullmatch(problem.external_id or ""):
        return MATH
    return f"annotate/{problem.verifier or 'math'}"


def ground_truth(problem: ProblemRecord) -> str:
    """The reference answer as plain text. Units stay."""
    text = unbox((problem.reference_answer or "").strip().strip("$").strip())
    text = text.replace(r"\$", "").replace("$", "").strip()
    text = _LATEX_GROUPS.sub("", text)
    return _GROUPS.sub(lambda number: number[0].replace(",", ""), text)


def unfit_reason(problem: ProblemRecord) -> str:
    """Why no reward function can compare answers with the problem's ground truth, or ""."""
    truth = ground_truth(problem)
    if not truth:
        return NO_ANSWER
    if data_source(problem) == GSM8K and not _NUMBER.fullmatch(truth):
        return NO_NUMBER
    verifier = VERIFIERS.get(problem.verifier or "math")
    outcome = verifier.grade_inline(truth, truth) if verifier is not None else None
    return UNPARSED if outcome is not None and outcome.grade is Grade.UNPARSED else ""
