#!/usr/bin/env bash
# datasets 5.2.0 (pyarrow 26.0.1): a text column of a JSON Lines file is rewritten if all of its values are dates or times
# without a fraction, although the dataset card declares the column a string.
#
# The declared features are applied after Arrow has inferred the types of a block: `2024-05-01` is inferred as a
# timestamp and cast back to text as `2024-05-01 00:00:00`; `2024-05-01T10:00:00Z` loses its T and Z. One other text, or a
# fraction of a second, and every value stays as it is: what a row says depends on the rows beside it. Parquet is not
# touched. Annotate writes its own times with a fraction, and the card of an export in JSON Lines names the limit.
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
  - name: answer
    dtype: string
---
"""


def loaded(name, answers):
    folder = Path(name)
    folder.mkdir()
    (folder / "README.md").write_text(CARD)
    (folder / "rows.jsonl").write_text("".join(json.dumps({"answer": answer}) + "\n" for answer in answers))
    return load_dataset(str(folder.absolute()))["train"]["answer"][:]


seen = {
    "dates": loaded("dates", ["2024-05-01", "2024-05-02"]),
    "times": loaded("times", ["2024-05-01T10:00:00Z"]),
    "beside another text": loaded("mixed", ["2024-05-01", "forty-two"]),
    "with a fraction": loaded("fraction", ["2024-05-01T10:00:00.000000Z"]),
}
expected = {
    "dates": ["2024-05-01 00:00:00", "2024-05-02 00:00:00"],
    "times": ["2024-05-01 10:00:00"],
    "beside another text": ["2024-05-01", "forty-two"],
    "with a fraction": ["2024-05-01T10:00:00.000000Z"],
}
print(f"datasets: {seen}")
sys.exit(seen != expected)
PY
venv/bin/python seen.py 2>/dev/null
