"""Blind rounds: a random sample of solutions that people label without any verdict or estimate.

Labelers of a first-error round see no label of a model. The sample is drawn anew each time, uniformly and without
replacement, so it represents the project's solutions.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Sequence

from django.db import transaction
from django.db.models import Max, QuerySet

from apps.accounts.models import User
from apps.core.db.copy import copy_rows
from apps.core.errors import DomainError
from apps.core.numbers import parse_number
from apps.corpus.models import Solution
from apps.labeling.models import Assignment, Round
from apps.labeling.rounds.plan import selectable_solutions
from apps.labeling.rounds.services import create_round, open_draft
from apps.projects.models import Project
from apps.quality.models import BlindSample, SampledSolution

MOST_SOLUTIONS = 100_000


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
    pool = selectable_solutions(project)
    ids = list(pool.order_by("pk").values_list("pk", flat=True))
    most = min(len(ids), MOST_SOLUTIONS)
    if not 1 <= size <= most:
        raise DomainError(
            f"A blind round of {size:,} solutions cannot be drawn from {len(ids):,}.",
            fields={"size": f"must be between 1 and {most:,}" if most else "the project has no solutions with steps"},
        )
    seed = secrets.randbelow(2**31) if seed is None else seed
    drawn = random.Random(seed).sample(ids, size)  # noqa: S311 - reproducible, hides no secret
    last = pool.aggregate(last=Max("pk"))["last"]
    sample = BlindSample.objects.create(project=project, seed=seed, pool=len(ids), last_solution=last, created_by=actor)
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


def is_complete(round_: Round) -> bool:
    """Whether nobody labels it any more: it is closed, or all its slots are filled."""
    if round_.status == Round.Status.CLOSED:
        return True
    is_open = round_.tasks.filter(open_slots__gt=0, withdrawn="").exists()
    return not is_open and not round_.tasks.filter(assignments__state=Assignment.State.LEASED).exists()


def hidden_solutions(solution_ids: Sequence[int]) -> set[int]:
    """Those of these solutions that wait for labels in an open blind round: pages hide what models say of them."""
    waiting = SampledSolution.objects.filter(
        solution__in=solution_ids,
        sample__round__status__in=[Round.Status.OPEN, Round.Status.PAUSED],
        sample__round__tasks__solution_id__in=solution_ids,
        sample__round__tasks__open_slots__gt=0,
    )
    pairs = waiting.values_list("solution_id", "sample__round__tasks__solution_id")
    return {solution_id for solution_id, task_solution in pairs.distinct() if solution_id == task_solution}
