"""Tasks with who has them, and what managers do with many at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.http import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.access import project_of, user_of
from apps.api.filters import QuerySerializer
from apps.api.pagination import ListView, Row
from apps.core.errors import DomainError
from apps.labeling.models import Task
from apps.labeling.queue.reservations import (
    HIGHEST_PRIORITY,
    LONGEST_NOTE,
    MOST_TASKS,
    Changed,
    release_tasks,
    reserve,
    set_priority,
)
from apps.projects.models import Membership, Project
from apps.quality.task_table.actions import retire_tasks, return_tasks
from apps.quality.task_table.filters import STATES, TaskFilters, tasks_in
from apps.quality.task_table.rows import TaskRow, rows_of, with_excerpts


class TaskQuerySerializer(QuerySerializer):
    round = serializers.IntegerField(required=False, min_value=-(2**31), max_value=2**31 - 1)
    state = serializers.ChoiceField(required=False, choices=list(STATES.items()))
    labeler = serializers.CharField(required=False, max_length=200, help_text="A pseudonym in this project.")
    subject = serializers.CharField(required=False, max_length=1000)
    level = serializers.CharField(required=False, max_length=1000)
    text = serializers.CharField(
        required=False, max_length=200, help_text="A part of the problem, its external id, or `#` and the id of a task."
    )
    priority = serializers.IntegerField(
        required=False, min_value=-HIGHEST_PRIORITY, max_value=HIGHEST_PRIORITY, help_text="The lowest one."
    )


class TaskPartSerializer(serializers.Serializer[Any]):
    state = serializers.ChoiceField(
        choices=["assigned", "in_work", "submitted", "extra", "skipped", "returned"],
        help_text="`extra` is a submission after the slot was taken.",
    )
    labeler = serializers.CharField(help_text="A pseudonym in this project.")
    assignment = serializers.IntegerField(allow_null=True)
    at = serializers.DateTimeField(allow_null=True)
    until = serializers.DateTimeField(allow_null=True, help_text="The end of an open lease.")
    is_fast = serializers.BooleanField(help_text="Faster than its text can be read.")


class TaskSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    round = serializers.IntegerField()
    problem = serializers.IntegerField()
    solution = serializers.IntegerField(allow_null=True, help_text="Null in a comparison.")
    comparison = serializers.IntegerField(allow_null=True)
    state = serializers.ChoiceField(
        choices=["waiting", "assigned", "in_work", "returned", "complete", "withdrawn"], help_text="As a whole."
    )
    done = serializers.IntegerField(help_text="Submissions that fill a slot.")
    needed = serializers.IntegerField()
    priority = serializers.IntegerField()
    consensus = serializers.CharField(allow_null=True, help_text="The state of its solution's consensus.")
    disputes = serializers.ListField(child=serializers.CharField())
    reported = serializers.BooleanField(help_text="An open report says that its problem is bad.")
    people = TaskPartSerializer(many=True)
    changed_at = serializers.DateTimeField(allow_null=True)


class TaskIdsSerializer(serializers.Serializer[Any]):
    tasks = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**62), min_length=1, max_length=MOST_TASKS
    )


class AssignTasksSerializer(TaskIdsSerializer):
    labeler = serializers.CharField(max_length=200, help_text="A pseudonym in this project.")
    note = serializers.CharField(
        max_length=LONGEST_NOTE, allow_blank=True, default="", help_text="What the labeler reads with the task."
    )


class PrioritySerializer(TaskIdsSerializer):
    priority = serializers.IntegerField(
        min_value=-HIGHEST_PRIORITY, max_value=HIGHEST_PRIORITY, help_text="Higher is served first."
    )


class NotedTasksSerializer(TaskIdsSerializer):
    note = serializers.CharField(max_length=LONGEST_NOTE, help_text="What labelers read, or the reason.")


class RefusedTaskSerializer(serializers.Serializer[Any]):
    task = serializers.IntegerField()
    reason = serializers.CharField()


class ChangedTasksSerializer(serializers.Serializer[Any]):
    tasks = serializers.ListField(child=serializers.IntegerField(), help_text="Those that were changed.")
    refused = RefusedTaskSerializer(many=True)


class TaskList(ListView):
    @extend_schema(operation_id="tasks_list", parameters=[TaskQuerySerializer], responses=TaskSerializer(many=True))
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        """The tasks of the project's rounds, with who has them and who submitted them. Gold is not told from others."""
        project = project_of(request, slug, "manage_rounds")
        query = TaskQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        filters = dict(query.validated_data)
        if "labeler" in filters:
            filters["labeler"] = _member(project, filters["labeler"]).user_id
        names = Membership.objects.filter(project=project).pseudonyms()
        tasks = with_excerpts(tasks_in(project, TaskFilters(**filters)))
        return self.answer(request, tasks, lambda page: _rows(page, names))


def _rows(tasks: Iterable[Task], names: Mapping[int, str]) -> Iterator[Row]:
    return (_row(row, names) for row in rows_of(list(tasks)))


def _row(row: TaskRow, names: Mapping[int, str]) -> Row:
    task = row.task
    return {
        "id": task.pk,
        "round": task.round.number,
        "problem": row.problem,
        "solution": task.solution_id,
        "comparison": task.comparison_id,
        "state": row.state,
        "done": row.done,
        "needed": row.needed,
        "priority": task.priority,
        "consensus": row.consensus.state if row.consensus is not None else None,
        "disputes": list(row.disputes),
        "reported": row.is_reported,
        "people": [
            {
                "state": part.state,
                "labeler": names.get(part.labeler, ""),
                "assignment": part.assignment,
                "at": part.at,
                "until": part.until,
                "is_fast": part.is_fast,
            }
            for part in row.parts
        ],
        "changed_at": row.changed_at,
    }


def _member(project: Project, pseudonym: str) -> Membership:
    """Raises DomainError for a pseudonym that nobody has here."""
    members = Membership.objects.filter(project=project, pseudonym=pseudonym).select_related("user")
    member = members.first()
    if member is None:
        raise DomainError("No such labeler.", fields={"labeler": "must be a pseudonym in this project"})
    return member


def _changed(changed: Changed) -> Response:
    refused = [{"task": pk, "reason": reason} for pk, reason in changed.refused.items()]
    return Response({"tasks": list(changed.tasks), "refused": refused})


def _body(serializer: type[TaskIdsSerializer], request: Request) -> dict[str, Any]:
    body = serializer(data=request.data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


class AssignTasks(APIView):
    @extend_schema(request=AssignTasksSerializer, responses=ChangedTasksSerializer)
    def post(self, request: Request, slug: str) -> Response:
        """Assign tasks to a labeler, who gets them before any other. Each refused task comes with the reason."""
        project = project_of(request, slug, "manage_rounds")
        data = _body(AssignTasksSerializer, request)
        labeler = _member(project, data.pop("labeler")).user
        return _changed(reserve(project=project, labeler=labeler, actor=user_of(request), **data))


class ReleaseTasks(APIView):
    @extend_schema(request=TaskIdsSerializer, responses=ChangedTasksSerializer)
    def post(self, request: Request, slug: str) -> Response:
        """Take back the open leases of tasks, and what is assigned and not begun. Drafts are kept."""
        project = project_of(request, slug, "manage_rounds")
        return _changed(release_tasks(project=project, actor=user_of(request), **_body(TaskIdsSerializer, request)))


class PrioritizeTasks(APIView):
    @extend_schema(request=PrioritySerializer, responses=ChangedTasksSerializer)
    def post(self, request: Request, slug: str) -> Response:
        """Set the priority of tasks."""
        project = project_of(request, slug, "manage_rounds")
        return _changed(set_priority(project=project, actor=user_of(request), **_body(PrioritySerializer, request)))


class ReturnTasks(APIView):
    @extend_schema(request=NotedTasksSerializer, responses=ChangedTasksSerializer)
    def post(self, request: Request, slug: str) -> Response:
        """Return what was submitted to tasks to its labelers, with a note."""
        project = project_of(request, slug, "manage_rounds")
        return _changed(return_tasks(project=project, actor=user_of(request), **_body(NotedTasksSerializer, request)))


class RetireTasks(APIView):
    @extend_schema(request=NotedTasksSerializer, responses=ChangedTasksSerializer)
    def post(self, request: Request, slug: str) -> Response:
        """Retire the problems of tasks: they leave every round and export."""
        project = project_of(request, slug, "manage_rounds")
        data = _body(NotedTasksSerializer, request)
        return _changed(retire_tasks(project=project, tasks=data["tasks"], reason=data["note"], actor=user_of(request)))
