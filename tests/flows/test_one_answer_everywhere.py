"""One project with everything that once was told differently: every page, the API and every file say the same.

A screening, gold, a correction, a suspended labeler, a run that has ended and one under way, alternatives, a retired
problem. What is expected is counted here from the script and from the rows of rollouts alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.core.jobs import JobStatus
from apps.corpus.models import Problem, Solution
from apps.estimation.driving import work_on
from apps.estimation.models import EstimationRun, StepEstimate
from apps.estimation.services import resume_run, start_run
from apps.inference.models import Endpoint
from apps.inference.services import add_endpoint
from apps.labeling.models import Assignment, Round
from apps.labeling.retiring import retire_problem
from apps.labeling.services import open_round
from apps.labeling.submissions import Submission, SubmittedStep
from apps.projects.models import Membership, Project, Role
from apps.projects.services import add_member
from apps.quality.figures import refresh_figures
from apps.quality.models import Consensus, Figure
from apps.quality.reviewing import correct_turn
from apps.quality.runs import note_ended_runs
from apps.quality.settling import settle_projects
from tests.cast import bearer, make_gold, make_user, signed_in
from tests.estimation.corpus import add_sums
from tests.estimation.model import Model, serving
from tests.flows.test_real_files import command, rows

pytestmark = pytest.mark.django_db(transaction=True)

NO_ERROR = -1
CORRECTION = [1, -1]
STEPS, ROLLOUTS = 3, 8

# Who says what of which solution; the round asks for two people.
SCRIPT: dict[str, dict[str, list[int]]] = {
    "agree": {"bob": [1, -1], "cara": [1, -1]},
    "no error": {"bob": [1, 1, 1], "cara": [1, 0, 1]},
    "tie": {"bob": [-1], "cara": [1, 1, 1]},
    "thin": {"bob": [1, 1, -1]},
    "suspended": {"bob": [1, -1], "dan": [-1]},
    "corrected": {"bob": [1, 1, 1], "cara": [1, 1, 1]},
    "retired": {"bob": [-1], "cara": [-1]},
    "against gold": {"bob": [-1], "cara": [-1]},
    "gold task": {},
    "screening": {},
}
# What counts of it in the end: by solution the state, the first error, and how many people it rests on.
PEOPLE: dict[str, tuple[str, int | None, int]] = {
    "agree": ("settled", 1, 2),
    "no error": ("settled", NO_ERROR, 2),
    "tie": ("tied", None, 2),
    "thin": ("thin", 2, 1),
    "suspended": ("thin", 1, 1),
    "corrected": ("settled", 1, 1),
    "against gold": ("settled", 0, 2),
}
SILENT = ("gold task", "screening", "retired")


@dataclass
class Told:
    """The finished project, and who may look at it."""

    project: Project
    reader: Client
    script: Client
    ids: dict[str, int]
    ended: EstimationRun
    under_way: EstimationRun
    rollouts: dict[str, list[int]] = field(default_factory=dict)

    def page(self, name: str, *parts: object, **query: object) -> str:
        answer = self.reader.get(reverse(name, args=[self.project.slug, *parts]), query)
        assert answer.status_code == 200, answer.content[:500]
        return str(answer.content.decode())

    def api(self, path: str) -> Any:
        answer = self.script.get(f"/api/v1{path}")
        assert answer.status_code == 200, answer.content[:500]
        return answer.json()

    def every(self, path: str) -> list[dict[str, Any]]:
        found, answer = [], self.api(f"/projects/{self.project.slug}/{path}")
        while answer:
            found += answer["results"]
            answer = self.api(answer["next"].partition("/api/v1")[2]) if answer["next"] else None
        return found

    def evidence(self, name: str) -> dict[str, Any]:
        return dict(self.api(f"/solutions/{self.ids[name]}/evidence"))

    def named(self, name: str, source: str) -> set[int | None]:
        return {one["first_error"] for one in self.evidence(name)["first_errors"] if one["source"] == source}


def first_error(ratings: list[int], length: int = STEPS) -> int | None:
    """Of ratings from the first step on."""
    if -1 in ratings:
        return ratings.index(-1)
    return NO_ERROR if len(ratings) == length else None


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    with serving() as url:
        yield url


@pytest.fixture
def told(project: Project, alice: User, rita: User, bob: User, served: str) -> Told:
    names = list(SCRIPT)
    ids = dict(zip(names, add_sums(project, len(names), steps=STEPS), strict=True))
    people = {"bob": bob} | {name: make_user(name) for name in ("cara", "dan")}
    for name in ("cara", "dan"):
        add_member(project=project, user=people[name], role=Role.LABELER)
    _take_the_screening(project, ids["screening"], bob)
    gold_task = Solution.objects.get(pk=ids["gold task"])
    make_gold(gold_task, 1, -1)
    round_ = open_round(project=project, protocol="first_error", redundancy=2, gold_share=0.5)
    for name, user in people.items():
        _label(round_, user, {ids[one]: said[name] for one, said in SCRIPT.items() if name in said}, gold_task.pk)
    make_gold(Solution.objects.get(pk=ids["against gold"]), 1, 1, -1)
    _correct(rita, Assignment.objects.get(labeler=bob, task__solution=ids["corrected"]))
    Membership.objects.filter(project=project, user=people["dan"]).update(status=Membership.Status.SUSPENDED)
    retire_problem(problem=Problem.objects.get(solutions=ids["retired"]), reason="Ambiguous.", actor=alice)
    endpoint = add_endpoint(
        project=project, name="sums", url=served, model="sums", settings={"max_in_flight": 2, "timeout_s": 30.0}
    )
    ended, under_way = _two_runs(project, endpoint, Model(served))
    note_ended_runs()
    settle_projects()
    refresh_figures()
    found = Told(project, signed_in(alice), bearer(alice), ids, ended, under_way)
    found.rollouts = _hard_labels(ended, ids)
    return found


def _take_the_screening(project: Project, solution_id: int, labeler: User) -> None:
    make_gold(Solution.objects.get(pk=solution_id), 1, -1)
    screening = open_round(project=project, protocol="first_error", is_screening=True)
    assert _label(screening, labeler, {}, solution_id, on_gold=[1, -1]) == 1
    screening.status = Round.Status.CLOSED
    screening.save()


def _label(
    round_: Round, labeler: User, script: Mapping[int, list[int]], gold: int, on_gold: list[int] | None = None
) -> int:
    """Over the API, until there is nothing more; what the script has no word for is put off. Returns what was said."""
    client, said = bearer(labeler), 0
    path = f"/api/v1/projects/{round_.project.slug}/rounds/{round_.number}/claim"
    waiting = {Solution.objects.get(pk=pk).problem.statement: ratings for pk, ratings in script.items()}
    waiting[Solution.objects.get(pk=gold).problem.statement] = on_gold or [1, 1, 1]
    for _ in range(3 * len(SCRIPT)):
        if not waiting or (task := client.post(path, {}, "application/json").json()["assignment"]) is None:
            break
        ratings = waiting.pop(task["problem"]["statement"], None)
        if ratings is None:
            client.post(f"/api/v1/assignments/{task['id']}/skip", {}, "application/json")
            continue
        steps = [{"position": place, "rating": rating} for place, rating in enumerate(ratings)]
        reason = "found_error" if -1 in ratings else "solution"
        body = {"steps": steps, "finish_reason": reason, "active_ms": 5000}
        answer = client.post(f"/api/v1/assignments/{task['id']}/submit", body, "application/json")
        assert answer.status_code == 200, answer.content
        said += 1
    return said


def _correct(reviewer: User, assignment: Assignment) -> None:
    ratings = [SubmittedStep(position=place, rating=rating) for place, rating in enumerate(CORRECTION)]
    correct_turn(
        assignment=assignment,
        submission=Submission(steps=ratings, finish_reason="found_error", active_ms=0),
        reviewer=reviewer,
        note="The second step adds nothing.",
    )


def _two_runs(project: Project, endpoint: Endpoint, model: Model) -> tuple[EstimationRun, EstimationRun]:
    """One that has ended, in which a fifth of the rollouts succeed, and one in which none does, held half-way."""
    model.control(latency_s=0.001, right=0.2)
    ended = start_run(project=project, endpoint=endpoint, strategy="math-shepherd", seed=3)
    work_on(run_id=ended.pk)
    model.control(latency_s=0.3, right=0.0)
    budget = {"rollouts": 4 * ROLLOUTS}
    under_way = start_run(project=project, endpoint=endpoint, strategy="math-shepherd", seed=4, budget=budget)
    work_on(run_id=under_way.pk)
    ended.refresh_from_db()
    under_way.refresh_from_db()
    assert (ended.status, under_way.status) == (JobStatus.FINISHED, JobStatus.PAUSED)
    assert StepEstimate.objects.filter(run=under_way).exists()
    under_way.budget = {}
    under_way.save()
    return ended, resume_run(run=under_way)


def _hard_labels(run: EstimationRun, ids: Mapping[str, int]) -> dict[str, list[int]]:
    """By solution, from the counts alone; the last step stands by its own answer, which is wrong."""
    found = {}
    for name, pk in ids.items():
        counts = StepEstimate.objects.filter(run=run, step__solution=pk).order_by("step__position")
        successes = list(counts.values_list("successes", flat=True))
        if successes:
            found[name] = [*(1 if one else -1 for one in successes[: STEPS - 1]), -1]
    return found


def strips(page: str) -> dict[int, tuple[str, list[str], str]]:
    """By solution of a list page: whose marks are drawn, the marks, and the words behind them."""
    found = {}
    for row in re.findall(r"<tr>.*?</tr>", page, re.DOTALL):
        link = re.search(r"/solutions/(\d+)\"", row)
        drawn = re.search(
            r'<span class="strip" title="([^"]*)">(.*?)</span>\s*<span[^>]*>([^<]*)</span>', row, re.DOTALL
        )
        if link and drawn:
            found[int(link[1])] = (drawn[1], re.findall(r'class="(\w+)"', drawn[2]), drawn[3].strip())
    return found


def sources(page: str) -> dict[int, dict[str, list[str]]]:
    """By solution of a queue page: the marks of each source."""
    found = {}
    for row in re.findall(r"<tr>.*?</tr>", page, re.DOTALL):
        link = re.search(r"/solutions/(\d+)[\"?]", row)
        if link:
            drawn = re.findall(r'<dt[^>]*title="([^"]*)">.*?<span class="strip">(.*?)</span>', row, re.DOTALL)
            found[int(link[1])] = {source: re.findall(r'class="(\w+)"', marks) for source, marks in drawn}
    return found


def error_drawn(marks: list[str]) -> int | None:
    """The first error that marks name; None where a tie or a step without a word stands before it."""
    for place, mark in enumerate(marks):
        if mark == "bad":
            return place
        if mark not in ("great", "okay"):
            return None
    return NO_ERROR


def canonical(told: Told, folder: Path) -> dict[str, dict[str, Any]]:
    """The rows of `annotate`, by the script's names."""
    output = folder / "all.jsonl"
    command("export", project=told.project.slug, format="annotate", output=output)
    names = {Solution.objects.get(pk=pk).problem.statement: name for name, pk in told.ids.items()}
    return {names[row["problem"]["statement"]]: row for row in rows(output)}


def trained_on(told: Told, folder: Path, **policy: Any) -> dict[str, list[bool]]:
    """The labels of `trl-prm`, by the script's names."""
    output, file = folder / "prm.jsonl", folder / "policy.json"
    file.write_text(json.dumps({"after_first_error": "leave_out", **policy}))
    command("export", project=told.project.slug, format="trl-prm", output=output, policy=file)
    names = {Solution.objects.get(pk=pk).problem.statement: name for name, pk in told.ids.items()}
    return {names[row["prompt"].strip()]: row["labels"] for row in rows(output)}


def labels_until(error: int | None) -> list[bool]:
    assert error is not None
    return [True] * STEPS if error == NO_ERROR else [True] * error + [False]


def test_what_people_say_is_the_same_on_every_page_and_in_every_file(told: Told, tmp_path: Path) -> None:
    drawn, files = strips(told.page("solutions")), canonical(told, tmp_path)
    for name, (state, error, people) in PEOPLE.items():
        stands = told.evidence(name)["consensus"]
        assert (stands["state"], stands["first_error"], stands["people"]) == (state, error, people), name
        assert told.named(name, "consensus") == ({error} if error is not None else set()), name
        page = told.page("solution", told.ids[name])
        assert Consensus.State(state).label in page or state == "settled", name
        by, marks, words = drawn[told.ids[name]]
        assert (by, error_drawn(marks)) == ("reviewers" if name == "corrected" else "people", error), name
        assert words == ("reviewers" if name == "corrected" else "1 person" if people == 1 else f"{people} people"), (
            name
        )
        said = {step["position"]: step["rating"] for step in files[name]["consensus"]["steps"]}
        assert first_error([said[place] for place in sorted(said)]) == (None if state == "tied" else error), name
        reached = [
            step for step in files[name]["consensus"]["steps"] if error == NO_ERROR or step["position"] <= (error or 0)
        ]
        assert {step["is_thin"] for step in reached} <= {state == "thin"}, name
    for name in SILENT:
        assert told.evidence(name)["consensus"] is None, name
        by, _, _ = drawn[told.ids[name]]
        assert by != "people", name
    assert "retired" not in files


def test_who_is_not_counted_is_shown_with_the_reason(told: Told, tmp_path: Path) -> None:
    expected = {
        "screening": {"screening"}, "gold task": {"quality_control"}, "retired": {"retired"},
        "suspended": {"", "suspended"}, "agree": {""},
    }  # fmt: skip
    for name, reasons in expected.items():
        assert {one["not_counted"] for one in told.evidence(name)["turns"]} == reasons, name
        counted = sum(not one["not_counted"] for one in told.evidence(name)["turns"])
        assert len([one for one in told.evidence(name)["first_errors"] if one["source"] == "person"]) == counted, name
        labels = [one for one in told.every("step-labels") if one["solution"] == told.ids[name]]
        assert {one["not_counted"] for one in labels} == reasons, name


def test_agreement_is_of_the_solutions_on_which_two_counted_people_spoke(told: Told) -> None:
    compared = [
        name
        for name, said in SCRIPT.items()
        if len([person for person in said if person != "dan"]) >= 2 and name not in SILENT
    ]
    same = [name for name in compared if len({first_error(SCRIPT[name][who]) for who in ("bob", "cara")}) == 1]
    exact = Figure.objects.get(project=told.project, name="agreement", scope="").data["first_errors"]["exact"]
    assert (exact["value"], exact["solutions"]) == (pytest.approx(len(same) / len(compared)), len(compared))
    assert exact["low"] < exact["value"] < exact["high"]
    stats = dict(re.findall(r"<dt>([^<]+)</dt><dd>(.*?)</dd>", told.page("quality")))
    assert f"of {len(compared)}<" in stats["same first error"]
    assert stats["labeled solutions"] == str(len(PEOPLE))
    assert stats["settled"] == str(sum(state == "settled" for state, _, _ in PEOPLE.values()))


def test_rollouts_are_those_of_the_run_that_has_ended(told: Told, tmp_path: Path) -> None:
    files = canonical(told, tmp_path)
    queue = sources(told.page("review-queue", "people_monte_carlo"))
    assert queue
    for name, labels in told.rollouts.items():
        error = first_error(labels)
        if name == "retired":
            continue
        assert told.named(name, "monte_carlo") == {error}, name
        if told.ids[name] in queue:
            assert error_drawn(queue[told.ids[name]]["Monte Carlo"]) == error, name
        counts = {run["run"]: run["steps"] for run in files[name]["monte_carlo"]}
        ended = [step["successes"] for step in counts[told.ended.number]]
        assert [1 if one else -1 for one in ended[: STEPS - 1]] == labels[: STEPS - 1], name
    disputed = {
        name
        for name, (_, error, _) in PEOPLE.items()
        # What a reviewer has settled is in dispute with rollouts no more.
        if name != "corrected"
        and first_error(told.rollouts[name])
        not in ({error} if error is not None else set(map(first_error, SCRIPT[name].values())))
    }
    assert {told.ids[name] for name in disputed} == set(queue)
    labels = {name: [label == 1 for label in said] for name, said in told.rollouts.items() if name != "retired"}
    assert trained_on(told, tmp_path, sources=["monte_carlo_hard"], after_first_error="as_rated") == labels


def test_a_labeler_who_verifies_is_shown_the_run_that_has_ended(told: Told) -> None:
    round_ = open_round(project=told.project, protocol="every_step", mode="verify")
    eve = make_user("eve")
    add_member(project=told.project, user=eve, role=Role.LABELER)
    claimed = bearer(eve).post(
        f"/api/v1/projects/{told.project.slug}/rounds/{round_.number}/claim", {}, "application/json"
    )
    shown = claimed.json()["assignment"]["models"]
    assert shown["run"] == told.ended.number


def test_people_against_rollouts_is_the_same_on_both_pages(told: Told) -> None:
    """Over steps with a label that stands, thin ones left out, and one of rollouts."""
    table = {(people, rollouts): 0 for people in (True, False) for rollouts in (True, False)}
    for name, said in SCRIPT.items():
        if name in SILENT or PEOPLE[name][0] == "thin":
            continue
        counted = 2 * [CORRECTION] if name == "corrected" else [said[who] for who in said if who != "dan"]
        for place in range(STEPS):
            ratings = [one[place] for one in counted if place < len(one)]
            bad = sum(rating == -1 for rating in ratings)
            if len(ratings) == 2 and bad != 1:
                table[bad == 0, told.rollouts[name][place] == 1] += 1
    page = re.sub(r"\s+", " ", told.page("run", told.ended.number))
    section = page.partition("<h2>Against people</h2>")[2].partition("</section>")[0]
    numbers = [int(one) for one in re.findall(r'<td class="num">(\d+)</td>', section)]
    assert numbers == [table[True, True], table[False, True], table[True, False], table[False, False]]
    figure = Figure.objects.get(project=told.project, name="monte_carlo").data
    assert figure["number"] == told.ended.number
    assert sum(map(sum, figure["confusion"])) == sum(table.values())


def test_trainers_get_what_stands_and_thin_labels_by_name_alone(told: Told, tmp_path: Path) -> None:
    settled = {name: labels_until(error) for name, (state, error, _) in PEOPLE.items() if state == "settled"}
    thin = {name: labels_until(error) for name, (state, error, _) in PEOPLE.items() if state == "thin"}
    # Rated alone by one of two who disagree on the step before: the row ends where nothing stands.
    assert trained_on(told, tmp_path, sources=["consensus"]) == settled
    assert trained_on(told, tmp_path, sources=["consensus"], thin="take") == settled | thin
    assert trained_on(told, tmp_path, sources=["adjudicated"])["corrected"] == [True, False]
    gold = trained_on(told, tmp_path, sources=["gold"])
    assert gold == {"gold task": [True, False], "screening": [True, False], "against gold": [True, True, False]}
