"""Mending a problem: another statement, another reference answer. What hangs on the answer is graded again."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils.module_loading import import_string

from apps.accounts.models import User
from apps.accounts.services import record_event
from apps.core.errors import DomainError
from apps.core.wakeups import delay_on_commit
from apps.corpus.grading import grade_ungraded
from apps.corpus.identity import problem_digest
from apps.corpus.models import Problem, Solution, SolutionGrade
from apps.verifiers.pool.pool import GradingPool


@transaction.atomic
def edit_problem(*, problem: Problem, actor: User, statement: str, reference_answer: str) -> Problem:
    """Change statement and reference answer. Raises DomainError naming the field.

    When the answer changes, all solutions are ungraded until a worker has graded them again: no page and no
    export calls an answer right by a reference that no longer applies.
    """
    held = Problem.objects.select_for_update().select_related("project").get(pk=problem.pk)
    before = {"statement": held.statement, "reference_answer": held.reference_answer}
    held.statement = _checked_statement(held, _lines(statement))
    held.reference_answer = reference_answer.strip() or None
    after = {"statement": held.statement, "reference_answer": held.reference_answer}
    if after == before:
        return held
    held.digest = problem_digest(held.statement)
    held.save(update_fields=["statement", "reference_answer", "digest"])
    _record(held, actor, "problem.mended", before, after)
    if after["reference_answer"] != before["reference_answer"]:
        held.solutions.update(grade=SolutionGrade.UNGRADED, is_correct=_without_verifier(held), graded_by="")
        run_answer_change_hooks(held)
        delay_on_commit("apps.corpus.tasks.grade_problem", held.pk)
    return held


def _without_verifier(problem: Problem) -> F | None:
    """What is known until the verifier has spoken: nothing, or where there is nothing to compare with, the file's word."""
    return None if problem.reference_answer else F("claimed_correct")


def _lines(text: str) -> str:
    """Browsers end lines with CR LF: that is no other text."""
    return text.replace("\r\n", "\n").strip()


def _checked_statement(problem: Problem, statement: str) -> str:
    if statement == _lines(problem.statement):
        return problem.statement
    if not statement:
        raise DomainError("A problem asks something.", fields={"statement": "empty"})
    same = Problem.objects.filter(project=problem.project_id, digest=problem_digest(statement)).exclude(pk=problem.pk)
    if same.exists():
        raise DomainError("Another problem has this statement.", code="exists", fields={"statement": "taken"})
    return statement


def grade_again(*, problem_id: int) -> int:
    """Grade the problem's ungraded solutions; gives their number. Safe to repeat: what is graded is left alone."""
    problem = Problem.objects.select_related("project").filter(pk=problem_id).first()
    if problem is None or not problem.reference_answer:
        return 0
    waiting = list(problem.solutions.filter(grade=SolutionGrade.UNGRADED).values_list("pk", flat=True))
    if not waiting:
        return 0
    with GradingPool() as pool:
        count = grade_ungraded([problem.pk], verifier=problem.project.verifier, pool=pool)
    said = Solution.objects.filter(pk__in=waiting)
    counts = {"graded": count, "right": said.right().count(), "wrong": said.wrong().count()}
    record_event(actor=None, verb="problem.graded", target=str(problem.pk), project=problem.project.slug, after=counts)
    run_answer_change_hooks(problem)
    return count


@cache
def _sinks() -> list[Callable[[Problem], object]]:
    return [import_string(path) for path in settings.ANSWER_CHANGE_HOOKS]


def run_answer_change_hooks(problem: Problem) -> None:
    """Apps above, which `settings.MENDING_SINKS` names, hold what rests on the problem."""
    for sink in _sinks():
        sink(problem)


def _record(problem: Problem, actor: User, verb: str, before: Any, after: Any) -> None:
    record_event(
        actor=actor, verb=verb, target=str(problem.pk), project=problem.project.slug, before=before, after=after
    )
