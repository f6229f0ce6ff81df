"""The trust page, blind rounds, choruses and cascades as managers and reviewers use them."""

from __future__ import annotations

import csv
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import AuditEvent, User
from apps.core.errors import DomainError
from apps.corpus.labels import NO_ERROR
from apps.corpus.models import Problem, Solution
from apps.estimation.models import StepEstimate
from apps.judging.models import Judge, JudgeRun, StepVerdict
from apps.labeling.models import Critique, Round
from apps.projects.models import Project
from apps.quality.models import BlindSample, Cascade, JudgeCertificate, OpenDispute, QualityRules
from apps.quality.rules import change_rules, rules_for
from apps.quality.sources import source_strips_of, strips_of
from apps.quality.trust.blind_rounds import open_blind_round, sampled_ids
from apps.quality.trust.certificates import certify_judge
from tests.cast import html_without_tokens, signed_in
from tests.estimation.corpus import add_sums
from tests.judging.model import judges_of, make_judge, worked
from tests.quality.judged_project import blind_sample, estimate_all, judge_all, label_blindly
from tests.quality.trusted_project import (
    TrustedProject,
    decided,
    judge_that_says_first,
    label_sample,
    plan,
    trusted_project,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def made(project: Project) -> TrustedProject:
    return trusted_project(project)


@pytest.fixture
def manager(mia: User) -> Client:
    return signed_in(mia)


@pytest.fixture
def reviewer(rita: User) -> Client:
    return signed_in(rita)


def path(project: Project, rest: str = "trust") -> str:
    return f"/projects/{project.slug}/judging/{rest}"


def rows_of(client: Client, url: str) -> list[dict[str, str]]:
    answer: Any = client.get(url)
    assert answer.status_code == 200
    return list(csv.DictReader(StringIO(b"".join(answer.streaming_content).decode())))


# --- the page and its file ----------------------------------------------------------------------------------


def test_judges_are_listed_best_first_with_their_figures_and_the_file_has_them_all(
    made: TrustedProject, reviewer: Client
) -> None:
    page = reviewer.get(path(made.project))
    assert [row.judge for row in page.context["rows"]] == [made.good, made.weak]
    rows = rows_of(reviewer, path(made.project, "trust.csv"))
    assert [row["Judge"] for row in rows] == ["careful", "hasty"]
    good = page.context["rows"][0].report
    assert float(rows[0]["True-positive rate"]) == pytest.approx(good.figures.true_positive.value)
    assert float(rows[0]["True-positive rate low"]) == pytest.approx(good.figures.true_positive.low)
    assert rows[0]["True-positive rate n"] == str(good.figures.true_positive.solutions)
    assert rows[0]["Solutions"] == "200"
    assert float(rows[0]["Cost per solution"]) == pytest.approx(0.0009)
    html = html_without_tokens(page)
    assert f"{100 * good.figures.exact.value:.0f} %" in html
    assert "Calibrate judges" not in html, "only managers open rounds"


def test_filters_count_steps_as_people_do_and_reach_the_file(made: TrustedProject, reviewer: Client) -> None:
    whole = rows_of(reviewer, path(made.project, "trust.csv"))[0]
    first = rows_of(reviewer, path(made.project, "trust.csv?first=1&last=1"))[0]
    wrong_at_once = sum(error == 0 for pk, error in made.truth.items() if pk in sampled_ids(made.sample))
    assert first["True-positive rate n"] == str(wrong_at_once)
    assert int(whole["True-positive rate n"]) > wrong_at_once
    round_ = made.sample.round
    assert round_ is not None
    # Nothing but the solutions of this round is settled.
    assert rows_of(reviewer, path(made.project, f"trust.csv?round={round_.number}"))[0] == whole
    others = {pk: error for pk, error in made.truth.items() if pk not in sampled_ids(made.sample)}
    other = blind_sample(made.project, sorted(others))
    label_blindly(other, others)
    assert rows_of(reviewer, path(made.project, f"trust.csv?round={round_.number + 1}")) == []
    page = reviewer.get(path(made.project, "trust?first=3&last=1"))
    assert "must not be before the first step" in html_without_tokens(page)
    assert page.status_code == 200


def test_a_judge_that_always_says_a_yields_no_preference_and_the_page_says_why(
    made: TrustedProject, reviewer: Client
) -> None:
    judge_that_says_first(made.project)
    html = html_without_tokens(reviewer.get(path(made.project)))
    assert "it prefers the side that is shown first, whichever it is, so it yields no preference" in html
    row = rows_of(reviewer, path(made.project, "trust/comparing.csv"))[0]
    assert (row["Usable"], row["Flips with the order"]) == ("0.0", "1.0")
    assert reviewer.get(path(made.project, "trust/nothing.csv")).status_code == 404


def test_self_preference_and_length_are_said_in_words(made: TrustedProject, reviewer: Client) -> None:
    html = html_without_tokens(reviewer.get(path(made.project)))
    assert "Its own model wrote none of the erroneous solutions" in html
    wrong = [pk for pk, error in made.truth.items() if error != NO_ERROR and pk in sampled_ids(made.sample)]
    own = wrong[: len(wrong) // 2]
    Solution.objects.filter(pk__in=own).update(source="judge-8b")
    judge_all(
        made.project,
        {pk: NO_ERROR if pk in own else made.truth[pk] for pk in made.truth},
        name="proud",
        model="judge-8b",
    )
    html = html_without_tokens(reviewer.get(path(made.project)))
    assert "It accepts errors of its own model more often than those of others." in html
    assert "Accepts 100 % of its own model" in html


def test_an_empty_project_shows_the_next_step(project: Project, manager: Client) -> None:
    html = html_without_tokens(manager.get(path(project)))
    assert "No judge can be compared with people yet" in html
    assert "Calibrate judges" in html
    assert "No cascades yet" in html_without_tokens(manager.get(path(project, "cascades")))
    assert "Machines have not labeled enough" in html_without_tokens(manager.get(path(project, "cascades/new")))
    assert "A chorus needs two judges" in html_without_tokens(manager.get(path(project, "choruses/new")))


# --- blind rounds and certificates --------------------------------------------------------------------------


def test_the_page_says_before_how_many_solutions_are_needed(made: TrustedProject, manager: Client) -> None:
    page = manager.get(path(made.project, "trust/calibrate"))
    advice = page.context["advice"]
    assert advice.is_known
    assert page.context["form"].initial["size"] == advice.size == min(advice.needed.solutions, 300)
    html = html_without_tokens(page)
    assert f"<b>{advice.needed.solutions} solutions</b> are needed" in html
    wider = manager.get(path(made.project, "trust/calibrate/size"), {"aim": "interval", "half_width": 10, "rate": 90})
    narrower = manager.get(path(made.project, "trust/calibrate/size"), {"aim": "interval", "half_width": 5, "rate": 90})
    assert wider.context["advice"].needed.solutions < narrower.context["advice"].needed.solutions
    hopeless = manager.get(path(made.project, "trust/calibrate/size"), {"aim": "bar", "rate": 75})
    assert "must be above the bar of 0.8" in html_without_tokens(hopeless)


def test_a_manager_opens_a_blind_round_once(made: TrustedProject, manager: Client, bob: User) -> None:
    body = {
        "aim": "bar",
        "rate": 90,
        "size": 20,
        "redundancy": 2,
        "labelers": [bob.pk],
        "name": "Check",
        "once": uuid4().hex,
    }
    assert manager.post(path(made.project, "trust/calibrate"), body).status_code == 302
    sample = BlindSample.objects.exclude(pk=made.sample.pk).get()
    assert sample.round is not None
    assert (sample.round.name, sample.round.redundancy, sample.solutions.count()) == ("Check", 2, 20)
    assert manager.post(path(made.project, "trust/calibrate"), body).status_code == 422
    assert BlindSample.objects.count() == 2
    too_many = manager.post(path(made.project, "trust/calibrate"), body | {"size": 301, "once": ""})
    assert too_many.status_code == 422
    assert "must be between 1 and 300" in html_without_tokens(too_many)


def test_a_certificate_comes_or_is_refused_and_another_version_has_none(
    made: TrustedProject, manager: Client, reviewer: Client
) -> None:
    url = path(made.project, f"trust/samples/{made.sample.pk}/decide")
    for judge in (made.good, made.weak):
        assert manager.post(url, {"judge": judge.pk}).status_code == 302
    granted = dict(JudgeCertificate.objects.values_list("judge", "is_granted"))
    assert granted == {made.good.pk: True, made.weak.pk: False}
    page = reviewer.get(path(made.project))
    html = html_without_tokens(page)
    assert "certified" in html
    assert "true-positive rate" in html, "the reasons of the refusal"
    newer = judge_all(made.project, made.truth, name="other")
    Judge.objects.filter(pk=newer.judge_id).update(name="careful", version=2)
    html = html_without_tokens(reviewer.get(path(made.project)))
    assert "version 1 is certified; that does not hold for this one" in html
    assert AuditEvent.objects.filter(verb__in=["judge.certified", "judge.refused"]).count() == 2
    assert "judge.certified" in html_without_tokens(manager.get(f"/projects/{made.project.slug}/audit?verb=judge."))


def test_nothing_is_decided_while_people_label_or_the_judge_lacks_verdicts(
    made: TrustedProject, manager: Client
) -> None:
    sample = open_blind_round(project=made.project, size=10)
    page = manager.post(path(made.project, f"trust/samples/{sample.pk}/decide"), {"judge": made.good.pk}, follow=True)
    assert "People still label this blind round." in html_without_tokens(page)
    lazy = judge_all(made.project, dict(list(made.truth.items())[:5]), name="lazy")
    decide = path(made.project, f"trust/samples/{made.sample.pk}/decide")
    page = manager.post(decide, {"judge": lazy.judge_id}, follow=True)
    assert "may have been fitted to their labels" in html_without_tokens(page)
    Judge.objects.filter(pk=lazy.judge_id).update(created_at=made.good.created_at)
    page = manager.post(decide, {"judge": lazy.judge_id}, follow=True)
    assert "has no verdict on 195 of the 200" in html_without_tokens(page)
    assert not JudgeCertificate.objects.exists()


def test_a_judge_judges_the_sample_in_a_run_of_its_own(
    made: TrustedProject, manager: Client, judge_server: str
) -> None:
    judge = make_judge(made.project, judges_of(judge_server))
    sample = open_blind_round(project=made.project, size=12)
    state = next(one for one in manager.get(path(made.project)).context["samples"] if one.sample == sample)
    assert {entry.judge: entry.missing for entry in state.to_show} == {judge: 12}
    url = path(made.project, f"trust/samples/{sample.pk}/judge")
    assert manager.post(url, {"judge": judge.pk}).status_code == 302
    run = JudgeRun.objects.get(judge=judge)
    assert run.total == 12
    page = manager.post(url, {"judge": judge.pk}, follow=True)
    assert "already judges this sample" in html_without_tokens(page)
    worked(run)
    assert set(run.solution_verdicts.values_list("solution", flat=True)) == set(sampled_ids(sample))


# --- the bar ------------------------------------------------------------------------------------------------


def test_the_bar_is_a_rule_that_makes_no_label_stale(made: TrustedProject, manager: Client, mia: User) -> None:
    QualityRules.objects.filter(project=made.project).update(stale_all=False)
    form = manager.get(f"/projects/{made.project.slug}/quality/rules").context["form"]
    body = {name: value for name, value in form.initial.items() if value not in (None, "", False)} | {"judge_bar": 90}
    assert manager.post(f"/projects/{made.project.slug}/quality/rules", body).status_code == 302
    rules = rules_for(made.project)
    assert (rules.judge_bar, rules.stale_all) == (0.9, False)
    assert certify_judge(judge=made.good, sample=made.sample).bar == 0.9
    change_rules(project=made.project, actor=mia, minimum=7)
    assert rules_for(made.project).stale_all


@pytest.mark.parametrize("bar", [0.0, 1.0, -1.0])
def test_a_bar_outside_the_range_names_the_field(project: Project, mia: User, bar: float) -> None:
    with pytest.raises(DomainError) as raised:
        change_rules(project=project, actor=mia, judge_bar=bar)
    assert raised.value.fields == {"judge_bar": "must be between 0 and 1, both excluded"}


# --- blindness ----------------------------------------------------------------------------------------------


def voiced(project: Project) -> Solution:
    """A solution on which every kind of model has spoken."""
    pk = add_sums(project, 1, steps=3)[0]
    solution = Solution.objects.get(pk=pk)
    Solution.objects.filter(pk=pk).update(verifier_score=0.83)
    step = solution.steps.get(position=1)
    estimates = judge_all(project, {pk: 1}, name="loud")
    StepVerdict.objects.create(run=estimates, step=step, rating=-1, reason="The judge is sure of it.")
    run = estimate_all(project, {pk: (1, 0.9)})
    StepEstimate.objects.create(run=run, step=step, rollouts=8, successes=0)
    Critique.objects.create(step=step, text="A model wrote this.", origin="model")
    Critique.objects.create(step=step, text="A person wrote this.", origin="human")
    for kind in ("monte_carlo_judge", "people"):
        OpenDispute.objects.create(project=project, solution=solution, kind=kind)
    return solution


MODEL_WORDS = (
    "The judge is sure of it.",
    "A model wrote this.",
    "0 of 8",
    "loud",
    "verifier score",
    "Monte Carlo against judge",
)


def test_what_models_say_is_hidden_on_pages_until_the_blind_round_is_labeled(
    project: Project, reviewer: Client
) -> None:
    solution = voiced(project)
    url = f"/projects/{project.slug}/solutions/{solution.pk}"
    open_ = html_without_tokens(reviewer.get(url))
    assert [word for word in MODEL_WORDS if word not in open_] == []
    sample = open_blind_round(project=project, size=1)
    number = sample.round.number if sample.round else 0
    hidden = html_without_tokens(reviewer.get(url))
    assert [word for word in MODEL_WORDS if word in hidden] == []
    assert "A person wrote this." in hidden
    assert "people disagree" in hidden
    assert f"blind round {number}" in hidden
    assert strips_of([solution])[solution.pk].hidden_in == number
    assert {strip.source for strip in source_strips_of([solution])[solution.pk]} == {"models"}
    assert f"hidden in blind round {number}" in html_without_tokens(reviewer.get(f"/projects/{project.slug}/solutions"))
    queue = f"/projects/{project.slug}/review/monte_carlo_judge"
    assert f"solutions/{solution.pk}" not in html_without_tokens(reviewer.get(queue))
    assert f"solutions/{solution.pk}" in html_without_tokens(reviewer.get(f"/projects/{project.slug}/review/people"))
    Round.objects.filter(pk=sample.round_id).update(status=Round.Status.CLOSED)
    assert [word for word in MODEL_WORDS if word not in html_without_tokens(reviewer.get(url))] == []
    assert f"solutions/{solution.pk}" in html_without_tokens(reviewer.get(queue))


def test_stored_rollouts_are_hidden_by_their_address_too(project: Project, reviewer: Client) -> None:
    solution = voiced(project)
    step = solution.steps.get(position=1)
    url = f"/projects/{project.slug}/solutions/{solution.pk}?step={step.pk}&run=1"
    assert reviewer.get(url).context["rollouts"] is not None
    open_blind_round(project=project, size=1)
    assert reviewer.get(url).context["rollouts"] is None


# --- choruses and cascades ----------------------------------------------------------------------------------


def test_a_chorus_is_formed_and_listed(made: TrustedProject, manager: Client) -> None:
    body = {"name": "choir", "members": [made.good.pk, made.weak.pk], "rule": "unanimous"}
    assert manager.post(path(made.project, "choruses/new"), body).status_code == 302
    assert "choir v1" in html_without_tokens(manager.get(path(made.project)))
    run = JudgeRun.objects.get(judge__name="choir")
    shown = html_without_tokens(manager.get(path(made.project, f"runs/{run.number}")))
    assert [text in shown for text in ("choir v1", "First errors", "no bad step")] == [True] * 3
    assert manager.get(path(made.project, f"runs/{run.number}/items")).status_code == 200
    item = manager.get(path(made.project, f"runs/{run.number}/items/{min(made.truth)}"))
    assert item.status_code == 200
    alone = manager.post(path(made.project, "choruses/new"), body | {"members": [made.good.pk]})
    assert alone.status_code == 422
    assert "must be 2 to 20 different judges" in html_without_tokens(alone)


def test_the_form_of_a_chorus_offers_the_judges_and_names_what_is_missing(
    made: TrustedProject, manager: Client
) -> None:
    page = manager.get(path(made.project, "choruses/new"))
    assert page.status_code == 200
    assert [text in html_without_tokens(page) for text in ("Form the chorus", "careful v1", "hasty v1")] == [True] * 3
    nothing = manager.post(path(made.project, "choruses/new"), {"name": "choir"})
    assert nothing.status_code == 422
    assert set(nothing.context["form"].errors) == {"members", "rule"}
    assert "Form the chorus" in html_without_tokens(nothing)
    assert not Judge.objects.filter(kind="chorus").exists()


def test_a_cascade_is_planned_on_the_page(made: TrustedProject, manager: Client) -> None:
    hint = html_without_tokens(manager.get(path(made.project, "cascades/new/size"), {"alpha": 5}))
    assert "<b>59</b> with none wrong" in hint
    body = {
        "estimation_run": made.rollouts.pk,
        "judge_runs": [made.good_run.pk],
        "alpha": 4,
        "size": 30,
        "redundancy": 1,
        "people_cost": 1.5,
    }
    answer = manager.post(path(made.project, "cascades/new"), body)
    assert answer.status_code == 302, answer.context["form"].errors
    assert (answer.status_code, answer["Location"]) == (302, path(made.project, "cascades/1"))
    cascade = Cascade.objects.get()
    assert (cascade.alpha, cascade.people_cost, cascade.sample.solutions.count()) == (0.04, 1.5, 30)
    html = html_without_tokens(manager.get(path(made.project, "cascades/1")))
    assert "People label the sample" in html
    assert "If a tau is granted: with 95 % confidence, at most <b>4 %</b>" in html
    early = manager.post(path(made.project, "cascades/1/decide"), follow=True)
    assert "People still label this blind round." in html_without_tokens(early)
    lacking = manager.post(path(made.project, "cascades/new"), body | {"judge_runs": []})
    assert lacking.status_code == 422


def test_a_cascade_whose_labels_do_not_count_any_more_says_that_its_promise_is_void(
    made: TrustedProject, manager: Client
) -> None:
    cascade = decided(made, size=200)
    assert cascade.tau is not None
    address = path(made.project, f"cascades/{cascade.number}")
    sound = html_without_tokens(manager.get(address))
    assert "is void" not in sound
    assert 'id="apply"' in sound
    Problem.objects.filter(solutions__in=sampled_ids(cascade.sample)[:1]).update(retired_at=timezone.now())
    void = html_without_tokens(manager.get(address))
    assert "The promise of cascade 1 is void" in void
    assert 'id="apply"' not in void
    answer = html_without_tokens(manager.post(f"{address}/apply", follow=True))
    assert "is void" in answer
    cascade.refresh_from_db()
    assert cascade.status == Cascade.Status.GRANTED


def test_a_granted_cascade_is_applied_and_withdrawn_and_its_rest_goes_to_people(
    made: TrustedProject, manager: Client, reviewer: Client
) -> None:
    cascade = plan(made)
    label_sample(cascade, made.truth)
    assert manager.post(path(made.project, f"cascades/{cascade.number}/decide")).status_code == 302
    cascade.refresh_from_db()
    assert cascade.status == Cascade.Status.GRANTED, cascade.reason
    page = reviewer.get(path(made.project, f"cascades/{cascade.number}"))
    html = html_without_tokens(page)
    assert cascade.reason in html
    assert page.context["left"] == 300 - 200 - cascade.labels_by_machines
    for row in cascade.table:
        assert f"{row['wrong']} of {row['sampled']}" in html
    assert "/apply" not in html, "reviewers read"
    assert manager.post(path(made.project, f"cascades/{cascade.number}/apply")).status_code == 302
    cascade.refresh_from_db()
    assert cascade.status == Cascade.Status.APPLIED
    assert manager.post(path(made.project, f"cascades/{cascade.number}/withdraw")).status_code == 302
    cascade.refresh_from_db()
    assert cascade.status == Cascade.Status.WITHDRAWN
    link = f"/projects/{made.project.slug}/rounds/new?cascade={cascade.number}&first=dispute:monte_carlo_judge"
    assert link.replace("&", "&amp;") in html_without_tokens(
        manager.get(path(made.project, f"cascades/{cascade.number}"))
    )
    new_round = manager.get(link)
    form = new_round.context["form"]
    assert (form["cascade"].value(), form["first"].value()) == (str(cascade.number), "dispute:monte_carlo_judge")
    size = manager.get(
        f"/projects/{made.project.slug}/rounds/new/size",
        {"protocol": "first_error", "cascade": cascade.number, "first": "dispute:monte_carlo_judge", "redundancy": 1},
    )
    assert size.context["size"].select == f"cascade:{cascade.number},first:dispute:monte_carlo_judge"
    assert size.context["size"].tasks == page.context["left"]


def test_a_sample_that_supports_no_tau_says_so(made: TrustedProject, manager: Client) -> None:
    cascade = decided(made, size=60, alpha=0.01)
    html = html_without_tokens(manager.get(path(made.project, f"cascades/{cascade.number}")))
    assert cascade.status == Cascade.Status.REFUSED
    assert "None: no tau was granted" in html
    assert "/apply" not in html
    page = manager.post(path(made.project, f"cascades/{cascade.number}/apply"), follow=True)
    assert "nothing can be applied" in html_without_tokens(page)
