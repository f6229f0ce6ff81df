"""The judges of a project with what they have judged so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from django.core.cache import cache
from django.db.models import Count, F, Sum

from apps.corpus.models import ImportBatch
from apps.judging.models import Judge, JudgeRun, StepVerdict

COUNTS_KEPT_S = 600


@dataclass(frozen=True, slots=True)
class JudgeSummary:
    """`items` are solutions or comparisons with a verdict of our own runs; `steps` are rated steps of files."""

    judge: Judge
    items: int
    undecided: int
    steps: int
    runs: int
    newest: JudgeRun | None

    @property
    def prompt_label(self) -> str:
        """Name and version; empty for a judge of a file."""
        prompt = self.judge.prompt
        return f"{prompt['name']} v{prompt['version']}" if prompt else ""

    @property
    def votes(self) -> int | None:
        """Votes, or revisions, for each item."""
        options: dict[str, int] = self.judge.options
        return options.get("votes") or options.get("revisions")


def judge_summaries(judges: Sequence[Judge]) -> list[JudgeSummary]:
    """In the order of the judges, which are of one project. Four queries, and one more if a file has come in."""
    sums = {
        row["judge"]: row
        for row in JudgeRun.objects.filter(judge__in=judges)
        .order_by()
        .values("judge")
        .annotate(decided=Sum(F("verdicts") - F("undecided")), undecided=Sum("undecided"), runs=Count("pk"))
    }
    newest_runs = {
        run.judge_id: run
        for run in JudgeRun.objects.filter(judge__in=judges).order_by("judge_id", "-number").distinct("judge_id")
    }
    steps = _steps_of_files(judges)
    empty: dict[str, Any] = {"decided": 0, "undecided": 0, "runs": 0}
    return [
        JudgeSummary(
            judge,
            items=(row := sums.get(judge.pk, empty))["decided"],
            undecided=row["undecided"],
            steps=steps.get(judge.pk, 0),
            runs=row["runs"],
            newest=newest_runs.get(judge.pk),
        )
        for judge in judges
    ]


def _steps_of_files(judges: Sequence[Judge]) -> dict[int, int]:
    """By judge. The count reads all verdicts of files, so it is cached until another file brings rows."""
    if not judges:
        return {}
    project = judges[0].project
    newest = ImportBatch.objects.filter(project=project).order_by("-pk").values_list("pk", "done").first()
    key = f"verdicts-of-files:{project.pk}:{project.created_at.timestamp()}:{newest}".replace(" ", "")
    return cast("dict[int, int]", cache.get_or_set(key, lambda: _count_steps(project.pk), COUNTS_KEPT_S))


def _count_steps(project_id: int) -> dict[int, int]:
    verdicts = StepVerdict.objects.filter(run__project=project_id).exclude(run__origin="")
    rows = verdicts.order_by().values("run__judge").annotate(steps=Count("pk"))
    return {row["run__judge"]: row["steps"] for row in rows}
