"""Runs of every kind: their common fields, and the requests that read, pause, resume and cancel one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from django.urls import URLPattern, path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.access import user_of
from apps.api.removal import DELETES, deleted
from apps.inference.models import Endpoint
from apps.removal.kinds import KINDS
from apps.runs.models import ShardedRun

R = TypeVar("R", bound=ShardedRun)


class ShardedRunSerializer(serializers.ModelSerializer[R]):
    """Subclasses add the fields of their kind to COMMON, in `Meta.fields`."""

    endpoint = serializers.SlugRelatedField[Endpoint](slug_field="name", read_only=True, allow_null=True)
    tokens = serializers.IntegerField()
    rate = serializers.FloatField(allow_null=True, help_text="Solutions or comparisons per second.")
    eta_s = serializers.FloatField(allow_null=True, help_text="Seconds until the end at the rate so far.")
    cost = serializers.FloatField(allow_null=True, help_text="By the endpoint's prices at the start of the run.")
    seconds = serializers.FloatField(allow_null=True, help_text="Seconds at work, without pauses.")
    notices = serializers.ListField(
        child=serializers.CharField(),
        help_text="Settings that the endpoint refuses, and what is missing with the reasons.",
    )

    COMMON = (
        "id",
        "number",
        "status",
        "endpoint",
        "done",
        "total",
        "failed",
        "steps",
        "missing",
        "requests",
        "tokens",
        "prompt_tokens",
        "completion_tokens",
        "tokens_are_estimated",
        "rate",
        "eta_s",
        "seconds",
        "cost",
        "error",
        "notices",
        "options",
        "selection",
        "budget",
        "versions",
        "created_at",
        "started_at",
        "finished_at",
    )


class ResumeSerializer(serializers.Serializer[Any]):
    budget = serializers.DictField(required=False, help_text="A new budget; by default the old one applies.")


@dataclass(frozen=True, slots=True)
class RunActions(Generic[R]):
    """How runs of one kind are found, shown and changed. `find` takes the request, the ID and the action."""

    kind: str  # As `removal.kinds` names it.
    find: Callable[[Request, int, str], R]
    serializer: type[ShardedRunSerializer[R]]
    pause: Callable[..., R]
    resume: Callable[..., R]
    cancel: Callable[..., R]


def run_paths(route: str, actions: RunActions[Any]) -> list[URLPattern]:
    """A run's own address, and those of what can be done to it."""
    return [
        path(f"{route}/<int:pk>", RunDetail.as_view(actions=actions)),
        path(f"{route}/<int:pk>/pause", RunPause.as_view(actions=actions)),
        path(f"{route}/<int:pk>/resume", RunResume.as_view(actions=actions)),
        path(f"{route}/<int:pk>/cancel", RunCancel.as_view(actions=actions)),
    ]


class RunView(GenericAPIView[Any]):
    # `as_view` sets it, and takes no name that the class does not have.
    actions: RunActions[Any] = cast("RunActions[Any]", None)

    def get_serializer_class(self) -> type[ShardedRunSerializer[Any]]:
        return self.actions.serializer


class RunDetail(RunView):
    @extend_schema(responses=DELETES)
    def delete(self, request: Request, pk: int) -> Response:
        """Delete the run with its results. 409 `held` while it has not ended, or with what rests on it."""
        run = self.actions.find(request, pk, "estimate")
        return deleted(request, KINDS[self.actions.kind], run, run.project)

    def get(self, request: Request, pk: int) -> Response:
        return Response(self.get_serializer(self.actions.find(request, pk, "browse")).data)


class RunPause(RunView):
    @extend_schema(request=None)
    def post(self, request: Request, pk: int) -> Response:
        """Pause the run: what has been started is completed, and nothing else is started."""
        run = self.actions.pause(run=self.actions.find(request, pk, "estimate"), actor=user_of(request))
        return Response(self.get_serializer(run).data)


class RunResume(RunView):
    @extend_schema(request=ResumeSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """Resume a paused or failed run, with a new budget if one is sent."""
        serializer = ResumeSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        budget = serializer.validated_data.get("budget")
        run = self.actions.resume(run=self.actions.find(request, pk, "estimate"), actor=user_of(request), budget=budget)
        return Response(self.get_serializer(run).data)


class RunCancel(RunView):
    @extend_schema(request=None)
    def post(self, request: Request, pk: int) -> Response:
        """Cancel the run for good. What is stored stays."""
        run = self.actions.cancel(run=self.actions.find(request, pk, "estimate"), actor=user_of(request))
        return Response(self.get_serializer(run).data)
