"""A round may choose its solutions: by what convinces a reward model, by uncertainty, by disagreement."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest
from django.urls import reverse

from apps.accounts.models import User
from apps.core.errors import DomainError
from apps.core.jobs.model import JobStatus
from apps.corpus.models import Problem, Solution
from apps.estimation.models import EstimationRun, SolutionEstimate
from apps.labeling.models import Task
from apps.labeling.rounds.preview import preview_of
from apps.labeling.rounds.services import create_round, open_draft
from apps.projects.models import Project
from apps.quality.models import OpenDispute
from apps.quality.rules import change_rules
from tests.api.test_contract import API
from tests.cast import bearer, make_problem, make_solution, signed_in
from tests.world import rate


def scored(problem: Problem, scores: Sequence[float | None], *, is_correct: bool | None) -> list[Solution]:
    solutions = [
        make_solution(problem, [f"{is_correct} {number}.", "So it is."], is_correct=is_correct)
        for number, _ in enumerate(scores)
    ]
    for solution, score in zip(solutions, scores, strict=True):
        solution.verifier_score = score
        solution.save(update_fields=["verifier_score"])
    return solutions


def chosen(project: Project, select: str, alice: User) -> set[int]:
    round_ = open_draft(round=create_round(project=project, protocol="first_error", select=select), actor=alice)
    return set(Task.objects.filter(round=round_).values_list("solution_id", flat=True))


def test_convincing_takes_four_wrong_answers_for_one_other_and_goes_round_the_problems(
    project: Project, alice: User
) -> None:
    hard, easy = (make_problem(project, reference_answer=answer) for answer in ("1", "2"))
    of_hard = scored(hard, [0.9, 0.8, 0.7, 0.6], is_correct=False)
    of_easy = scored(easy, [0.5, 0.1], is_correct=False)
    right = scored(easy, [0.99, 0.4], is_correct=True)
    unscored = scored(hard, [None], is_correct=False)
    five = chosen(project, "by:convincing,sample:5", alice)
    assert five == {of_hard[0].pk, of_hard[1].pk, of_easy[0].pk, of_easy[1].pk, right[0].pk}
    everything = chosen(project, "by:convincing,sample:100", alice)
    assert unscored[0].pk not in everything
    assert len(everything) == 8, "where there are too few wrong answers, the rest fills their places"


def test_convincing_without_scores_is_refused(project: Project, alice: User) -> None:
    make_solution(make_problem(project), ["A."], is_correct=False)
    draft = create_round(project=project, protocol="first_error", select="by:convincing,sample:5")
    refusal = preview_of(draft).refusal
    assert refusal is not None
    assert "score them first" in refusal.message
    with pytest.raises(DomainError, match="score them first"):
        open_draft(round=draft, actor=alice)


@pytest.mark.parametrize(
    ("select", "reason"),
    [
        ("by:convincing", "add sample:N"),
        ("by:luck,sample:3", "Unknown selection 'by:luck'"),
        ("by:,sample:3", "Unknown selection 'by:'"),
    ],
)
def test_a_rule_needs_a_name_and_a_number(project: Project, select: str, reason: str) -> None:
    with pytest.raises(DomainError, match=reason):
        create_round(project=project, protocol="first_error", select=select)


def test_uncertainty_takes_what_the_newest_search_or_else_the_score_knows_least(project: Project, alice: User) -> None:
    problem = make_problem(project, reference_answer="1")
    sure, unsure, by_score, unknown = scored(problem, [0.5, 0.99, 0.7, None], is_correct=False)
    for number, probabilities in enumerate([(0.3, 0.3), (0.95, 0.6)], start=1):
        run = EstimationRun.objects.create(
            project=project, number=number, strategy="posterior-search", status=JobStatus.FINISHED
        )
        for solution, probability in zip((sure, unsure), probabilities, strict=True):
            SolutionEstimate.objects.create(run=run, solution=solution, first_error=0, probability=probability)
    assert chosen(project, "by:uncertainty,sample:1", alice) == {unsure.pk}
    assert chosen(project, "by:uncertainty,sample:2", alice) == {unsure.pk, by_score.pk}
    assert unknown.pk not in chosen(project, "by:uncertainty,sample:9", alice)
    assert chosen(project, "wrong,by:uncertainty,sample:3", alice) == {unsure.pk, by_score.pk, sure.pk}


def test_disagreement_takes_the_most_disputed(project: Project, alice: User) -> None:
    problem = make_problem(project, reference_answer="1")
    once, twice, never = scored(problem, [0.9, 0.1, 0.99], is_correct=False)
    for solution, kinds in ((once, ["people"]), (twice, ["people", "unsure"])):
        for kind in kinds:
            OpenDispute.objects.create(solution=solution, project=project, kind=kind)
    assert chosen(project, "by:disagreement,sample:1", alice) == {twice.pk}
    assert chosen(project, "by:disagreement,sample:9", alice) == {once.pk, twice.pk}
    assert never.pk not in chosen(project, "by:disagreement,sample:9", alice)


@pytest.mark.parametrize("rule", ["uncertainty", "disagreement"])
def test_rules_without_evidence_say_what_they_need(project: Project, rule: str) -> None:
    make_solution(make_problem(project), ["A."], is_correct=False)
    draft = create_round(project=project, protocol="first_error", select=f"by:{rule},sample:5")
    refusal = preview_of(draft).refusal
    assert refusal is not None
    assert f"by:{rule} needs" in refusal.message


@pytest.mark.parametrize(
    ("protocol", "options"),
    [("comparison", {"pairs": "random", "each": 1}), ("branching", {"starts_from": "problems"})],
)
def test_rounds_of_pairs_and_of_problems_refuse_rules(
    project: Project, protocol: str, options: dict[str, object]
) -> None:
    scored(make_problem(project), [0.5, 0.6], is_correct=False)
    draft = create_round(project=project, protocol=protocol, options=options, select="by:convincing,sample:2")
    refusal = preview_of(draft).refusal
    assert refusal is not None
    assert refusal.fields["select"].startswith("not available for")


def test_the_draft_says_what_is_chosen_its_cost_and_what_it_should_find(project: Project, alice: User) -> None:
    problem = make_problem(project, reference_answer="1")
    wrong = scored(problem, [0.9, 0.8], is_correct=False)
    scored(problem, [0.7, 0.6], is_correct=True)
    change_rules(project=project, actor=alice, hourly_cost=Decimal(30))
    select = "wrong,by:convincing,sample:2"
    draft = create_round(project=project, protocol="first_error", select=select, created_by=alice)
    seen = bearer(alice).get(f"{API}/projects/{project.slug}/rounds/{draft.number}/preview").json()
    assert seen["expected"]["composition"] == {
        "right": 0,
        "wrong": 2,
        "ungraded": 0,
        "problems": 1,
        "mean_score": pytest.approx(0.85),
    }
    assert seen["expected"]["expected_errors"] == 2.0, "some step of a wrong answer must be wrong"
    assert seen["cost"] is None, "nobody knows yet how long a task takes"
    every = create_round(project=project, protocol="first_error", select="by:convincing,sample:3", created_by=alice)
    assert preview_of(every).expected.expected_errors is None, "nobody knows yet how many right answers have an error"
    page = signed_in(alice).get(reverse("round", args=[project.slug, draft.number])).content.decode()
    assert "expected with an error" in page
    opened = open_draft(round=draft, actor=alice)
    for _ in wrong:
        rate(opened, alice, 1, -1)
    after = create_round(project=project, protocol="first_error", select="sample:4", created_by=alice)
    hour = preview_of(after).hours
    page = signed_in(alice).get(reverse("round", args=[project.slug, after.number])).content.decode()
    assert hour is not None
    assert f"<dd>{hour * 30:.2f}</dd>" in page
