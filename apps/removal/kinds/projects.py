"""Projects: with everything in them, and nothing of any other."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.db import models, transaction
from django.db.models import QuerySet

from apps.accounts.models import User
from apps.core.jobs.model import ENDED
from apps.corpus.models import Comparison, ImportBatch, Problem, Solution
from apps.corpus.services import cancel_import
from apps.estimation.models import EstimationRun, SamplingRun
from apps.estimation.sampling.services import cancel_sampling
from apps.evaluation.models import Evaluation
from apps.evaluation.services import cancel_evaluation
from apps.exports.models import Export
from apps.exports.services import cancel_export
from apps.judging.models import Constitution, Judge, JudgeRun
from apps.labeling.models import Assignment, Round
from apps.projects.models import Project
from apps.quality.models import Cascade
from apps.removal.kinds.base import Kind, Loss, Progress, all_rows, counted
from apps.runs import lifecycle
from apps.scoring.models import ScoringRun

BATCH = 200
# In this order: each refers to what comes after it by a key that protects it, or would be a long cascade.
_BATCHED: tuple[type[models.Model], ...] = (Cascade, Comparison, Solution, Problem)
_THEN: tuple[type[models.Model], ...] = (
    Round,
    Judge,
    Constitution,
    EstimationRun,
    SamplingRun,
    ScoringRun,
    JudgeRun,
    ImportBatch,
    Export,
)


class ProjectKind(Kind[Project]):
    name, title, needs, model = "project", "project", "manage_members", Project
    in_background = is_archivable = ends_access = True
    note = (
        "Nobody can open the project from now on, and its runs, imports and exports are cancelled. A worker then removes "
        "everything in it, with the files of its imports and exports. Accounts of its members stay. This cannot be undone."
    )

    def rows(self, project: Project) -> QuerySet[Project]:
        return Project.objects.filter(pk=project.pk)

    def parts(self, row: Project) -> list[Loss]:
        return counted(
            (row.problems.count(), "problems"),
            (row.solutions.count(), "solutions"),
            (Assignment.objects.submitted().filter(round__project=row).count(), "submissions"),
            (row.rounds.count(), "rounds"),
            (
                sum(
                    kind.objects.filter(project=row).count()
                    for kind in (EstimationRun, SamplingRun, ScoringRun, JudgeRun)
                ),
                "runs",
            ),
            (row.imports.count(), "imports"),
            (row.exports.count(), "exports"),
            (row.memberships.count(), "members"),
        )

    def prepare(self, row: Project, actor: User) -> None:
        """Stop what is at work, and close the doors: without members, everything in it is not found."""
        for kind in (EstimationRun, ScoringRun, JudgeRun):
            for run in kind.objects.filter(project=row).exclude(status__in=ENDED):
                lifecycle.cancel(run, actor=actor)
        for sampling in SamplingRun.objects.filter(project=row).exclude(status__in=ENDED):
            cancel_sampling(run=sampling, actor=actor)
        for batch in ImportBatch.objects.filter(project=row).exclude(status__in=ENDED):
            cancel_import(batch=batch, actor=actor)
        for export in Export.objects.filter(project=row).exclude(status__in=ENDED):
            cancel_export(export=export, actor=actor)
        for evaluation in Evaluation.objects.filter(project=row).exclude(status__in=ENDED):
            cancel_evaluation(evaluation=evaluation, actor=actor)
        row.memberships.all().delete()
        row.invitations.all().delete()

    def remove_in_batches(self, row: Project) -> Iterator[Progress]:
        total = sum(all_rows(model).filter(project=row).count() for model in _BATCHED)
        done = 0
        for model in _BATCHED:
            while count := _remove_batch(model, row):
                done += count
                yield Progress(done, total)
        for model in _THEN:
            for pk in list(all_rows(model).filter(project=row).values_list("pk", flat=True)):
                all_rows(model).filter(pk=pk).delete()
                yield Progress(done, total)
        for folder in ("imports", "exports"):
            shutil.rmtree(Path(settings.MEDIA_ROOT) / folder / row.slug, ignore_errors=True)
        Project.objects.filter(pk=row.pk).delete()


@transaction.atomic
def _remove_batch(model: type[models.Model], project: Project) -> int:
    ids = list(all_rows(model).filter(project=project).order_by("pk").values_list("pk", flat=True)[:BATCH])
    all_rows(model).filter(pk__in=ids).delete()
    return len(ids)
