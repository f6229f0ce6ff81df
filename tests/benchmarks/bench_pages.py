"""The pages of a project with a million step labels: how long the server takes for each, and which is the slowest.

    .venv/bin/python -m tests.benchmarks.bench_pages [LABELS]

In one process, without a network: what is measured is our code and the database.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from tests.benchmarks.report import percentile, tell
from tests.benchmarks.setting import a_database, add_solutions

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.projects.models import Project

STEPS, PEOPLE, LABELERS = 8, 2, 60
SOLUTIONS_EACH = 8  # Of a problem.
JUDGES = ("critic", "reader")
# How often a page is asked for: about as many things, or about one.
ASKED, OFTEN = 60, 20


def main(labels: int = 1_000_000) -> None:
    with a_database():
        from annotate.static_files import collect

        collect(Path(os.environ["ANNOTATE_HOME"]))
        project, owner = prepare(labels // (STEPS * PEOPLE))
        measure(project, owner)


def prepare(solutions: int) -> tuple[Project, User]:
    from django.db import connection

    from apps.accounts.models import User
    from apps.projects.models import Role
    from apps.projects.services import add_member, create_project
    from apps.quality.consensus.recompute import recompute_project
    from apps.quality.metrics.refresh import refresh_figures
    from tests.quality.submissions import mark_all_stale

    project = create_project(slug="pages")
    crew = [User.objects.create(email=f"{number}@bench.example", password="!") for number in range(LABELERS)]
    owner = User.objects.create(email="owner@bench.example", password="!")
    for one in crew:
        add_member(project=project, user=one, role=Role.LABELER)
    add_member(project=project, user=owner, role=Role.OWNER)
    add_solutions(project, solutions, STEPS, problems=max(1, solutions // SOLUTIONS_EACH))
    say(project, crew)
    estimate(project)
    for name in JUDGES:
        judge(project, name)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    mark_all_stale(project)
    started = time.perf_counter()
    recompute_project(project)
    tell("pages.consensus_of_all", time.perf_counter() - started, "s")
    started = time.perf_counter()
    assert refresh_figures() == 1
    tell("pages.figures_of_quality", time.perf_counter() - started, "s")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return project, owner


def say(project: Project, crew: list[User]) -> None:
    """Two people on each solution, who err at random."""
    from django.db import transaction
    from django.utils import timezone

    from apps.core.db.copy import copy_rows, next_ids
    from apps.labeling.models import Assignment, RoundProgress, StepLabel
    from apps.labeling.rounds.services import open_round

    dice, now = random.Random(5), timezone.now()
    with transaction.atomic():
        round_ = open_round(project=project, protocol="first_error", redundancy=PEOPLE)
        tasks = list(round_.tasks.order_by("pk").values_list("pk", "solution"))
        steps = steps_of(project)
        assignments = iter(next_ids(Assignment, len(tasks) * PEOPLE))
        rows: list[tuple[Any, ...]] = []
        said: list[tuple[int, int]] = []
        for task, solution in tasks:
            for one in dice.sample(crew, PEOPLE):
                assignment = next(assignments)
                rows.append((assignment, task, round_.pk, one.pk, "submitted", "solution", "", now, 8000, 0, False))
                said.append((assignment, solution))
        columns = [
            "id",
            "task",
            "round",
            "labeler",
            "state",
            "finish_reason",
            "reason",
            "submitted_at",
            "active_ms",
            "draft_version",
            "is_quality_control",
        ]
        copy_rows(Assignment, columns, rows)
        rated = (
            (assignment, step, rating_of(dice), False, False)
            for assignment, solution in said
            for step in steps[solution]
        )
        copy_rows(StepLabel, ["assignment", "step", "rating", "unsure", "chosen"], rated)
        each = len(said) // len(crew)
        RoundProgress.objects.bulk_create(RoundProgress(round=round_, labeler=one, submitted=each) for one in crew)


def rating_of(dice: random.Random) -> int:
    return -1 if dice.random() < 0.1 else 1


def steps_of(project: Project) -> dict[int, list[int]]:
    from apps.corpus.models import Step

    steps: dict[int, list[int]] = {}
    rows = Step.objects.filter(solution__project=project).order_by("solution", "position")
    for pk, solution in rows.values_list("pk", "solution").iterator(chunk_size=50_000):
        steps.setdefault(solution, []).append(pk)
    return steps


def estimate(project: Project) -> None:
    from django.db import transaction

    from apps.core.db.copy import copy_rows
    from apps.estimation.models import EstimationRun, SolutionEstimate, StepEstimate

    run = EstimationRun.objects.create(project=project, number=1, strategy="math-shepherd", status="finished")
    dice, steps = random.Random(6), steps_of(project)

    def counts() -> Iterator[tuple[Any, ...]]:
        for path in steps.values():
            for step in path:
                yield run.pk, step, 8, dice.randrange(9), 0, "rollouts", 0

    with transaction.atomic():
        copy_rows(StepEstimate, ["run", "step", "rollouts", "successes", "missing", "basis", "tokens"], counts())
        whole = ((run.pk, pk, dice.randrange(-1, STEPS), "", "", False, 64, 0) for pk in steps)
        columns = ["run", "solution", "first_error", "failure", "note", "by_answer", "rollouts", "missing"]
        copy_rows(SolutionEstimate, columns, whole)


def judge(project: Project, name: str) -> None:
    """A judge of steps that has judged everything, twice each."""
    from django.db import transaction

    from apps.core.db.copy import copy_rows
    from apps.judging.models import Judge, JudgeReply, JudgeRun, SolutionVerdict, StepVerdict

    dice, steps = random.Random(name), steps_of(project)
    named = {pk: dice.randrange(-1, STEPS) for pk in steps}
    count = len(named)
    by = Judge.objects.create(
        project=project, name=name, version=1, kind="steps", model="judge-7b", options={"votes": 2}
    )
    number = JudgeRun.objects.filter(project=project).count() + 1
    counts = {"total": count, "done": count, "verdicts": count, "requests": count}
    run = JudgeRun.objects.create(project=project, judge=by, number=number, status="finished", **counts)
    ratings = {
        pk: {place: -1 if place == first else 1 for place in range(STEPS if first < 0 else first + 1)}
        for pk, first in named.items()
    }

    def replies() -> Iterator[tuple[Any, ...]]:
        for pk, rated in ratings.items():
            verdict = Jsonb(
                {"kind": "steps", "ratings": {str(place): value for place, value in rated.items()}, "reasons": {}}
            )
            for slot in range(2):
                yield run.pk, pk, slot, 0, "verdict", "It holds.", verdict, "", 400, 80

    with transaction.atomic():
        columns = ["run", "solution", "slot", "attempt", "outcome", "text", "verdict", "reason"]
        copy_rows(JudgeReply, [*columns, "prompt_tokens", "completion_tokens"], replies())
        verdicts = ((run.pk, pk, "verdict", first, 1.0, "", 800, 160) for pk, first in named.items())
        columns = ["run", "solution", "outcome", "first_error", "share", "reason", "prompt_tokens", "completion_tokens"]
        copy_rows(SolutionVerdict, columns, verdicts)
        rows = (
            (run.pk, steps[pk][place], value, 1.0, "")
            for pk, rated in ratings.items()
            for place, value in rated.items()
        )
        copy_rows(StepVerdict, ["run", "step", "rating", "confidence", "reason"], rows)


def measure(project: Project, owner: User) -> None:
    from django.test import Client

    import annotate.wsgi  # noqa: F401 - loads the views and freezes what is loaded, as the web server does

    client = Client(headers={"Host": "127.0.0.1"})
    client.force_login(owner)
    slowest: list[tuple[float, str]] = []
    for name, urls in pages_of(project).items():
        if client.get(urls[0]).status_code == 405:
            continue  # A form's address.
        spells, busy = [], []
        for url in urls:
            started, before = time.perf_counter(), time.process_time()
            answer = client.get(url)
            spells.append(time.perf_counter() - started)
            busy.append(time.process_time() - before)
            assert answer.status_code == 200, (url, answer.status_code)
        tell(f"pages.{name}.p95", percentile(spells, 0.95) * 1000, "ms")
        # Our own processor time: what the rest waits for is the database, or other programs.
        tell(f"pages.{name}.processor.p50", percentile(busy, 0.5) * 1000, "ms")
        slowest.append((percentile(spells, 0.95) * 1000, name))
    for spell, name in sorted(slowest, reverse=True)[:5]:
        tell(f"pages.slowest.{name}", spell, "ms")


def pages_of(project: Project) -> dict[str, list[str]]:
    """The addresses of each page of the project, by the name of its URL: several where it is about one of many things."""
    from django.urls import reverse

    from apps.corpus.models import Problem, Solution
    from apps.dashboard.urls import urlpatterns
    from apps.judging.models import SolutionVerdict
    from apps.labeling.models import Assignment
    from apps.projects.models import Membership

    dice = random.Random(7)

    def some(rows: Any) -> list[dict[str, Any]]:
        return [{"pk": pk} for pk in dice.choices(list(rows.values_list("pk", flat=True)), k=ASKED)]

    things = {
        "solution": some(Solution.objects.filter(project=project)),
        "solution-split": some(Solution.objects.filter(project=project)),
        "problem": some(Problem.objects.filter(project=project)),
        "assignment": some(Assignment.objects.filter(round__project=project)),
        "person": some(Membership.objects.filter(project=project, role="labeler")),
        "judge-run-item": [{"number": 1, **item} for item in some(SolutionVerdict.objects.filter(run__number=1))],
        **{
            name: [{"number": 1}] * OFTEN
            for name in ("round", "round-edit", "label", "run", "judge-run", "judge-run-items")
        },
    }
    pages: dict[str, list[str]] = {}
    for pattern in urlpatterns:
        route, name = str(pattern.pattern), str(pattern.name)
        if not route.startswith("projects/<slug:slug>/") or route.endswith((".csv", ".jsonl", ".json")):
            continue
        if name in things:
            pages[name] = [reverse(name, kwargs={"slug": project.slug, **thing}) for thing in things[name]]
        elif route.count("<") == 1:
            pages[name] = [reverse(name, args=[project.slug])] * OFTEN
    after = [thing["pk"] for thing in things["solution"]]
    pages["solution-in-queue"] = [f"{address}?queue=people" for address in pages["solution"]]
    pages["review-queue"] = [f"{reverse('review-queue', args=[project.slug, 'people'])}?after={pk}" for pk in after]
    pages["solutions-filtered"] = [f"{pages['solutions'][0]}?after={pk}&is_correct=false" for pk in after]
    return pages


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:2]))
