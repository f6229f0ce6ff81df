#!/usr/bin/env bash
# Math-Verify 0.9.0 (Apache-2.0), the grader of many reward and evaluation pipelines, on valid LaTeX as models write it.
#   1. Large and small letters are one symbol: R - r is 0, and 5R^2 equals 5r^2.
#   2. Behind a formula with \frac, the entry 16 of a matrix is read as 1 and 6, that is, as the mixed number 7.
#   3. Degrees are dropped inside functions: \sin 30^\circ equals \sin 30, and does not equal 1/2.
#   4. Small numbers are all equal: 2^{-80} equals 2^{-79}; a ratio of three is a division: 6:2:1 equals 3.
# Exits non-zero when one of these changes.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check "math-verify[antlr4-13-2]==0.9.0" "latex2sympy2_extended==1.11.0"
"$place/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

from math_verify import parse, verify

print("math-verify", version("math-verify"), "latex2sympy2_extended", version("latex2sympy2_extended"), "sympy", version("sympy"))
SEEN = [
    (r"R-r", r"0", True, False),
    (r"5R^2", r"5r^2", True, False),
    (r"\begin{pmatrix} 16/5 \\ 48/5 \end{pmatrix}", r"\frac{1}{5}\begin{pmatrix} 16 \\ 48 \end{pmatrix}", False, True),
    (r"\begin{pmatrix} 7/5 \\ 48/5 \end{pmatrix}", r"\frac{1}{5}\begin{pmatrix} 16 \\ 48 \end{pmatrix}", True, False),
    (r"\frac{1}{2}", r"\sin 30^\circ", False, True),
    (r"\sin 30^\circ", r"\sin 30", True, False),
    (r"\frac{1}{2^{80}}", r"\frac{1}{2^{79}}", True, False),
    (r"6:2:1", r"3", True, False),
]
changed = False
for reference, answer, seen, right in SEEN:
    gold, given = parse(f"${reference}$"), parse(f"${answer}$")
    equal = verify(gold, given)
    changed |= equal != seen
    print(f"{reference} | {answer}: equal is {equal}, should be {right}; read as {gold[:1]} and {given[:1]}".replace("\n", " "))
sys.exit(changed)
PYTHON
