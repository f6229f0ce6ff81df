"""Choruses: several judges whose newest verdicts are combined into verdicts of one more judge. Nothing is asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services import record_event
from apps.core.db.copy import copy_rows
from apps.core.db.locks import advisory_xact_lock
from apps.core.errors import DomainError
from apps.core.jobs.model import JobStatus
from apps.corpus.labels import BAD, GREAT, NO_ERROR, UNKNOWN
from apps.corpus.models import Step
from apps.judging.models import Judge, JudgeRun, SolutionVerdict, StepVerdict
from apps.judging.models.verdicts import ItemOutcome
from apps.labeling.rounds.plan import selectable_solutions
from apps.projects.models import Project
from apps.quality.trust.figures import judge_figures
from apps.quality.trust.report import judged_solutions, known_solutions
from apps.quality.trust.truth import FEWEST_KNOWN, TrustFilter, accepted_first_errors
from apps.quality.trust.verdicts import STEP_KINDS, judged_by, verdicts_of
from apps.quality.trust.vote_combination import ChorusRule, ChorusVerdict, combine, weight_of
from apps.runs.lifecycle import next_number

FEWEST, MOST = 2, 20


@transaction.atomic
def form_chorus(
    *, project: Project, name: str, members: Sequence[Judge], rule: str, created_by: User | None = None
) -> JudgeRun:
    """Combine the members' newest verdicts by the rule. Weights are each member's share of exact first errors by people.

    Another set of members, rule or weights is another version. Raises DomainError that names the field.
    """
    _check(project, name, members, rule)
    chorus_rule = ChorusRule(rule)
    weights = [measured_weight(project, judge) for judge in members] if chorus_rule == ChorusRule.WEIGHTED else []
    options: dict[str, Any] = {"rule": rule, "members": [str(judge) for judge in members], "weights": weights}
    judge = _judge(project, name.strip(), options, created_by)
    ids = list(selectable_solutions(project).order_by("pk").values_list("pk", flat=True))
    named = [verdicts_of(member, ids).first_errors for member in members]
    asked = [pk for pk in ids if any(pk in errors for errors in named)]
    verdicts = {pk: combine([errors.get(pk, UNKNOWN) for errors in named], chorus_rule, weights) for pk in asked}
    run = _store(judge, verdicts, created_by)
    record_event(actor=created_by, verb="chorus.formed", target=str(run), project=project.slug)
    return run


def measured_weight(project: Project, judge: Judge) -> float:
    """The judge's weight by its share of exact first errors among the solutions that people labeled."""
    known = known_solutions(accepted_first_errors(project, TrustFilter(), among=judged_by([judge])))
    named = verdicts_of(judge, known.accepted.keys()).first_errors
    judged = judged_solutions(named, known.accepted, known.lengths)
    if len(judged.named) < FEWEST_KNOWN:
        raise DomainError(
            f"{judge} and people have {len(judged.named)} solutions in common: a weight needs {FEWEST_KNOWN}.",
            fields={"rule": f"weighted needs {FEWEST_KNOWN} solutions that people and {judge} labeled"},
        )
    exact = judge_figures(judged, resamples=0).exact.value
    assert exact is not None
    return weight_of(exact)


def _check(project: Project, name: str, members: Sequence[Judge], rule: str) -> None:
    errors: dict[str, str] = {}
    if not name.strip():
        errors["name"] = "must not be empty"
    elif Judge.objects.filter(project=project, name=name.strip()).exclude(kind=Judge.Kind.CHORUS).exists():
        errors["name"] = "is the name of a judge that is no chorus"
    if not FEWEST <= len(members) <= MOST or len({judge.name for judge in members}) < len(members):
        errors["members"] = f"must be {FEWEST} to {MOST} different judges"
    elif any(judge.project_id != project.pk or judge.kind not in STEP_KINDS for judge in members):
        errors["members"] = "must be judges of this project that name first errors"
    elif any(judge.kind == Judge.Kind.CHORUS for judge in members):
        errors["members"] = "must not be choruses"
    if rule not in list(ChorusRule):
        errors["rule"] = f"must be one of {', '.join(ChorusRule)}"
    if errors:
        raise DomainError("The chorus cannot be formed.", fields=errors)


def _judge(project: Project, name: str, options: dict[str, Any], created_by: User | None) -> Judge:
    advisory_xact_lock("judges", project.pk)
    newest = Judge.objects.filter(project=project, name=name).order_by("-version").first()
    if newest is not None and newest.options == options:
        return newest
    return Judge.objects.create(
        project=project,
        name=name,
        version=newest.version + 1 if newest else 1,
        kind=Judge.Kind.CHORUS,
        options=options,
        created_by=created_by,
    )


def _store(judge: Judge, verdicts: dict[int, ChorusVerdict], created_by: User | None) -> JudgeRun:
    now = timezone.now()
    decided = {pk: verdict for pk, verdict in verdicts.items() if verdict.first_error != UNKNOWN}
    run = JudgeRun.objects.create(
        project=judge.project,
        number=next_number(JudgeRun, judge.project),
        judge=judge,
        created_by=created_by,
        status=JobStatus.FINISHED,
        options=judge.options,
        versions={"annotate": settings.VERSION},
        done=len(verdicts),
        total=len(verdicts),
        verdicts=len(verdicts),
        undecided=len(verdicts) - len(decided),
        failed=len(verdicts) - len(decided),
        started_at=now,
        finished_at=now,
    )
    columns = ["run", "solution", "outcome", "first_error", "share", "reason", "prompt_tokens", "completion_tokens"]
    copy_rows(SolutionVerdict, columns, (_row(run, pk, verdict) for pk, verdict in verdicts.items()))
    steps = Step.objects.filter(solution__in=decided, chosen=True).values_list("pk", "solution_id", "position")
    rows = (
        (run.pk, pk, BAD if position == decided[solution_id].first_error else GREAT, decided[solution_id].share, "")
        for pk, solution_id, position in steps.iterator()
        if decided[solution_id].first_error == NO_ERROR or position <= decided[solution_id].first_error
    )
    run.steps = copy_rows(StepVerdict, ["run", "step", "rating", "confidence", "reason"], list(rows))
    run.save(update_fields=["steps"])
    return run


def _row(run: JudgeRun, solution_id: int, verdict: ChorusVerdict) -> tuple[Any, ...]:
    if verdict.first_error == UNKNOWN:
        return run.pk, solution_id, ItemOutcome.TIED, None, verdict.share, "The members do not agree.", 0, 0
    return run.pk, solution_id, ItemOutcome.VERDICT, verdict.first_error, verdict.share, "", 0, 0
