"""Judges and constitutions as they are saved, and what a judge may be tried on."""

from __future__ import annotations

import pytest

from apps.accounts.models import User
from apps.core.errors import DomainError
from apps.inference.services import add_endpoint
from apps.judging.judges import draft_judge, save_constitution, save_judge
from apps.judging.models import Constitution, Judge
from apps.judging.playground import try_judge
from apps.projects.models import Project
from apps.projects.services import create_project
from apps.runs.selection import checked_selection
from tests.cast import make_comparison, make_problem, make_solution

PRINCIPLE = {"name": "clarity", "critique": "Is it clear?", "revision": "Make it so.", "question": "Which is clearer?"}
HOUSE = {"name": "house", "title": "House", "principles": [PRINCIPLE]}


def test_the_same_principles_are_one_version(project: Project) -> None:
    first = save_constitution(project=project, values=HOUSE)
    assert save_constitution(project=project, values=HOUSE) == first
    other = save_constitution(project=project, values={**HOUSE, "principles": [{**PRINCIPLE, "name": "brevity"}]})
    assert (first.version, other.version) == (1, 2)
    assert first.principles == Constitution.objects.get(pk=first.pk).principles


def test_a_draft_is_what_is_saved_and_stores_nothing(project: Project) -> None:
    endpoint = add_endpoint(project=project, name="lab", url="http://127.0.0.1:9/v1", model="judge-7b")
    draft = draft_judge(project=project, endpoint=endpoint, kind="principle", options={"votes": 2})
    assert draft.constitution is not None
    assert not Judge.objects.exists()
    assert not Constitution.objects.exists()
    saved = save_judge(project=project, endpoint=endpoint, kind="principle", options={"votes": 2})
    assert saved.constitution is not None
    assert saved.constitution.principles == draft.constitution.principles
    for field in ("name", "kind", "endpoint", "model", "prompt", "options"):
        assert getattr(saved, field) == getattr(draft, field), field
    assert save_judge(project=project, endpoint=endpoint, kind="principle", options={"votes": 2}) == saved


@pytest.mark.parametrize(("kind", "field"), [("steps", "solution"), ("comparison", "comparison")])
def test_a_judge_is_not_tried_on_texts_of_another_project(project: Project, alice: User, kind: str, field: str) -> None:
    endpoint = add_endpoint(project=project, name="lab", url="http://127.0.0.1:9/v1", model="judge-7b")
    judge = save_judge(project=project, endpoint=endpoint, kind=kind)
    problem = make_problem(create_project(slug="other", name="Other", owner=alice))
    solution, comparison = make_solution(problem), make_comparison(problem, ["One."], ["Two."])
    with pytest.raises(DomainError) as raised:
        try_judge(judge=judge, solution=solution, comparison=comparison)
    assert raised.value.fields == {field: "must be of the judge's project"}


@pytest.mark.parametrize("answers", [[1], {"a": 1}, 7, "maybe"])
def test_a_selection_of_answers_is_one_of_three_words(answers: object) -> None:
    with pytest.raises(DomainError) as raised:
        checked_selection({"answers": answers})
    assert "any, right, wrong" in raised.value.fields["selection"]
