"""Blind rounds: a random sample of solutions that people label without any verdict or estimate.

Labelers of a first-error round see no label of a model. The sample is drawn anew each time, uniformly and without
replacement, so it represents the project's solutions.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Collection, Sequence
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from apps.accounts.models import User
from apps.core.db.copy import copy_rows
from apps.core.errors import Conflict, DomainError
from apps.core.numbers import parse_number
from apps.corpus.models import Solution
from apps.labeling.models import Round
from apps.labeling.rounds.completion import incomplete, is_complete
from apps.labeling.rounds.plan import selectable_solutions
from apps.labeling.rounds.services import create_round, open_draft
from apps.projects.models import Project
from apps.quality.disputes.kinds import MODEL_DISPUTES
from apps.quality.models import BlindPool, BlindSample, OpenDispute, SampledSolution

MOST_SOLUTIONS = 100_000
LIVE = (Round.Status.OPEN, Round.Status.PAUSED)


@transaction.atomic
def open_blind_round(
    *,
    project: Project,
    size: int,
    redundancy: int = 1,
    labelers: Sequence[User] = (),
    name: str = "",
    seed: int | None = None,
    actor: User | None = None,
) -> BlindSample:
    """Draw `size` solutions and open a first-error round of them. Raises DomainError that names the field."""
    ids = list(selectable_solutions(project).order_by("pk").values_list("pk", flat=True))
    most = min(len(ids), MOST_SOLUTIONS)
    if not 1 <= size <= most:
        raise DomainError(
            f"A blind round of {size:,} solutions cannot be drawn from {len(ids):,}.",
            fields={"size": f"must be between 1 and {most:,}" if most else "the project has no solutions with steps"},
        )
    seed = secrets.randbelow(2**31) if seed is None else seed
    drawn = random.Random(seed).sample(ids, size)  # noqa: S311 - reproducible, hides no secret
    sample = BlindSample.objects.create(project=project, seed=seed, pool=len(ids), created_by=actor)
    BlindPool.objects.create(sample=sample, ids=ids)
    copy_rows(SampledSolution, ["sample", "solution"], ((sample.pk, pk) for pk in sorted(drawn)))
    draft = create_round(
        project=project,
        created_by=actor,
        name=name or f"Blind sample of {size:,} solutions",
        protocol="first_error",
        redundancy=redundancy,
        labelers=tuple(labelers),
        select=f"blind:{sample.pk}",
        fresh_eyes=True,
    )
    sample.round = open_draft(round=draft, actor=actor)
    sample.save(update_fields=["round"])
    return sample


def sampled(solutions: QuerySet[Solution], sample: str) -> QuerySet[Solution]:
    """The selection term `blind:ID`: the solutions of that blind sample."""
    number = parse_number(sample, biggest=2**31 - 1)
    if number is None or not BlindSample.objects.filter(pk=number).exists():
        raise DomainError(
            f"`blind:{sample}` names no blind sample.", fields={"select": "blind: must be the number of a blind sample"}
        )
    return solutions.filter(
        pk__in=SampledSolution.objects.filter(sample=number).values("solution"),
        project__in=BlindSample.objects.filter(pk=number).values("project"),
    )


def sampled_ids(sample: BlindSample) -> list[int]:
    return list(sample.solutions.order_by("solution_id").values_list("solution_id", flat=True))


def check_labeled(sample: BlindSample) -> None:
    """Raises Conflict while people label the sample."""
    if sample.round is None or not is_complete(sample.round):
        raise Conflict("People still label this blind round.", code="not_complete")


def hiding_rounds(solution_ids: Collection[int]) -> dict[int, int]:
    """By solution id, of those in a live blind round that people have not completed: the number of the round.

    Until the whole round is complete, pages hide what models say of them: a solution that is labeled already can still be
    corrected by its labeler. One query, and a second one if a live blind round has any of them.
    """
    sampled = SampledSolution.objects.filter(solution__in=solution_ids, sample__round__status__in=LIVE)
    rows = list(sampled.order_by().values_list("solution_id", "sample__round"))
    if not rows:
        return {}
    waiting = incomplete(Round.objects.filter(pk__in={round_id for _, round_id in rows}))
    numbers = dict(waiting.order_by().values_list("pk", "number"))
    return {pk: numbers[round_id] for pk, round_id in sorted(rows) if round_id in numbers}


def hidden_solutions(solution_ids: Collection[int]) -> set[int]:
    """Those of these solutions of which pages hide what models say."""
    return set(hiding_rounds(solution_ids))


def hidden_in(project: Project) -> QuerySet[Any]:
    """The ids of the project's hidden solutions, for a subquery."""
    waiting = incomplete(Round.objects.filter(project=project, status__in=LIVE, blind_sample__isnull=False))
    return SampledSolution.objects.filter(sample__round__in=waiting.values("pk")).order_by().values("solution")


def shown_disputes(project: Project) -> QuerySet[OpenDispute]:
    """The project's disputes without those that tell what a model says of a hidden solution."""
    disputes = OpenDispute.objects.filter(project=project)
    return disputes.exclude(kind__in=MODEL_DISPUTES, solution__in=hidden_in(project))
