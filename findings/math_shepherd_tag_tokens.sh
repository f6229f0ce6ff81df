#!/usr/bin/env bash
# Math-Shepherd's step tag, as the tokenizer of its published reward model reads it.
#
# Subject: mistral-common 1.13.1 and the Mistral tokenizer v1 in its wheel (sentencepiece 0.2.1). The published PRM
# (peiyi9979/math-shepherd-mistral-7b-prm) is read at the token 12902, which its card names as the tag's.
#
# Guessed: the tag is one token wherever it stands, so that rows may be checked as text.
# Seen:    after a space it is 12902. Glued to the text ("8 hours.") it is another token, 1107, and no step is found.
#          A word that begins with the tag's letters, such as the Russian for cinema, holds 12902 itself, so that such a
#          step is read as two; a word that ends in them, such as the Russian for discounts, does not.
#
# Output when run:
#   mistral-common 1.13.1, sentencepiece 0.2.1
#   after a space: 1 tag; glued: 0 tags; word that begins so: 2 tags; word that ends so: 1 tag
#
# Exits 1 when any of this changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install mistral-common==1.13.1 sentencepiece==0.2.1
"$folder/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version
from pathlib import Path

import mistral_common
import sentencepiece

tokenizer = sentencepiece.SentencePieceProcessor()
tokenizer.load(str(Path(mistral_common.__file__).parent / "data" / "tokenizer.model.v1"))
TAG, WORD_BEGINS, WORD_ENDS = "\u043a\u0438", "\u043a\u0438\u043d\u043e", "\u0441\u043a\u0438\u0434\u043a\u0438"


def tags(text: str) -> int:
    return tokenizer.encode(text).count(12902)


seen = (
    tags(f"It takes 8 hours. {TAG}"),
    tags(f"It takes 8 hours.{TAG}"),
    tags(f"The {WORD_BEGINS} takes 8 hours. {TAG}"),
    tags(f"The {WORD_ENDS} are 8. {TAG}"),
)
print(f"mistral-common {version('mistral-common')}, sentencepiece {version('sentencepiece')}")
print(f"after a space: {seen[0]} tag; glued: {seen[1]} tags; word that begins so: {seen[2]} tags; word that ends so: {seen[3]} tag")
sys.exit(seen != (1, 0, 2, 1))
PY
