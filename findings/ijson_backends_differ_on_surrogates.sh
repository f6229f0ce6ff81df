#!/usr/bin/env bash
# What ijson makes of an escaped surrogate without its partner, by backend.
#
# Subject: ijson 3.6.0 with the backends of its wheel, yajl2_c (chosen by default) and python. Texts that were cut in the
# middle of an emoji hold half a surrogate pair, which json.dumps writes as an escape without complaint.
#
# Guessed: a streaming parser returns the text of the file, or refuses it; and all of its backends do the same.
# Seen:    yajl2_c returns a question mark in its place without an error, so that the text is another than the file's.
#          The python backend returns the surrogate, as the standard library does. A whole pair is read by both.
#
# Output when run:
#   ijson 3.6.0, default backend yajl2_c
#   half a pair: yajl2_c '?', python '\ud83d', json '\ud83d'; whole pair the same in all: True
#
# Exits 1 when any of this changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install ijson==3.6.0
"$folder/venv/bin/python" - <<'PY'
import io
import json
import sys

import ijson

HALF, WHOLE = json.dumps(["\ud83d"]).encode(), json.dumps(["\U0001f600"]).encode()


def first(backend: str, text: bytes) -> str:
    return next(ijson.get_backend(backend).items(io.BytesIO(text), "item"))


half = [first("yajl2_c", HALF), first("python", HALF), json.loads(HALF)[0]]
whole = {first("yajl2_c", WHOLE), first("python", WHOLE), json.loads(WHOLE)[0]}
print(f"ijson {ijson.__version__}, default backend {ijson.backend}")
print(f"half a pair: yajl2_c {ascii(half[0])}, python {ascii(half[1])}, json {ascii(half[2])}; whole pair the same in all: {len(whole) == 1}")
sys.exit((ijson.backend, half, len(whole)) != ("yajl2_c", ["?", "\ud83d", "\ud83d"], 1))
PY
