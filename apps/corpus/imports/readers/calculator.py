"""GSM8K's calculator marks: `16-3 = <<16-3=13>>13` is shown as `16-3 = 13`."""

from __future__ import annotations

import re

_MARK = re.compile(r"<<[^<>\n]*>>")


def without_marks(text: str) -> str:
    return _MARK.sub("", text)
