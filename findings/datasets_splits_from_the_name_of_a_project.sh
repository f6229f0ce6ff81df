#!/usr/bin/env bash
# `datasets` over a folder of files for training and validation whose names begin with the name of the project.
#
# Subject: datasets 5.2.0, load_dataset(folder), no card beside the files.
#
# Guessed: "test-prm-train.jsonl" is the split train and "test-prm-validation.jsonl" the split validation, as the last
#          word says.
# Seen:    these two and a third, `test`, with the rows of both files: it holds every row of the training. Beside a file
#          "train.jsonl", a file "heldout.jsonl" is not loaded at all, without a word.
#
# Output when run:
#   test-prm-train.jsonl, test-prm-validation.jsonl: {'train': 3, 'validation': 2, 'test': 5}
#   train.jsonl, heldout.jsonl: {'train': 3}
#
# Exits 1 when this changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install datasets==5.2.0
HF_HUB_OFFLINE=1 HF_HOME="$folder/cache" "$folder/venv/bin/python" - "$folder" <<'PY' 2> "$folder/log" || { tail -5 "$folder/log"; exit 1; }
import sys
from pathlib import Path
from datasets import load_dataset

home = Path(sys.argv[1])
found = []
for number, names in enumerate((("test-prm-train.jsonl", "test-prm-validation.jsonl"), ("train.jsonl", "heldout.jsonl"))):
    data = home / f"data{number}"
    data.mkdir()
    for name, rows in zip(names, (3, 2)):
        (data / name).write_text('{"prompt": "a"}\n' * rows)
    found.append({split: len(rows) for split, rows in load_dataset(str(data)).items()})
    print(f"{', '.join(names)}: {found[-1]}", flush=True)
sys.exit(found != [{"train": 3, "validation": 2, "test": 5}, {"train": 3}])
PY
