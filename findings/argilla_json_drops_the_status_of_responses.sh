#!/usr/bin/env bash
# What Argilla's exports keep of a response that was discarded, or never submitted.
#
# Subject: argilla 2.8.0 with datasets 3.6.0. A response has a status: submitted, discarded or draft. The same records are
# exported by to_json (nested) and as a list of flat rows, which to_datasets makes a dataset of.
#
# Guessed: an export of people's responses has their status, or holds submitted responses alone.
# Seen:    to_json writes the value and the user of all three, and no status: a draft, and an answer that its author
#          discarded, look like answers. The flat rows have the status of each response in a column beside it.
#
# Output when run:
#   argilla 2.8.0
#   to_json: 3 responses with the keys ['user_id', 'value']
#   flat: quality.responses.status is ['submitted', 'discarded', 'draft']
#
# Exits 1 when any of this changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install argilla==2.8.0 datasets==3.6.0 requests==2.32.3
HF_HUB_OFFLINE=1 "$folder/venv/bin/python" - "$folder/records.json" <<'PY'
import json
import sys
import uuid
from pathlib import Path

import argilla as rg
from argilla.records._io import GenericIO, JsonIO

STATUSES = ["submitted", "discarded", "draft"]
responses = [
    rg.Response("quality", number, uuid.UUID(int=number), status=status) for number, status in enumerate(STATUSES, 1)
]
record = rg.Record(id="r-1", fields={"prompt": "What is 1 + 1?"}, responses=responses)
JsonIO.to_json([record], sys.argv[1])
((nested,),) = (json.loads(Path(sys.argv[1]).read_text()),)
keys = sorted({key for response in nested["responses"]["quality"] for key in response})
(flat,) = GenericIO.to_list([record], flatten=True)
print(f"argilla {rg.__version__}")
print(f"to_json: {len(nested['responses']['quality'])} responses with the keys {keys}")
print(f"flat: quality.responses.status is {flat['quality.responses.status']}")
sys.exit((len(nested["responses"]["quality"]), keys, flat["quality.responses.status"]) != (3, ["user_id", "value"], STATUSES))
PY
