"""The formats that can be imported: one file and one line each. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from apps.corpus.imports.readers.base import Reader, ReaderOptions, options_for
from apps.corpus.imports.readers.canonical import Canonical
from apps.corpus.imports.readers.chat import Chat
from apps.corpus.imports.readers.gsm8k import Gsm8k
from apps.corpus.imports.readers.gsm8k_solutions import Gsm8kSolutions
from apps.corpus.imports.readers.kto import Kto
from apps.corpus.imports.readers.math import Math
from apps.corpus.imports.readers.math_shepherd import MathShepherd
from apps.corpus.imports.readers.preference import Preference
from apps.corpus.imports.readers.prm800k import Prm800k
from apps.corpus.imports.readers.processbench import ProcessBench
from apps.corpus.imports.readers.tools.argilla import Argilla
from apps.corpus.imports.readers.tools.label_studio import LabelStudio
from apps.corpus.imports.readers.trl_prm import TrlPrm

READERS: dict[str, Reader] = {
    reader.name: reader
    for reader in (
        LabelStudio(),
        Argilla(),
        Prm800k(),
        Gsm8k(),
        Gsm8kSolutions(),
        Math(),
        MathShepherd(),
        ProcessBench(),
        TrlPrm(),
        Preference(),
        Kto(),
        Chat(),
        Canonical(),
    )
}
READER_NAMES = sorted(READERS)


def detect(rows: Sequence[Mapping[str, Any]]) -> str | None:
    """The first format that all of these rows look like; None when there is none."""
    for name, reader in READERS.items():
        if rows and all(reader.looks_like(row) for row in rows):
            return name
    return None


__all__ = ["READERS", "READER_NAMES", "Reader", "ReaderOptions", "detect", "options_for"]
