#!/usr/bin/env bash
# verl's rewards for GSM8K and MATH compare texts, and each forgives another spelling of the same number.
#
# Subject: verl 0.9.1, verl/utils/reward_score/gsm8k.py and math_reward.py of its wheel, loaded without the package around
# them (which needs ray and torch). Its default reward picks them by the row's `data_source`.
#
# Guessed: a reply that states the right number is paid, whether it writes 1234 or 1,234, and with a full stop behind it.
# Seen:    GSM8K's scorer takes the commas out of the reply, never out of the ground truth: "1,234" as ground truth pays
#          nothing at all, not even to "1,234". A full stop after the number stays in it, so "#### 1234." is wrong. It removes
#          dollar signs, but from what a pattern without dollars has found: "#### $1234" is no answer.
#          MATH's scorer keeps commas on both sides: "\boxed{1,234}" is wrong where 1234 is the ground truth, and a ground
#          truth with the box around it pays nothing to the same box.
#
# Output when run:
#   verl 0.9.1
#   gsm8k, ground truth 1234: '#### 1234' 1.0, '#### 1,234' 1.0, '#### 1234.' 0.0, '#### $1234' 0.0
#   gsm8k, ground truth 1,234: '#### 1,234' 0.0, '#### 1234' 0.0
#   math, ground truth 1234: '\boxed{1234}' 1.0, '\boxed{1,234}' 0.0
#   math, ground truth \boxed{1234}: '\boxed{1234}' 0.0
#
# Exits 1 when any of this changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install --no-deps --target "$folder/wheel" verl==0.9.1
"$folder/venv/bin/python" - "$folder/wheel" <<'PY'
import importlib.util
import sys
from pathlib import Path

SCORERS = Path(sys.argv[1]) / "verl" / "utils" / "reward_score"


def scorer(name):
    spec = importlib.util.spec_from_file_location(name, SCORERS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.compute_score


CASES = [
    ("gsm8k", "gsm8k", "1234", {"#### 1234": 1.0, "#### 1,234": 1.0, "#### 1234.": 0.0, "#### $1234": 0.0}),
    ("gsm8k", "gsm8k", "1,234", {"#### 1,234": 0.0, "#### 1234": 0.0}),
    ("math", "math_reward", "1234", {r"\boxed{1234}": 1.0, r"\boxed{1,234}": 0.0}),
    ("math", "math_reward", r"\boxed{1234}", {r"\boxed{1234}": 0.0}),
]
print("verl", (SCORERS.parents[1] / "version" / "version").read_text().strip())
same = True
for title, name, truth, expected in CASES:
    paid = {reply: float(scorer(name)(reply, truth)) for reply in expected}
    same &= paid == expected
    print(f"{title}, ground truth {truth}: " + ", ".join(f"'{reply}' {reward}" for reply, reward in paid.items()))
sys.exit(not same)
PY
