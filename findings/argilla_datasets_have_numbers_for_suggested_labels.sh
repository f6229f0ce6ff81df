#!/usr/bin/env bash
# What Argilla's to_datasets writes for a suggested label, in the files that a dataset is saved as.
#
# Subject: argilla 2.8.0 with datasets 3.6.0, a label question with the labels good and bad, and a rating question.
#
# Guessed: a label is the same text in the column of the responses and in that of the suggestion.
# Seen:    responses are texts. The suggestion is made a ClassLabel: its file has a number, the place of the label in the
#          order in which unique() met it, so the same label has another number in another export. Suggested ratings stay
#          numbers, so that the number of a class and a rating look alike.
#
# Output when run:
#   argilla 2.8.0, datasets 3.6.0
#   good, bad: {"verdict.responses": ["good"], "verdict.suggestion": 1}; bad first: {"verdict.responses": ["good"], "verdict.suggestion": 0}
#
# Exits 1 when any of this changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install argilla==2.8.0 datasets==3.6.0 requests==2.32.3
HF_HUB_OFFLINE=1 HF_HOME="$folder/hub" "$folder/venv/bin/python" - "$folder" <<'PY'
import json
import sys
import uuid
from pathlib import Path
from types import SimpleNamespace

import argilla as rg
import datasets
from argilla.records._io import HFDatasetsIO

folder = Path(sys.argv[1])
# The type is what to_datasets asks of a question; a question of its own needs a server.
dataset = SimpleNamespace(schema={"verdict": SimpleNamespace(type="label_selection")})


def first_row(name: str, suggested: list[str]) -> dict[str, object]:
    """The row of the record whose response is good and whose suggestion is bad, as the saved file has it."""
    records = [
        rg.Record(
            id=f"r-{suggestion}",
            fields={"prompt": "What is 1 + 1?"},
            responses=[rg.Response("verdict", "good", uuid.UUID(int=1), status="submitted")],
            suggestions=[rg.Suggestion("verdict", suggestion, agent="critic")],
        )
        for suggestion in suggested
    ]
    HFDatasetsIO.to_datasets(records, dataset).to_json(folder / name)
    rows = [json.loads(line) for line in (folder / name).read_text().splitlines()]
    row = next(row for row in rows if row["id"] == "r-bad")
    return {key: row[key] for key in ("verdict.responses", "verdict.suggestion")}


datasets.disable_progress_bars()
rows = [first_row("a.jsonl", ["good", "bad"]), first_row("b.jsonl", ["bad", "good"])]
print(f"argilla {rg.__version__}, datasets {datasets.__version__}")
print(f"good, bad: {json.dumps(rows[0])}; bad first: {json.dumps(rows[1])}")
sys.exit([row["verdict.suggestion"] for row in rows] != [1, 0] or rows[0]["verdict.responses"] != ["good"])
PY
