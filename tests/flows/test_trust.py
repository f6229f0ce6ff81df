"""Three labelers of known error rates and a spammer, over HTTP: whose labels stand, and who is sent away."""

from __future__ import annotations

import http.client
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import msgspec
import numpy as np
import pytest

from apps.accounts.models import User
from apps.accounts.services import issue_token
from apps.corpus.labels import BAD
from apps.corpus.models import Solution
from apps.labeling.models import Assignment, GoldLabel, Round, Task
from apps.projects.models import Membership, Project, Role
from apps.projects.services import add_member
from apps.quality.consensus.recompute import recompute_project, recompute_projects
from apps.quality.gold.suspension_test import SuspensionTest
from apps.quality.models import Consensus, GoldMark, QualityRules, Suspension
from tests.cast import make_problem, make_round, make_solution, make_user
from tests.quality.simulation import SPAMMER, World, labeler, simulate
from tests.quality.submissions import mark_all_stale

SOLUTIONS, ERRORS = 200, (0.05, 0.10, 0.15)


@dataclass
class Scripted:
    """Says of each solution what the script has for it: ratings from the first step on."""

    address: str
    user: User
    script: dict[str, list[int]]
    token: str = ""
    tasks: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.token = issue_token(user=self.user)[1]

    def work(self, path: str, assignments: int = 10**9) -> None:
        """Until there is nothing more for them, or so many turns are done."""
        connection = http.client.HTTPConnection(urlsplit(self.address).netloc, timeout=60)
        for _ in range(assignments):
            status, claimed = self.post(connection, path, {})
            if status == 403 or claimed["assignment"] is None:
                return
            sheet = claimed["assignment"]
            ratings = self.script[sheet["problem"]["statement"]]
            steps = [{"position": place, "rating": rating} for place, rating in enumerate(ratings)]
            body = {"steps": steps, "finish_reason": "found_error" if BAD in ratings else "solution", "active_ms": 5000}
            status, answer = self.post(connection, f"/api/v1/assignments/{sheet['id']}/submit", body)
            assert status == 200, answer
            self.tasks.append(sheet["task"])

    def post(self, connection: http.client.HTTPConnection, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        connection.request("POST", path, msgspec.json.encode(body), headers)
        answer = connection.getresponse()
        return answer.status, msgspec.json.decode(answer.read())


@pytest.fixture
def world() -> World:
    return simulate([*map(labeler, ERRORS), SPAMMER], solutions=SOLUTIONS, seed=5)


@pytest.fixture
def crew(web: str, project: Project, world: World) -> list[Scripted]:
    """The spammer is the last."""
    said = world.ratings
    positions = said.steps - said.offsets[said.solution_of_step()[said.steps]]
    crew = []
    for number in range(len(ERRORS) + 1):
        user = make_user(f"labeler{number}")
        add_member(project=project, user=user, role=Role.LABELER)
        script: dict[str, list[int]] = {f"Problem {one}": [] for one in range(SOLUTIONS)}
        mine = said.labelers == number
        order = np.lexsort((positions[mine], said.solution_of_step()[said.steps][mine]))
        solutions = said.solution_of_step()[said.steps][mine][order].tolist()
        for solution, rating in zip(solutions, said.ratings[mine][order].tolist(), strict=True):
            script[f"Problem {solution}"].append(rating)
        crew.append(Scripted(web, user, script))
    return crew


def add_solutions(project: Project, world: World, numbers: Sequence[int]) -> list[Solution]:
    lengths = np.diff(world.ratings.offsets).tolist()
    return [
        make_solution(make_problem(project, f"Problem {one}"), [f"Step {place}." for place in range(lengths[one])])
        for one in numbers
    ]


def vouch(solution: Solution, world: World, number: int) -> None:
    start = world.ratings.offsets[number]
    last = world.first_errors[number]
    for step in solution.steps.order_by("position"):
        if last < 0 or step.position <= last:
            GoldLabel.objects.create(step=step, rating=int(world.truth[start + step.position]))


def test_rules_find_more_than_labelers_do(web: str, project: Project, world: World, crew: list[Scripted]) -> None:
    QualityRules.objects.create(project=project, suspends=False)
    solutions = add_solutions(project, world, range(SOLUTIONS))
    make_round(project, redundancy=len(crew))
    with ThreadPoolExecutor(len(crew)) as pool:
        for done in [pool.submit(one.work, f"/api/v1/projects/{project.slug}/rounds/1/claim") for one in crew]:
            done.result()
    assert Assignment.objects.submitted().count() == SOLUTIONS * len(crew)
    truth = dict(zip([one.pk for one in solutions], world.first_errors.tolist(), strict=True))

    found, right = {}, {}
    for rule in ("majority", "processbench", "dawid-skene"):
        QualityRules.objects.filter(project=project).update(rule=rule)
        mark_all_stale(project)
        recompute_project(project)
        stands = dict(Consensus.objects.settled().values_list("solution", "first_error"))
        hits = sum(truth[pk] == error for pk, error in stands.items())
        found[rule], right[rule] = hits / SOLUTIONS, hits / len(stands)
        print(f"{rule}: settles {len(stands)}, right {right[rule]:.3f} of these, {found[rule]:.3f} of all")
    single = [len(right_of(world, number)) / SOLUTIONS for number in range(len(crew))]
    print("labelers alone:", [f"{one:.3f}" for one in single])
    # Dawid and Skene by what they find, ProcessBench's rule by how right it is in what it keeps.
    assert found["dawid-skene"] >= max(single) + 0.03
    assert found["dawid-skene"] >= found["majority"] + 0.10
    assert right["processbench"] >= max(single) + 0.05
    assert right["processbench"] >= right["majority"] + 0.01


def test_a_spammer_goes_and_only_disputed_tasks_are_asked_of_more(
    web: str, project: Project, world: World, crew: list[Scripted]
) -> None:
    honest, spammer = crew[:-1], crew[-1]
    # More tasks than the spammer can take: the others are left to honest pairs. The spammer is right on a fifth of the
    # gold: with more, luck alone could keep them until the tasks end.
    right = right_of(world, len(honest))
    gold = sorted([*sorted(right)[:12], *[one for one in range(SOLUTIONS) if one not in right][:48]])
    ordinary = [one for one in range(180) if one not in gold]
    for solution, number in zip(add_solutions(project, world, gold), gold, strict=True):
        vouch(solution, world, number)
    add_solutions(project, world, ordinary)
    round_ = make_round(project, redundancy=2, gold_share=0.3)
    Round.objects.filter(pk=round_.pk).update(most_people=3)
    path = f"/api/v1/projects/{project.slug}/rounds/1/claim"

    membership = Membership.objects.get(user=spammer.user)
    while membership.status == Membership.Status.ACTIVE and len(spammer.tasks) < 120:
        spammer.work(path, assignments=1)
        recompute_projects()
        membership.refresh_from_db()
    tasks = GoldMark.objects.filter(labeler=spammer.user).count()
    accuracy = float(np.mean(list(GoldMark.objects.values_list("exact", flat=True))))
    expected = SuspensionTest().forecast(0.3).mean_tasks
    print(f"the spammer is gone after {tasks} gold tasks, {len(spammer.tasks)} in all; right in {accuracy:.2f}")
    assert Suspension.objects.get().membership == membership
    assert expected is not None
    assert tasks <= 3 * expected

    for _ in range(4):
        for one in honest:
            one.work(path)
        recompute_projects()
    assert all(Membership.objects.get(user=one.user).status == Membership.Status.ACTIVE for one in honest)
    for task in Task.objects.filter(is_gold=False):
        assignments = Assignment.objects.submitted().filter(task=task)
        first_two = [
            _first_error(assignment)
            for assignment in assignments.order_by("submitted_at", "pk")
            if assignment.labeler_id != spammer.user.pk
        ]
        if task.extra_slots:
            assert len(set(first_two[:2])) == 2 or assignments.filter(labeler=spammer.user).exists(), task
        elif not assignments.filter(labeler=spammer.user).exists():
            assert len(set(first_two[:2])) == 1, task
    assert Task.objects.filter(extra_slots__gt=0).exists()
    assert Task.objects.filter(is_gold=False, extra_slots=0).exists()


def right_of(world: World, number: int) -> set[int]:
    """The solutions whose first error this labeler finds."""
    said = world.ratings.first_errors()
    mine = (said.labelers == number) & (said.errors == world.first_errors[said.solutions])
    return set(said.solutions[mine].tolist())


def _first_error(assignment: Assignment) -> int:
    bad = assignment.step_labels.filter(rating=BAD).values_list("step__position", flat=True).first()
    return -1 if bad is None else bad
