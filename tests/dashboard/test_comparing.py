"""Comparisons on the pages: opened by form, previewed, watched, and shown beside the solutions they are of."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.corpus.services import keep_upload
from apps.labeling.assignments.submit import submit
from apps.labeling.models import Assignment, Round
from apps.labeling.protocols.submission import Submission
from apps.labeling.queue.claim import claim
from apps.projects.models import Project
from tests.cast import make_comparison, make_problem, make_solution, signed_in
from tests.world import World, compare

ASKED = {"protocol": "comparison", "redundancy": 1, "gold_percent": 0, "lease_minutes": 20, "kind": "work"}


@pytest.fixture
def owner(alice: User) -> Client:
    return signed_in(alice)


def opened(owner: Client, project: Project, **fields: Any) -> Any:
    """The answer to opening the draft that the form makes."""
    drafted = owner.post(reverse("round-new", args=[project.slug]), ASKED | fields)
    assert drafted.status_code == 302
    return owner.post(reverse("round-open", args=[project.slug, Round.objects.get().number]))


def test_a_round_of_comparisons_is_opened_by_form(owner: Client, project: Project) -> None:
    problem = make_problem(project)
    for number in range(4):
        make_solution(problem, [str(number)], is_correct=number < 2)
    answer = opened(owner, project, pairs="right_wrong", each=3, seed=7, rationale="required")
    assert answer.status_code == 302
    round_ = Round.objects.get()
    assert round_.task_count == 3
    assert round_.options == {"pairs": "right_wrong", "each": 3, "seed": 7, "ties": False, "rationale": "required"}
    page = owner.get(reverse("round", args=[project.slug, round_.number])).content.decode()
    assert "rationale <b>required</b>" in page
    assert "ties <b>no</b>" in page


def test_settings_of_comparisons_stay_out_of_other_rounds(owner: Client, project: Project) -> None:
    make_solution(make_problem(project))
    opened(owner, project, protocol="first_error", pairs="right_wrong", ties="on")
    assert not {"pairs", "ties"} & Round.objects.get().options.keys()


def test_a_round_without_anything_to_compare_says_so(owner: Client, project: Project) -> None:
    make_solution(make_problem(project))
    answer = opened(owner, project, pairs="existing", ties="on")
    assert answer.status_code == 302
    assert "Nothing to compare" in owner.get(answer["Location"]).content.decode()
    assert Round.objects.get().status == "draft"


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"pairs": "existing"}, "1 comparison</b> match"),
        ({"pairs": "existing", "answer": "wrong"}, "No comparison matches"),
        ({"pairs": "random"}, "3 solutions</b> match <code>all</code>. The round makes 1 pair of them: 1 submission."),
        (
            {"pairs": "random", "each": "3", "redundancy": "2"},
            "3 pairs of them: 6 submissions; 2 people compare each pair",
        ),
        ({"pairs": "random", "each": "3", "sample": "2"}, "2 pairs of them: 2 submissions"),
        ({"pairs": "right_wrong"}, "Nothing to compare matches all."),
        ({"pairs": "steps", "redundancy": "3"}, "Nothing to compare matches all."),
        ({"pairs": "existing", "gold_percent": "5"}, "Comparisons have no gold labels."),
    ],
)
def test_the_form_says_what_there_is_to_compare(
    owner: Client, project: Project, asked: dict[str, str], says: str
) -> None:
    problem = make_problem(project)
    make_comparison(problem, ["Yes."], ["No."])
    make_solution(problem, ["Perhaps."])
    found = owner.get(reverse("round-size", args=[project.slug]), {"protocol": "comparison", **asked})
    assert says in " ".join(found.content.decode().split())


def test_a_comparison_that_was_given_up_is_listed_with_both_sides(owner: Client, project: Project, bob: User) -> None:
    compared = make_comparison(make_problem(project), ["Yes."], ["No."])
    opened(owner, project, ties="on")
    round_ = Round.objects.get()
    assignment = claim(round=round_, labeler=bob)
    assert isinstance(assignment, Assignment)
    submit(assignment=assignment, submission=Submission(finish_reason="give_up", reason="Both are the same to me"))
    page = owner.get(reverse("round", args=[project.slug, round_.number])).content.decode()
    assert "Both are the same to me" in page
    for side in (compared.left_id, compared.right_id):
        assert reverse("solution", args=[project.slug, side]) in page


def test_the_solution_shows_how_often_it_was_preferred(owner: Client, world: World, bob: User) -> None:
    compare(world.solution, bob)
    page = owner.get(reverse("solution", args=[world.project.slug, world.solution.pk])).content.decode()
    assert "<h2>Comparisons</h2>" in page
    row = page.partition("This is better")[2].partition("</tbody>")[0]
    assert row.count("<tr>") == 1, "the one that nobody has compared yet is not listed"
    assert '<td class="num" data-label="this is better"><b>1</b></td>' in " ".join(row.split())


def test_a_file_of_pairs_is_shown_before_it_lands(owner: Client, project: Project, alice: User) -> None:
    line = b'{"prompt": "What is 1 + 1?", "chosen": "It is 2.", "rejected": "It is 3.", "margin": 2}\n'
    upload = keep_upload(project=project, file=ContentFile(line), filename="pairs.jsonl", uploaded_by=alice)
    page = owner.get(reverse("upload", args=[project.slug, upload.pk])).content.decode()
    assert "as preference" in page
    assert "<b>preferred</b>, clearly" in page
    assert "It is 3." in page


def test_the_admin_lists_comparisons_and_preferences(world: World, alice: User, bob: User) -> None:
    compare(world.solution, bob)
    User.objects.filter(pk=alice.pk).update(is_staff=True, is_superuser=True)
    admin = signed_in(User.objects.get(pk=alice.pk))
    for name in ("corpus_comparison", "labeling_preferencelabel", "labeling_task"):
        assert admin.get(reverse(f"admin:{name}_changelist")).status_code == 200
