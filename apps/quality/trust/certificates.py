"""Certifying a judge by a blind round. A decision names judge, prompt version, sample, round and date, and is kept."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Min

from apps.accounts.models import User
from apps.accounts.services import record_event
from apps.core.errors import Conflict, DomainError
from apps.corpus.models import Solution
from apps.judging.models import Judge
from apps.labeling.models import Assignment
from apps.quality.cascade.machine_labels import run_first_errors
from apps.quality.models import BlindSample, Cascade, JudgeCertificate
from apps.quality.rules import rules_for
from apps.quality.trust.blind_rounds import check_labeled, sampled_ids
from apps.quality.trust.certification_rule import certify
from apps.quality.trust.figures import judge_rates
from apps.quality.trust.report import judged_solutions
from apps.quality.trust.truth import keep_truth
from apps.quality.trust.verdicts import STEP_KINDS, verdicts_of


@transaction.atomic
def certify_judge(*, judge: Judge, sample: BlindSample, actor: User | None = None) -> JudgeCertificate:
    """Decide by the labels of the sample's round, once. Raises Conflict while people label it or the judge lacks verdicts."""
    sample = BlindSample.objects.select_for_update(of=("self",)).select_related("round", "project").get(pk=sample.pk)
    if judge.project_id != sample.project_id or judge.kind not in STEP_KINDS:
        raise DomainError(
            f"{judge} names no first errors in this project.",
            fields={"judge": "must name first errors of this project"},
        )
    existing = JudgeCertificate.objects.filter(judge=judge, sample=sample).first()
    if existing is not None:
        return existing
    check_labeled(sample)
    _check_older(judge, sample)
    named = _named(judge, sample)
    missing = sample.solutions.count() - len(named)
    if missing:
        raise Conflict(
            f"{judge} has no verdict on {missing:,} of the {sample.solutions.count():,} sampled solutions: let it judge all.",
            code="not_judged",
        )
    accepted = keep_truth(sample)
    lengths = dict(Solution.objects.filter(pk__in=accepted).values_list("pk", "step_count"))
    judged = judged_solutions(named, accepted, lengths)
    decision = certify(*judge_rates(judged), rules_for(sample.project).judge_bar)
    certificate = JudgeCertificate.objects.create(
        project=sample.project,
        judge=judge,
        sample=sample,
        is_granted=decision.is_granted,
        bar=decision.bar,
        solutions=len(judged.named),
        true_positive=decision.true_positive.value,
        true_positive_low=decision.true_positive.low,
        true_negative=decision.true_negative.value,
        true_negative_low=decision.true_negative.low,
        reasons=list(decision.reasons),
        created_by=actor,
    )
    verb = "judge.certified" if decision.is_granted else "judge.refused"
    record_event(actor=actor, verb=verb, target=str(judge), project=sample.project.slug)
    return certificate


def _check_older(judge: Judge, sample: BlindSample) -> None:
    """Raises Conflict if the judge was made when labels of the sample were there: it may have been fitted to them."""
    first = Assignment.objects.filter(round=sample.round).aggregate(first=Min("submitted_at"))["first"]
    if first is not None and judge.created_at > first:
        raise Conflict(
            f"{judge} was made after people had begun to label this sample, and may have been fitted to their labels: "
            "open another blind round for it.",
            code="made_later",
        )


def _named(judge: Judge, sample: BlindSample) -> dict[int, int]:
    """By solution id of the sample: what the judge names, in the run that the sample's cascade plans, else in its newest."""
    ids = sampled_ids(sample)
    cascade = Cascade.objects.filter(sample=sample).first()
    planned = cascade.judge_runs.filter(judge=judge).first() if cascade else None
    if planned is None:
        return verdicts_of(judge, ids).first_errors
    return run_first_errors(planned, dict(Solution.objects.filter(pk__in=ids).values_list("pk", "step_count")))


def granted_certificate(judge: Judge) -> JudgeCertificate | None:
    """The judge's newest decision, if it is a granted one. Another prompt or setting is another judge."""
    newest = JudgeCertificate.objects.filter(judge=judge).select_related("sample__round").first()
    return newest if newest is not None and newest.is_granted else None
