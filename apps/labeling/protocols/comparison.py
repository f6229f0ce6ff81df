"""Which of two sides is better, as in RLHF, with the margins of Llama 2 (arXiv 2307.09288, 3.2.1)."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import msgspec

from apps.core.errors import Unprocessable
from apps.corpus.labels import CHOICES, MARGINS
from apps.labeling.protocols.base import LEFT_EARLY, Options, TaskContext, check_shape
from apps.labeling.protocols.submission import Submission, SubmittedPreference


class ComparisonOptions(Options, frozen=True):
    """How pairs are made, and what labelers may answer.

    - `pairs`: what is compared: `existing` comparisons, as from a file; a right and a wrong solution (`right_wrong`);
      any two solutions (`random`); or candidates for one step (`steps`).
    - `each`: the most pairs made of one problem, or of one step.
    - `seed`: another seed makes other pairs.
    - `ties`: whether labelers may answer that neither side is better.
    - `rationale`: whether labelers explain their choice.
    """

    FOR_LABELERS: ClassVar[frozenset[str]] = frozenset({"ties", "rationale"})

    pairs: Literal["existing", "right_wrong", "random", "steps"] = "existing"
    each: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)] = 0
    ties: bool = True
    rationale: Literal["off", "optional", "required"] = "optional"


class Comparison:
    name: ClassVar = "comparison"
    title: ClassVar = "Comparison"
    hint: ClassVar = "Choose which of two sides is better, and by how much."
    of: ClassVar[Literal["solution", "comparison"]] = "comparison"
    options: ClassVar[type[Options]] = ComparisonOptions

    def check(self, submission: Submission, context: TaskContext) -> None:
        check_shape(submission, context)
        if submission.finish_reason == "found_error":
            raise Unprocessable(
                "A comparison cannot end as found_error.",
                fields={"finish_reason": "must be solution, give_up or bad_problem"},
            )
        is_left_early = submission.finish_reason in LEFT_EARLY
        if submission.preference is not None:
            check_preference(submission.preference, context.options, is_left_early=is_left_early)
        elif not is_left_early:
            raise Unprocessable("No side is chosen yet.", code="incomplete", fields={"preference": "choose a side"})


def check_preference(preference: SubmittedPreference, options: ComparisonOptions, *, is_left_early: bool) -> None:
    fields: dict[str, str] = {}
    choices = CHOICES if options.ties else CHOICES[:2]
    if preference.choice not in choices:
        fields["preference.choice"] = f"must be one of {', '.join(choices)}"
    elif preference.choice == "tie" and preference.margin:
        fields["preference.margin"] = "a tie has no margin"
    elif preference.choice != "tie" and preference.margin not in MARGINS:
        fields["preference.margin"] = f"must be one of {', '.join(MARGINS)}"
    has_rationale = bool(preference.rationale.strip())
    if options.rationale == "off" and has_rationale:
        fields["preference.rationale"] = "this round does not accept a rationale"
    if options.rationale == "required" and not has_rationale and not is_left_early:
        fields["preference.rationale"] = "required"
    if fields:
        raise Unprocessable("The preference is not complete.", code="incomplete", fields=fields)
