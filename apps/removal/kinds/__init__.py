"""The kinds of objects that can be deleted or archived, by name."""

from __future__ import annotations

from typing import Any

from apps.removal.kinds.base import Kind, Loss, Progress, all_rows
from apps.removal.kinds.files import ExportKind
from apps.removal.kinds.imports import ImportKind
from apps.removal.kinds.machines import (
    EndpointKind,
    EstimationRunKind,
    JudgeKind,
    JudgeRunKind,
    SamplingRunKind,
    ScoringRunKind,
)
from apps.removal.kinds.members import MemberKind
from apps.removal.kinds.projects import ProjectKind
from apps.removal.kinds.rounds import RoundKind
from apps.removal.kinds.solutions import ProblemKind, SolutionKind

__all__ = ["KINDS", "Kind", "Loss", "Progress", "all_rows"]

_ALL: tuple[Kind[Any], ...] = (
    ProjectKind(),
    MemberKind(),
    ImportKind(),
    ProblemKind(),
    SolutionKind(),
    RoundKind(),
    ExportKind(),
    EndpointKind(),
    JudgeKind(),
    EstimationRunKind(),
    SamplingRunKind(),
    ScoringRunKind(),
    JudgeRunKind(),
)
KINDS: dict[str, Kind[Any]] = {kind.name: kind for kind in _ALL}
