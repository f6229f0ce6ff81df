"""A preview counts what opening creates, for every protocol and selection, with and without gold."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from django.urls import reverse

from apps.accounts.models import User
from apps.core.errors import DomainError
from apps.corpus.facets import facets_of
from apps.corpus.models import Comparison, Solution, Step
from apps.dashboard.rounds.forms import RoundForm, initial_of
from apps.dashboard.rounds.size import size_of
from apps.labeling.models import Round, Task
from apps.labeling.problems import retire_problem
from apps.labeling.rounds.config import SCORED, RoundConfig
from apps.labeling.rounds.count import count_round
from apps.labeling.rounds.preview import RoundPreview, preview_of
from apps.labeling.rounds.services import create_round, open_draft
from apps.projects.models import Project
from tests.cast import bearer, make_comparison, make_gold, make_problem, make_solution, signed_in
from tests.flows.test_real_files import command

pytestmark = pytest.mark.slow

PROTOCOLS: list[tuple[str, dict[str, Any]]] = [
    ("first_error", {}),
    ("every_step", {}),
    ("branching", {}),
    ("branching", {"starts_from": "problems"}),
    ("comparison", {}),
    ("comparison", {"pairs": "right_wrong"}),
    ("comparison", {"pairs": "right_wrong", "each": 3}),
    ("comparison", {"pairs": "random", "each": 2, "seed": 5}),
    ("comparison", {"pairs": "steps"}),
]
SELECTIONS = [
    "all",
    "right",
    "wrong",
    "unlabeled",
    "subject:Algebra",
    "subject:Poetry",
    "source:model",
    "sample:3",
    "wrong,sample:2",
    "first:wrong",
    "first:convincing,sample:4",
    "subject:Algebra,wrong",
    "by:convincing,sample:3",
    "by:disagreement,sample:2",
]
GOLD: list[dict[str, Any]] = [{}, {"gold_share": 0.2}, {"gold_share": 1.0}, {"kind": "screening"}]


@pytest.fixture
def mixed(project: Project, alice: User) -> Project:
    """Problems of two subjects; solutions right and wrong, some gold, two that say the same, one without a step."""
    for number in range(4):
        problem = make_problem(project, reference_answer="1", subject="Algebra" if number % 2 else "Number Theory")
        for place in range(3):
            solution = make_solution(
                problem, [f"Step {place}.", "So it is."], is_correct=place == 0, source="model" if place else "person"
            )
            if place == number % 3:
                make_gold(solution, 1, 1)
        make_solution(problem, [f"Step {number % 3}.", "So it is."], is_correct=number % 2 == 0)
        first = Solution.objects.filter(problem=problem).order_by("pk")[0]
        for candidate in (1, 2, 3):
            text = "Another." if candidate > 1 else "One more."
            Step.objects.create(solution=first, position=1, candidate=candidate, text=text, chosen=False)
    make_solution(problem, [], is_correct=False)
    make_comparison(problem, ["A."], ["B."])
    retired = make_problem(project, reference_answer="1", subject="Algebra")
    make_comparison(retired, ["A."], ["B."])
    retire_problem(problem=retired, reason="twice", actor=alice)
    return project


def served(round_: Round) -> list[Task]:
    return list(Task.objects.filter(round=round_, is_gold=False).order_by("-priority", "id"))


CASES = [
    (protocol, options, gold)
    for (protocol, options), gold in itertools.product(PROTOCOLS, GOLD)
    if protocol in SCORED or not gold.get("kind")
]


@pytest.mark.parametrize(("protocol", "options", "gold"), CASES, ids=str)
def test_what_is_previewed_is_what_opens(
    mixed: Project, alice: User, protocol: str, options: dict[str, Any], gold: dict[str, Any]
) -> None:
    opened = 0
    # What is selected and what is gold are independent: with gold, a few selections do.
    for select in SELECTIONS[::4] if gold else SELECTIONS:
        terms = {"protocol": protocol, "options": options, "select": select, "redundancy": 2, **gold}
        draft = create_round(project=mixed, **terms)
        before = (Solution.objects.count(), Comparison.objects.count())
        seen = preview_of(draft)
        assert_counted(draft, seen)
        assert (Solution.objects.count(), Comparison.objects.count()) == before, "to look at a draft makes nothing"
        if seen.refusal is not None:
            with pytest.raises(DomainError) as caught:
                open_draft(round=draft, actor=alice)
            assert (caught.value.message, caught.value.fields) == (seen.refusal.message, seen.refusal.fields)
            assert not Task.objects.filter(round=draft).exists()
            continue
        round_ = open_draft(round=draft, actor=alice)
        opened += 1
        tasks = served(round_)
        assert (len(tasks), Task.objects.filter(round=round_, is_gold=True).count()) == (seen.tasks, seen.gold_tasks)
        assert round_.slot_count == (0 if round_.is_all_gold else seen.submissions)
        assert tasks or round_.is_all_gold
        shown = [[solution.pk for solution in task.solutions] for task in seen.first_tasks]
        assert shown == [_asked_about(task) for task in _first(round_, tasks)]
    assert opened or (gold and protocol in ("branching", "comparison"))


def assert_counted(draft: Round, seen: RoundPreview) -> None:
    """The figures in the form, before there is a draft, are those of the draft's page."""
    unsaved = Round(project=draft.project, **RoundConfig.of(draft).columns())
    counted = count_round(unsaved, most=1000)
    assert _as_tuple(counted.refusal) == _as_tuple(seen.refusal)
    if seen.refusal is None:
        assert (counted.tasks, counted.gold) == (seen.tasks, seen.gold_tasks)
    form = RoundForm(None, facets=facets_of(draft.project), project=draft.project, initial=initial_of(draft))
    filled_in = {name: form[name].value() for name in form.fields}
    hint = size_of(RoundForm(filled_in, facets=facets_of(draft.project), project=draft.project), draft.project)
    if "Poetry" in draft.selection["select"]:
        # The form has no such box to choose.
        assert hint is None
        return
    assert hint is not None
    # The boxes of the form name its terms in an order of their own.
    assert getattr(hint.count.refusal, "fields", None) == getattr(seen.refusal, "fields", None)
    if seen.refusal is None:
        assert hint.tasks == (seen.gold_tasks if seen.is_all_gold else seen.tasks)
        assert (hint.submissions, hint.seconds) == (seen.submissions, seen.seconds)


def _as_tuple(refusal: DomainError | None) -> tuple[str, object] | None:
    return None if refusal is None else (refusal.message, refusal.fields)


def _first(round_: Round, tasks: list[Task]) -> list[Task]:
    return (tasks or list(Task.objects.filter(round=round_).order_by("solution")))[:3]


def _asked_about(task: Task) -> list[int]:
    if task.comparison is not None:
        return [task.comparison.left_id, task.comparison.right_id]
    assert task.solution is not None
    return [task.solution.pk] if task.solution.step_count else []


# --- a round without tasks --------------------------------------------------------------------------------

EMPTY: list[dict[str, Any]] = [
    {"protocol": "first_error", "select": "subject:Poetry"},
    {"protocol": "every_step", "select": "subject:Poetry", "gold_share": 0.5},
    {"protocol": "branching", "options": {"starts_from": "problems"}, "select": "subject:Poetry"},
    {"protocol": "branching", "options": {"starts_from": "problems"}, "gold_share": 0.5},
    {"protocol": "comparison", "select": "subject:Poetry"},
    {"protocol": "comparison", "options": {"pairs": "right_wrong"}, "select": "wrong"},
    {"protocol": "comparison", "gold_share": 0.5},
    {"protocol": "first_error", "kind": "screening", "select": "subject:Poetry"},
]


@pytest.mark.parametrize("terms", EMPTY, ids=str)
def test_an_empty_round_cannot_be_opened(mixed: Project, mia: User, terms: dict[str, Any]) -> None:
    draft = create_round(project=mixed, **terms)
    api, address = bearer(mia), f"/api/v1/projects/algebra/rounds/{draft.number}"
    refusal = api.get(f"{address}/preview").json()["refusal"]
    assert refusal
    answer = api.post(f"{address}/open")
    assert 400 <= answer.status_code < 500
    assert answer.json()["error"]["message"] == refusal
    assert answer.json()["error"]["fields"]
    at_once = api.post("/api/v1/projects/algebra/rounds", terms, content_type="application/json")
    assert (at_once.status_code, at_once.json()["error"]["message"]) == (answer.status_code, refusal)
    client = signed_in(mia)
    page = client.get(reverse("round", args=["algebra", draft.number])).content.decode()
    assert "The round cannot be opened with these settings" in page
    client.post(reverse("round-open", args=["algebra", draft.number]))
    draft.refresh_from_db()
    assert (draft.status, Task.objects.filter(round=draft).count()) == ("draft", 0)


def test_a_round_of_which_all_is_gold_has_nothing_to_label(project: Project, mia: User) -> None:
    for _ in range(2):
        make_gold(make_solution(make_problem(project)), 1, 1, 1)
    for share in (0.3, 1.0):
        with pytest.raises(DomainError, match="nothing else would be left to label"):
            open_draft(round=create_round(project=project, protocol="first_error", gold_share=share), actor=mia)


def test_the_command_refuses_an_empty_round_too(mixed: Project) -> None:
    with pytest.raises(Exception, match="matches"):
        command("open_round", project=mixed.slug, protocol="first_error", select="subject:Poetry")
    assert not mixed.rounds.exists()


def test_gold_that_the_selection_would_never_show_is_not_served(mixed: Project, alice: User) -> None:
    draft = create_round(project=mixed, protocol="first_error", select="subject:Algebra", gold_share=0.3)
    assert preview_of(draft).gold_tasks == 2
    round_ = open_draft(round=draft, actor=alice)
    subjects = Task.objects.filter(round=round_).values_list("solution__problem__subject", flat=True)
    assert set(subjects) == {"Algebra"}


def test_a_comparison_comes_first_when_one_of_its_sides_does(mixed: Project, alice: User) -> None:
    draft = create_round(
        project=mixed, protocol="comparison", select="first:source:person", options={"pairs": "random", "each": 6}
    )
    tasks = served(open_draft(round=draft, actor=alice))
    of_person = [
        "person" in (task.comparison.left.source, task.comparison.right.source) for task in tasks if task.comparison
    ]
    assert of_person == sorted(of_person, reverse=True)
    assert 0 < sum(of_person) < len(of_person)
