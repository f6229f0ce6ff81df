#!/usr/bin/env bash
# datasets 5.2.0 (pyarrow 26.0.1): one list that holds a null in a JSON Lines file, in whatever column, and decimal numbers of
# the file lose their last digits, although the dataset card declares the features.
#
# A list with a null beside other values is taken for a list of mixed types, and the rows are read and written again, with 15
# decimal places, before Arrow reads them. 0.00012345678901234567 becomes 0.000123456789012, with 12 of its 17 digits left.
# Without a null, all numbers are read exactly, and Parquet is not touched. Annotate's docs say to take Parquet where the last
# digit matters; a test holds its shares and intervals in JSON Lines to 14 digits.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet datasets==5.2.0 pyarrow==26.0.1
export HF_HOME="$folder/home" HF_DATASETS_OFFLINE=1 HF_HUB_OFFLINE=1
cat > seen.py <<'PY'
import json
import sys
from pathlib import Path

from datasets import load_dataset

CARD = """---
configs:
- config_name: default
  data_files:
  - split: train
    path: rows.jsonl
dataset_info:
  features:
  - name: share
    dtype: float64
  - name: names
    list: string
---
"""
SHARES = [0.13436424411240122, 0.00012345678901234567, 0.40927543031]


def loaded(name, names):
    folder = Path(name)
    folder.mkdir()
    (folder / "README.md").write_text(CARD)
    rows = [{"share": share, "names": names} for share in SHARES]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return load_dataset(str(folder.absolute()))["train"]["share"][:]


seen = {"without a null": loaded("plain", ["a", "b"]), "with a null": loaded("null", [None, "b"])}
expected = {"without a null": SHARES, "with a null": [0.134364244112401, 0.000123456789012, 0.40927543030999997]}
print(f"datasets: {seen}")
sys.exit(seen != expected)
PY
venv/bin/python seen.py 2>/dev/null
