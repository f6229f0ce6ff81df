"""What a draft warns of before it opens, and when it would be complete at the pace of the team."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.corpus.models import Solution, Step
from apps.inference.models import Endpoint
from apps.inference.services import add_endpoint
from apps.labeling.models import Assignment, Round, RoundProgress
from apps.labeling.rounds.forecast import TeamPace
from apps.labeling.rounds.preview import RoundPreview, preview_of
from apps.labeling.rounds.services import create_round, open_draft
from apps.projects.models import Project
from apps.projects.services import publish_guidelines
from tests.cast import bearer, html_without_tokens, make_gold, make_problem, make_screening, make_solution, signed_in
from tests.world import rate

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.fixture
def solution(project: Project, alice: User) -> Solution:
    publish_guidelines(project=project, text="Be fair.", author=alice)
    return make_solution(make_problem(project, reference_answer="42"))


@pytest.fixture
def lab(project: Project) -> Endpoint:
    return add_endpoint(project=project, name="lab", url="http://127.0.0.1:9/v1", model="small")


def drafted(project: Project, **settings: Any) -> Round:
    return create_round(project=project, **{"protocol": "first_error", **settings})


def preview(project: Project, **settings: Any) -> RoundPreview:
    return preview_of(drafted(project, **settings))


def warned(project: Project, **settings: Any) -> list[str]:
    return [warning.code for warning in preview(project, **settings).warnings]


def test_a_round_that_lacks_nothing_warns_of_nothing(solution: Solution) -> None:
    assert warned(solution.project) == []


def test_too_few_people_for_the_redundancy(solution: Solution, bob: User) -> None:
    project = solution.project
    assert warned(project, redundancy=2) == []
    assert warned(project, redundancy=3) == ["too_few_people"]
    assert warned(project, redundancy=2, labelers=[bob]) == ["too_few_people"]
    assert warned(project, skills=["Lean"]) == ["nobody"]
    assert warned(project, most_people=5) == ["too_few_for_disagreements"]


def test_nobody_has_passed_the_screening(solution: Solution, bob: User) -> None:
    project = solution.project
    draft = drafted(project, needs_screening=True)
    (warning,) = preview_of(draft).warnings
    assert "No screening is open" in warning.message
    screening = make_screening(project)
    (warning, *_) = preview_of(draft).warnings
    assert (warning.code, "take it first" in warning.message) == ("nobody_passed", True)
    RoundProgress.objects.create(round=screening, labeler=bob, passed_at=timezone.now(), score=1)
    assert "nobody_passed" not in [warning.code for warning in preview_of(draft).warnings]


def test_empty_guidelines(project: Project, alice: User) -> None:
    make_solution(make_problem(project, reference_answer="1"))
    assert warned(project) == ["no_guidelines"]
    publish_guidelines(project=project, text="Be fair.", author=alice)
    assert warned(project) == []


def test_problems_without_a_reference_answer_where_it_is_shown(solution: Solution) -> None:
    make_solution(make_problem(solution.project))
    draft = preview(solution.project)
    assert [warning.code for warning in draft.warnings] == ["no_reference_answer"]
    assert "1 of 2 problems" in draft.warnings[0].message
    assert warned(solution.project, show_reference=False) == []
    problems = {"options": {"starts_from": "problems", "writes": True}, "protocol": "branching"}
    assert "no_reference_answer" in warned(solution.project, **problems)


def test_solutions_that_all_have_gold(solution: Solution) -> None:
    make_gold(solution, 1, -1)
    assert warned(solution.project) == ["all_gold"]
    make_solution(make_problem(solution.project, reference_answer="1"))
    assert warned(solution.project) == []


def test_too_little_gold_for_its_share(solution: Solution) -> None:
    project = solution.project
    make_gold(solution, 1, -1)
    for _ in range(10):
        make_solution(make_problem(project, reference_answer="1"))
    assert warned(project, gold_share=0.1) == []
    draft = preview(project, gold_share=0.5)
    assert [warning.code for warning in draft.warnings] == ["too_little_gold"]
    assert "about 10 gold tasks, and there are 1" in draft.warnings[0].message


def test_alternatives_that_cannot_be_had(solution: Solution, lab: Endpoint) -> None:
    project, asks = solution.project, {"options": {"alternatives": True}}
    assert warned(project, **asks) == ["no_candidates"]
    assert warned(project, protocol="branching") == ["no_candidates"]
    assert warned(project, **asks, endpoint=lab) == ["endpoint_unchecked"]
    lab.checked_at, lab.check_error = timezone.now(), "The endpoint cannot be reached."
    lab.save()
    draft = preview(project, **asks, endpoint=lab)
    assert [warning.code for warning in draft.warnings] == ["endpoint_fails"]
    assert "cannot be reached" in draft.warnings[0].message
    lab.check_error, lab.most_choices = "", 1
    lab.save()
    assert warned(project, **asks, endpoint=lab) == ["endpoint_few_choices"]
    lab.most_choices = None
    lab.save()
    assert warned(project, **asks, endpoint=lab) == []
    Step.objects.create(solution=solution, position=0, candidate=1, text="Another.", chosen=False)
    assert warned(project, **asks) == []
    assert warned(project, options={"critiques": True}) == []


def test_warnings_do_not_keep_a_round_from_opening(project: Project, alice: User) -> None:
    make_solution(make_problem(project))
    draft = drafted(project, redundancy=9)
    assert len(preview_of(draft).warnings) > 1
    assert open_draft(round=draft, actor=alice).status == "open"


def test_the_page_and_the_api_show_warnings_and_what_to_do(project: Project, mia: User) -> None:
    make_solution(make_problem(project, reference_answer="1"))
    draft = drafted(project, redundancy=9)
    page = html_without_tokens(signed_in(mia).get(reverse("round", args=[project.slug, draft.number])))
    assert "Each task needs 9 people" in page
    assert reverse("people", args=[project.slug]) in page
    assert "no pace yet: 0 of the 20 submissions" in page
    seen = bearer(mia).get(f"/api/v1/projects/{project.slug}/rounds/{draft.number}/preview").json()
    assert {warning["code"] for warning in seen["warnings"]} == {"too_few_people", "no_guidelines"}
    assert (seen["ends_at"], seen["pace"]["hours_per_day"]) == (None, None)


# --- the end at the team's own pace -----------------------------------------------------------------------


def test_the_end_follows_from_hours_a_day() -> None:
    pace = TeamPace(submissions=100, hours=56, days=28)
    assert pace.hours_per_day == 2
    assert pace.end(10 * 3600, NOW) == NOW + timedelta(days=5)
    assert pace.end(10**9, NOW) is None, "decades away is no date"


@pytest.mark.parametrize(
    ("pace", "why"),
    [
        (TeamPace(19, 10, 20), "no pace yet: 19 of the 20 submissions that it takes"),
        (TeamPace(50, 3, 0.4), "no pace yet: the team has worked for less than a day"),
    ],
)
def test_too_little_work_has_no_pace(pace: TeamPace, why: str) -> None:
    assert (pace.end(3600, NOW), pace.why_unknown) == (None, why)


def test_the_pace_is_that_of_the_project_in_the_last_weeks(solution: Solution, bob: User) -> None:
    project = solution.project
    for _ in range(24):
        make_solution(make_problem(project, reference_answer="1"))
    round_ = open_draft(round=drafted(project), actor=bob)
    for _ in range(25):
        rate(round_, bob, 1, 1, 1)
    first = Assignment.objects.order_by("pk")[0]
    Assignment.objects.filter(pk=first.pk).update(submitted_at=timezone.now() - timedelta(days=60))
    Assignment.objects.exclude(pk=first.pk).update(submitted_at=timezone.now() - timedelta(days=8), active_ms=600_000)
    seen = preview(project)
    assert (seen.pace.submissions, round(seen.pace.hours_per_day, 2), seen.seconds_each) == (24, 0.5, 600)
    assert seen.end is not None
    days = (seen.end - timezone.now()).total_seconds() / 86400
    assert days == pytest.approx(25 * 600 / 3600 / 0.5, rel=0.01)
