"""Edits a problem's statement and reference answer. What depends on the answer is graded again."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.module_loading import import_string

from apps.accounts.models import User
from apps.accounts.services import record_event
from apps.core.errors import DomainError
from apps.core.jobs.wakeups import delay_on_commit
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
    locked = Problem.objects.select_for_update().select_related("project").get(pk=problem.pk)
    before = {"statement": locked.statement, "reference_answer": locked.reference_answer}
    locked.statement = _checked_statement(locked, _normalized(statement))
    locked.reference_answer = reference_answer.strip() or None
    after = {"statement": locked.statement, "reference_answer": locked.reference_answer}
    if after == before:
        return locked
    locked.digest, locked.edited_at = problem_digest(locked.statement), timezone.now()
    locked.save(update_fields=["statement", "reference_answer", "digest", "edited_at"])
    _record(locked, actor, "problem.edited", before, after)
    if after["reference_answer"] != before["reference_answer"]:
        # Until the verifier has graded: unknown, or without a reference answer what the file claims.
        is_correct = None if locked.reference_answer else F("claimed_correct")
        locked.solutions.update(grade=SolutionGrade.UNGRADED, is_correct=is_correct, graded_by="")
        run_answer_change_hooks(locked)
        delay_on_commit("apps.corpus.tasks.grade_problem", locked.pk)
    return locked


def _normalized(text: str) -> str:
    """Browsers end lines with CR LF, which does not change the text."""
    return text.replace("\r\n", "\n").strip()


def _checked_statement(problem: Problem, statement: str) -> str:
    if statement == _normalized(problem.statement):
        return problem.statement
    if not statement:
        raise DomainError("The statement must not be blank.", fields={"statement": "empty"})
    same = Problem.objects.filter(project=problem.project_id, digest=problem_digest(statement)).exclude(pk=problem.pk)
    if same.exists():
        raise DomainError("Another problem has this statement.", code="exists", fields={"statement": "taken"})
    return statement


def grade_again(*, problem_id: int) -> int:
    """Grade the problem's ungraded solutions; returns their number. It may be repeated: graded ones are left alone."""
    problem = Problem.objects.select_related("project").filter(pk=problem_id).first()
    if problem is None or not problem.reference_answer:
        return 0
    waiting = list(problem.solutions.filter(grade=SolutionGrade.UNGRADED).values_list("pk", flat=True))
    if not waiting:
        return 0
    with GradingPool() as pool:
        count = grade_ungraded([problem.pk], verifier=problem.project.verifier, pool=pool)
    graded = Solution.objects.filter(pk__in=waiting)
    counts = {"graded": count, "right": graded.right().count(), "wrong": graded.wrong().count()}
    record_event(actor=None, verb="problem.graded", target=str(problem.pk), project=problem.project.slug, after=counts)
    run_answer_change_hooks(problem)
    return count


@cache
def _answer_change_hooks() -> list[Callable[[Problem], object]]:
    return [import_string(path) for path in settings.ANSWER_CHANGE_HOOKS]


def run_answer_change_hooks(problem: Problem) -> None:
    """Call the hooks of other apps that `settings.ANSWER_CHANGE_HOOKS` names: what they store depends on the answer."""
    for hook in _answer_change_hooks():
        hook(problem)


def _record(problem: Problem, actor: User, verb: str, before: Any, after: Any) -> None:
    record_event(
        actor=actor, verb=verb, target=str(problem.pk), project=problem.project.slug, before=before, after=after
    )
