"""Which tasks of a project the task table shows. Nothing here counts rows or reads a whole project."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from apps.core.numbers import is_number
from apps.corpus.models import Comparison, Problem, Solution
from apps.labeling.models import Assignment, AssignmentQuerySet, Reservation, Round, Task, TaskQuerySet
from apps.labeling.protocols import PROTOCOLS
from apps.projects.models import Project
from apps.quality.models import FastMark
from apps.quality.review.reports import reports_in
from apps.quality.trust.blind_rounds import shown_disputes

COUNTED_TO = 10_000

# What a task can be, as filters name it. A task of two people may be several of these at once.
STATES: Mapping[str, str] = {
    "waiting": "waits for labelers",
    "assigned": "assigned, not begun",
    "in_work": "in work",
    "submitted": "submitted by somebody",
    "complete": "complete",
    "returned": "returned",
    "skipped": "skipped by somebody",
    "reported": "reported as bad",
    "disputed": "in dispute",
    "fast": "faster than reading",
    "withdrawn": "withdrawn",
}
ORDERS: Mapping[str, str] = {"": "newest first", "oldest": "oldest first", "priority": "highest priority first"}


@dataclass(frozen=True, slots=True)
class TaskFilters:
    """`round` is a number, `labeler` a user id, `priority` the lowest one, `text` a part of the problem, or an id."""

    round: int | None = None
    state: str = ""
    labeler: int | None = None
    subject: str = ""
    level: str = ""
    text: str = ""
    priority: int | None = None

    @property
    def is_empty(self) -> bool:
        return self == TaskFilters()


def tasks_in(project: Project, filters: TaskFilters) -> TaskQuerySet:
    """The tasks of the project's rounds that match, imported ones included; in no order."""
    rounds = Round.objects.filter(project=project).order_by("number")
    if filters.round is not None:
        rounds = rounds.filter(number=filters.round)
    protocols = dict(rounds.values_list("pk", "protocol"))
    tasks = Task.objects.filter(round__in=list(protocols))
    if filters.priority is not None:
        tasks = tasks.filter(priority__gte=filters.priority)
    work = Assignment.objects.filter(round__in=list(protocols))
    if filters.labeler is not None:
        work = work.filter(labeler=filters.labeler)
    if filters.state:
        tasks = tasks.filter(_STATES[filters.state](work, project, filters))
    if filters.labeler is not None and filters.state not in _OF_LABELER:
        assigned = Reservation.objects.waiting().filter(labeler=filters.labeler)
        own = work.order_by().values("task").union(assigned.order_by().values("task"))
        tasks = tasks.filter(pk__in=own)
    terms = {name: value for name in ("subject", "level") if (value := getattr(filters, name))}
    problems = Problem.objects.filter(project=project, **terms).order_by()
    if filters.text:
        return tasks.filter(_with_text(filters.text, problems, protocols.values()))
    return tasks.filter(_about(problems, protocols.values())) if terms else tasks


def _about(problems: Any, protocols: Any) -> Q:
    """Tasks of these problems. The other half is left out where no round needs it: an OR costs the planner its indexes."""
    kinds = {PROTOCOLS[name].of if name in PROTOCOLS else "solution" for name in protocols}
    halves: list[Q] = []
    if kinds != {"comparison"}:
        halves.append(Q(solution__in=Solution.objects.filter(problem__in=problems).order_by().values("pk")))
    if "comparison" in kinds:
        halves.append(Q(comparison__in=Comparison.objects.filter(problem__in=problems).order_by().values("pk")))
    return halves[0] if len(halves) == 1 else halves[0] | halves[1]


def _with_text(text: str, problems: Any, protocols: Any) -> Q:
    """By the statement or the external id of the problem. A number is the id of a task as well."""
    about = _about(problems.filter(Q(statement__icontains=text) | Q(external_id=text)), protocols)
    number = text.removeprefix("#")
    if not is_number(number):
        return about
    return Q(pk=int(number)) if text.startswith("#") else Q(pk=int(number)) | about


def _has(work: AssignmentQuerySet) -> Q:
    return Q(Exists(work.filter(task=OuterRef("pk"))))


def _among(work: AssignmentQuerySet) -> Q:
    """For states that few assignments have: an index finds them, and not task by task."""
    return Q(pk__in=work.order_by().values("task"))


def _in_work(work: AssignmentQuerySet, *_: Any) -> Q:
    return _among(work.filter(state=Assignment.State.LEASED, leased_until__gt=timezone.now()))


def _waiting(work: AssignmentQuerySet, *_: Any) -> Q:
    return Q(open_slots__gt=0)


def _assigned(work: AssignmentQuerySet, project: Project, filters: TaskFilters) -> Q:
    waiting = Reservation.objects.waiting().filter(round__project=project)
    if filters.labeler is not None:
        waiting = waiting.filter(labeler=filters.labeler)
    return Q(pk__in=waiting.order_by().values("task"))


def _complete(work: AssignmentQuerySet, *_: Any) -> Q:
    of_task = Assignment.objects.filter(task=OuterRef("pk"))
    held = of_task.filter(state__in=[Assignment.State.LEASED, Assignment.State.RETURNED])
    assigned = Reservation.objects.waiting().filter(task=OuterRef("pk"))
    return Q(open_slots=0, withdrawn="") & ~Exists(held) & ~Exists(assigned)


def _reported(work: AssignmentQuerySet, project: Project, *_: Any) -> Q:
    return _among(work.filter(pk__in=reports_in([project]).order_by().values("pk")))


def _disputed(work: AssignmentQuerySet, project: Project, *_: Any) -> Q:
    return Q(solution__in=shown_disputes(project).order_by().values("solution"))


def _fast(work: AssignmentQuerySet, project: Project, filters: TaskFilters) -> Q:
    marks = FastMark.objects.filter(project=project)
    if filters.labeler is not None:
        marks = marks.filter(labeler=filters.labeler)
    return Q(pk__in=marks.order_by().values("assignment__task"))


_STATES: Mapping[str, Callable[[AssignmentQuerySet, Project, TaskFilters], Q]] = {
    "waiting": _waiting,
    "assigned": _assigned,
    "in_work": _in_work,
    "submitted": lambda work, *_: _has(work.submitted()),
    "complete": _complete,
    "returned": lambda work, *_: _among(work.filter(state=Assignment.State.RETURNED)),
    "skipped": lambda work, *_: _among(work.filter(state=Assignment.State.SKIPPED)),
    "reported": _reported,
    "disputed": _disputed,
    "fast": _fast,
    "withdrawn": lambda *_: ~Q(withdrawn=""),
}
# States that a labeler's own work on the task has: with a labeler these are of that labeler.
_OF_LABELER = frozenset({"assigned", "in_work", "submitted", "returned", "skipped", "reported", "fast"})


def ordered(tasks: TaskQuerySet, order: str) -> TaskQuerySet:
    if order == "priority":
        return tasks.order_by(F("priority").desc(), "pk")
    return tasks.order_by("pk" if order == "oldest" else "-pk")


def first_ids(tasks: TaskQuerySet, limit: int) -> Sequence[int]:
    """The ids of the first that match, in the order of the queue; one more than `limit` where there are more."""
    return list(tasks.order_by(F("priority").desc(), "pk").values_list("pk", flat=True)[: limit + 1])


def count_of(tasks: TaskQuerySet) -> int:
    """How many match, up to one more than `COUNTED_TO`: millions are not counted."""
    return tasks.order_by()[: COUNTED_TO + 1].count()
