"""Trust in judges from the database: figures, certificates, choruses, and judges that compare."""

from __future__ import annotations

import random
from collections.abc import Mapping

import pytest
from django.utils import timezone

from apps.core.errors import Conflict, DomainError
from apps.corpus.labels import NO_ERROR, UNKNOWN
from apps.corpus.models import Problem, Step
from apps.inference.services import add_endpoint
from apps.judging.judges import save_judge
from apps.judging.models import JudgeReply, JudgeRun, SolutionVerdict, StepVerdict
from apps.judging.runs.services import start_judging
from apps.labeling.models import GoldLabel, Round
from apps.labeling.rounds.completion import is_complete
from apps.projects.models import Project
from apps.quality.consensus.ended_runs import mark_ended_runs_stale
from apps.quality.models import BlindSample, Consensus, JudgeCertificate, StaleSolution
from apps.quality.rules import rules_for
from apps.quality.trust.blind_rounds import hidden_solutions, open_blind_round, sampled_ids
from apps.quality.trust.certificates import certify_judge, granted_certificate
from apps.quality.trust.choruses import form_chorus
from apps.quality.trust.preferences import preference_reports
from apps.quality.trust.report import JudgeReport, judge_reports
from apps.quality.trust.sample_state import judge_sample
from apps.quality.trust.truth import TrustFilter, accepted_first_errors, erroneous_share, sampled_first_errors
from apps.quality.trust.verdicts import judged_by
from tests.at_once import while_uncommitted
from tests.cast import make_problem, make_solution
from tests.judging.model import judges_of, make_judge, worked
from tests.quality.judged_project import (
    add_solutions,
    blind_sample,
    judge_all,
    label_blindly,
    read_in_order,
    settle_all,
    truths,
)

pytestmark = pytest.mark.django_db(transaction=True)


def judged(
    project: Project, count: int = 400, *, finds: float = 0.9, clears: float = 0.95, seed: int = 1
) -> dict[int, int]:
    """A project with a judge of these rates, and people's consensus; returns the truth."""
    dice = random.Random(seed)
    lengths = add_solutions(project, count)
    truth = truths(lengths, dice)
    settle_all(project, truth)
    named = {pk: read_in_order(truth[pk], lengths[pk], dice, finds=finds, clears=clears) for pk in truth}
    judge_all(project, named, tokens=1000)
    return truth


def report_of(project: Project, chosen: TrustFilter | None = None, name: str = "critic") -> JudgeReport:
    return next(report for report in judge_reports(project, chosen) if report.judge.name == name)


def test_the_rates_are_those_of_the_scripted_judge_within_their_intervals(project: Project) -> None:
    judged(project, 600, finds=0.85, clears=0.93)
    report = report_of(project)
    for rate, expected in ((report.figures.true_positive, 0.85), (report.figures.true_negative, 0.93)):
        assert rate.low is not None
        assert rate.high is not None
        assert rate.low <= expected <= rate.high
        assert rate.high - rate.low < 0.12
    assert report.solutions == 600


def test_the_share_with_an_error_is_that_of_what_people_accept(project: Project) -> None:
    """Gold outweighs the consensus; gold that names no first error takes its solution away."""
    truth = judged(project, 60)
    assert erroneous_share(project) == sum(error != NO_ERROR for error in truth.values()) / 60
    clean = [pk for pk, error in truth.items() if error == NO_ERROR]
    wrong = [pk for pk, error in truth.items() if error not in (NO_ERROR, 0)]
    for pk, rating, position in ((clean[0], -1, 0), (clean[1], -1, 1), (wrong[0], -1, 0)):
        GoldLabel.objects.create(step=Step.objects.get(solution=pk, position=position, chosen=True), rating=rating)
    Problem.objects.filter(solutions=wrong[1]).update(retired_at=timezone.now())
    accepted = accepted_first_errors(project, TrustFilter())
    assert (accepted[clean[0]], accepted[wrong[0]], clean[1] in accepted) == ({0}, {0}, False)
    share = sum(NO_ERROR not in errors for errors in accepted.values()) / len(accepted)
    assert erroneous_share(project) == pytest.approx(share)


def test_only_solutions_that_a_judge_judged_are_read(project: Project) -> None:
    truth = judged(project, 60)
    report = report_of(project)
    SolutionVerdict.objects.filter(solution__in=sorted(truth)[:20]).delete()
    StepVerdict.objects.filter(step__solution__in=sorted(truth)[:20]).delete()
    judges = [report.judge]
    assert sorted(accepted_first_errors(project, TrustFilter(), among=judged_by(judges))) == sorted(truth)[20:]
    assert report_of(project).solutions == 40
    SolutionVerdict.objects.all().delete()
    StepVerdict.objects.all().delete()
    assert judge_reports(project) == []


def test_exact_first_errors_f1_and_cost_equal_a_recount_by_hand(project: Project) -> None:
    truth = judged(project, 120)
    named = dict(SolutionVerdict.objects.values_list("solution", "first_error"))
    wrong_ones = [pk for pk in truth if truth[pk] != NO_ERROR]
    clean_ones = [pk for pk in truth if truth[pk] == NO_ERROR]
    on_wrong = sum(named[pk] == truth[pk] for pk in wrong_ones) / len(wrong_ones)
    on_clean = sum(named[pk] == NO_ERROR for pk in clean_ones) / len(clean_ones)
    figures = report_of(project).figures
    assert figures.exact.value == pytest.approx(sum(named[pk] == truth[pk] for pk in truth) / len(truth))
    assert figures.first_errors.f1.value == pytest.approx(2 * on_wrong * on_clean / (on_wrong + on_clean))
    assert figures.cost.value == pytest.approx(0.001)


def test_positions_subjects_and_rounds_filter(project: Project) -> None:
    truth = judged(project, 200)
    whole = report_of(project).figures
    first_only = report_of(project, TrustFilter(first=0, last=0)).figures
    assert first_only.true_positive.solutions < whole.true_positive.solutions
    assert first_only.exact.value == whole.exact.value
    assert judge_reports(project, TrustFilter(subject="No such subject")) == []
    sample = blind_sample(project, sorted(truth)[:50])
    assert sample.round is not None
    assert judge_reports(project, TrustFilter(round=sample.round.number)) == []


def test_a_run_under_way_does_not_count_and_the_newest_verdict_does(project: Project) -> None:
    truth = judged(project, 60, finds=1.0, clears=1.0)
    assert report_of(project).figures.exact.value == 1
    again = judge_all(project, dict.fromkeys(truth, UNKNOWN))
    assert report_of(project).figures.exact.value == 0
    JudgeRun.objects.filter(pk=again.pk).update(status="running")
    assert report_of(project).figures.exact.value == 1


# --- certificates ------------------------------------------------------------------------------------------


def labeled_sample(project: Project, truth: dict[int, int], count: int | None = None) -> BlindSample:
    """The first solutions, rightly labeled."""
    chosen = {pk: truth[pk] for pk in sorted(truth)[:count]}
    sample = blind_sample(project, sorted(chosen))
    label_blindly(sample, chosen)
    return sample


@pytest.mark.parametrize(
    ("finds", "clears", "is_granted"), [(0.93, 0.99, True), (0.75, 0.99, False), (0.95, 0.75, False)]
)
def test_a_certificate_comes_on_the_right_side_of_the_bar(
    project: Project, finds: float, clears: float, *, is_granted: bool
) -> None:
    truth = judged(project, 500, finds=finds, clears=clears)
    sample = labeled_sample(project, truth, 400)
    judge = report_of(project).judge
    certificate = certify_judge(judge=judge, sample=sample)
    assert certificate.is_granted is is_granted
    assert bool(certificate.reasons) is not is_granted
    assert (granted_certificate(judge) == certificate) is is_granted
    assert certificate.solutions == 400
    assert report_of(project).certificate == certificate


def test_a_decision_is_made_once_and_a_lower_bar_does_not_change_it(project: Project) -> None:
    truth = judged(project, 200, finds=0.7)
    sample, judge = labeled_sample(project, truth), report_of(project).judge
    certificate = certify_judge(judge=judge, sample=sample)
    rules = rules_for(project)
    rules.judge_bar = 0.5
    rules.save()
    assert certify_judge(judge=judge, sample=sample) == certificate
    assert JudgeCertificate.objects.get().is_granted is False


def test_a_judge_that_left_solutions_out_is_not_decided(project: Project) -> None:
    truth = judged(project, 40)
    SolutionVerdict.objects.filter(solution__in=sorted(truth)[:3]).delete()
    with pytest.raises(Conflict, match="no verdict on 3 of the 40"):
        certify_judge(judge=report_of(project).judge, sample=blind_sample(project, sorted(truth)))


def test_a_judge_made_after_the_labels_may_be_fitted_to_them(project: Project) -> None:
    truth = judged(project, 60)
    sample = labeled_sample(project, truth)
    later = judge_all(project, truth, name="later").judge
    with pytest.raises(Conflict, match="may have been fitted") as raised:
        certify_judge(judge=later, sample=sample)
    assert raised.value.code == "made_later"


def test_only_the_labels_of_the_round_as_they_were_submitted_first_are_the_truth(project: Project) -> None:
    """Whoever adjudicates, corrects, or labels in another round may have seen what judges say."""
    truth = judged(project, 30)
    named = dict.fromkeys(truth, NO_ERROR)
    sample = blind_sample(project, sorted(truth))
    label_blindly(sample, named)
    # The project's consensus is another one, as after adjudication; and a later round names other first errors.
    other = blind_sample(project, sorted(truth))
    label_blindly(other, truth)
    assert Consensus.objects.filter(project=project, first_error__gte=0).exists()
    assert sampled_first_errors(sample) == {pk: frozenset({NO_ERROR}) for pk in sorted(truth)}


def test_a_round_that_was_closed_early_settles_nothing(project: Project) -> None:
    truth = judged(project, 40)
    sample = blind_sample(project, sorted(truth))
    certificate = certify_judge(judge=report_of(project).judge, sample=sample)
    assert (certificate.is_granted, certificate.solutions) == (False, 0)


def test_what_fewer_label_than_the_round_asks_for_is_not_settled(project: Project) -> None:
    truth = judged(project, 10)
    sample = labeled_sample(project, truth)
    Round.objects.filter(pk=sample.round_id).update(redundancy=2)
    sample.refresh_from_db()
    assert sampled_first_errors(sample) == {}


def test_an_open_round_decides_nothing(project: Project) -> None:
    judged(project, 30)
    sample = open_blind_round(project=project, size=10)
    with pytest.raises(Conflict, match="still label"):
        certify_judge(judge=report_of(project).judge, sample=sample)


# --- blind rounds ------------------------------------------------------------------------------------------


def test_a_blind_round_has_the_drawn_solutions_and_hides_what_models_say_until_they_are_labeled(
    project: Project,
) -> None:
    lengths = add_solutions(project, 40)
    sample = open_blind_round(project=project, size=12, redundancy=2, seed=7)
    assert sample.round is not None
    ids = sampled_ids(sample)
    assert sorted(sample.round.tasks.values_list("solution", flat=True)) == ids
    assert (sample.pool, len(ids), sample.round.redundancy) == (40, 12, 2)
    assert not is_complete(sample.round)
    assert hidden_solutions(sorted(lengths)) == set(ids)
    Round.objects.filter(pk=sample.round.pk).update(status=Round.Status.CLOSED)
    assert hidden_solutions(sorted(lengths)) == set()


def test_two_samples_differ_and_one_seed_draws_the_same(project: Project) -> None:
    add_solutions(project, 60)
    first, again, other = (open_blind_round(project=project, size=20, seed=seed) for seed in (1, 1, 2))
    assert sampled_ids(first) == sampled_ids(again) != sampled_ids(other)


@pytest.mark.parametrize("size", [0, 41])
def test_a_size_outside_the_pool_names_the_range(project: Project, size: int) -> None:
    add_solutions(project, 40)
    with pytest.raises(DomainError) as raised:
        open_blind_round(project=project, size=size)
    assert raised.value.fields == {"size": "must be between 1 and 40"}


def test_two_requests_at_once_start_one_run_over_the_sample(project: Project) -> None:
    add_solutions(project, 12)
    sample = open_blind_round(project=project, size=6)
    endpoint = add_endpoint(project=project, name="lab", url="http://127.0.0.1:9/v1", model="judge-7b")
    judge = save_judge(project=project, endpoint=endpoint, kind="steps")
    with pytest.raises(Conflict, match="already judges this sample"):
        while_uncommitted(
            lambda: judge_sample(sample=sample, judge=judge), lambda: judge_sample(sample=sample, judge=judge)
        )
    assert JudgeRun.objects.get(judge=judge).total == 6


# --- choruses ----------------------------------------------------------------------------------------------


def three_judges(project: Project, count: int = 300) -> tuple[dict[int, int], list[JudgeRun]]:
    dice = random.Random(3)
    lengths = add_solutions(project, count)
    truth = truths(lengths, dice)
    settle_all(project, truth)
    runs = []
    for name, finds in (("first", 0.95), ("second", 0.6), ("third", 0.6)):
        named = {pk: read_in_order(truth[pk], lengths[pk], dice, finds=finds, clears=0.97) for pk in truth}
        runs.append(judge_all(project, named, name=name))
    return truth, runs


def most_named(votes: list[int]) -> int:
    """A strict plurality, written on its own."""
    counts = {error: votes.count(error) for error in votes}
    leaders = [error for error, count in counts.items() if count == max(counts.values())]
    return leaders[0] if len(leaders) == 1 else UNKNOWN


def test_a_majority_chorus_says_what_most_say(project: Project) -> None:
    truth, runs = three_judges(project)
    run = form_chorus(project=project, name="choir", members=[one.judge for one in runs], rule="majority")
    named = [dict(SolutionVerdict.objects.filter(run=one).values_list("solution", "first_error")) for one in runs]
    combined = dict(SolutionVerdict.objects.filter(run=run).values_list("solution", "first_error"))
    for pk in truth:
        expected = most_named([errors[pk] for errors in named])
        assert combined[pk] == (None if expected == UNKNOWN else expected)
    rated = StepVerdict.objects.filter(run=run, rating=-1).count()
    assert rated == sum(error is not None and error >= 0 for error in combined.values())
    assert run.undecided == sum(error is None for error in combined.values())


def test_a_unanimous_chorus_is_surer_and_a_weighted_one_follows_the_better_judge(project: Project) -> None:
    truth, runs = three_judges(project)
    members = [one.judge for one in runs]
    for rule in ("unanimous", "weighted", "majority"):
        form_chorus(project=project, name=rule, members=members, rule=rule)
    reports = {report.judge.name: report.figures for report in judge_reports(project)}
    assert reports["unanimous"].unreadable.value > reports["majority"].unreadable.value  # type: ignore[operator]
    assert reports["weighted"].exact.value >= reports["majority"].exact.value  # type: ignore[operator]
    weights = reports and next(r.judge for r in judge_reports(project) if r.judge.name == "weighted").options["weights"]
    assert weights[0] > weights[1] > 0
    assert len(truth) == 300


def test_other_members_are_another_version_and_a_chorus_cannot_sing_in_another(project: Project) -> None:
    _, runs = three_judges(project, 30)
    members = [one.judge for one in runs]
    first = form_chorus(project=project, name="choir", members=members, rule="majority")
    same = form_chorus(project=project, name="choir", members=members, rule="majority")
    other = form_chorus(project=project, name="choir", members=members[:2], rule="majority")
    assert (first.judge, first.judge.version, other.judge.version) == (same.judge, 1, 2)
    with pytest.raises(DomainError) as raised:
        form_chorus(project=project, name="two", members=[first.judge, members[0]], rule="majority")
    assert "members" in raised.value.fields


@pytest.mark.parametrize(
    ("values", "field"),
    [({"name": " "}, "name"), ({"name": "first"}, "name"), ({"rule": "loudest"}, "rule"), ({"count": 1}, "members")],
)
def test_an_invalid_chorus_names_the_field(project: Project, values: Mapping[str, object], field: str) -> None:
    _, runs = three_judges(project, 10)
    members = [one.judge for one in runs][: int(values.get("count", 3))]  # type: ignore[call-overload]
    with pytest.raises(DomainError) as raised:
        form_chorus(
            project=project,
            name=str(values.get("name", "choir")),
            members=members,
            rule=str(values.get("rule", "majority")),
        )
    assert field in raised.value.fields


def test_weights_need_solutions_that_people_labeled(project: Project) -> None:
    lengths = add_solutions(project, 30)
    runs = [judge_all(project, dict.fromkeys(lengths, NO_ERROR), name=name) for name in ("first", "second")]
    with pytest.raises(DomainError, match="needs 20"):
        form_chorus(project=project, name="choir", members=[run.judge for run in runs], rule="weighted")


# --- judges that compare -----------------------------------------------------------------------------------


def test_flips_and_length_equal_an_independent_count_of_the_replies(judge_server: str, project: Project) -> None:
    server = judges_of(judge_server, flips=0.3)
    dice = random.Random(5)
    for n in range(40):
        problem = make_problem(project, statement=f"Compute {n}.", reference_answer="2")
        for number in range(2):
            make_solution(problem, [f"It is {n}{number}." + " Indeed." * dice.randrange(1, 9)])
    run = worked(start_judging(judge=make_judge(project, server, "comparison"), selection={"pairs": "random"}))
    flips = agreed = longer = 0
    by_pair: dict[int, dict[int, str]] = {}
    for reply in JudgeReply.objects.filter(run=run):
        assert reply.verdict is not None
        by_pair.setdefault(reply.comparison_id or 0, {})[reply.slot] = reply.verdict["choice"]
    for verdict in run.comparison_verdicts.select_related("comparison"):
        first, second = by_pair[verdict.comparison_id][0], by_pair[verdict.comparison_id][1]
        # In the other order, left is the right side.
        if first == second:
            flips += 1
            continue
        sizes = {
            side: sum(len(step.text) for step in solution.steps.all())
            for side, solution in (("left", verdict.comparison.left), ("right", verdict.comparison.right))
        }
        if sizes["left"] != sizes["right"]:
            agreed += 1
            longer += sizes[verdict.choice] == max(sizes.values())
    (report,) = preference_reports(project)
    assert report.comparisons == 40
    assert report.position.flips.value == pytest.approx(flips / 40)
    assert report.position.first_shown.value == 1
    assert report.length.longer.value == pytest.approx(longer / agreed) == pytest.approx(1)
    assert report.usable.value == pytest.approx(1 - flips / 40)
    assert 0 < flips < 40


# --- disputes ----------------------------------------------------------------------------------------------


def test_a_run_that_ends_brings_its_solutions_into_the_queues_within_seconds(
    judge_server: str, project: Project
) -> None:
    server = judges_of(judge_server)
    solution = make_solution(make_problem(project, reference_answer="2"), ["Fine.", "This is wrong.", "Fine."])
    other = make_solution(make_problem(project, reference_answer="2"), ["Fine.", "Fine."])
    settle_all(project, {solution.pk: 2, other.pk: NO_ERROR})
    run = worked(start_judging(judge=make_judge(project, server)))
    assert mark_ended_runs_stale() == 2
    assert mark_ended_runs_stale() == 0
    assert set(StaleSolution.objects.values_list("solution_id", flat=True)) == {solution.pk, other.pk}
    assert run.status == "finished"
