"""Rewards of steps, as reinforcement learning asks for them. Nothing that is sent is stored."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.models import ApiToken
from apps.api.access import project_of
from apps.api.errors import flat_errors
from apps.api.scoring.runs import PROMPT_HELP
from apps.core.errors import Unprocessable
from apps.quality.rewards import DEFAULT_OKAY, SOURCES, RewardRequest, Rewards, rewards_of
from apps.scoring.models import KIND_CHOICES
from apps.scoring.serve import ScorableText

MOST_ITEMS = 256
MOST_STEPS = 200
MOST_CHARACTERS = 20_000


class RewardTextSerializer(serializers.Serializer[Any]):
    problem = serializers.CharField(max_length=MOST_CHARACTERS, trim_whitespace=False)
    steps = serializers.ListField(
        child=serializers.CharField(max_length=MOST_CHARACTERS, trim_whitespace=False),
        min_length=1,
        max_length=MOST_STEPS,
    )


class RewardRequestSerializer(serializers.Serializer[Any]):
    """Either `problem` and `steps`, or several of them in `items`."""

    problem = serializers.CharField(max_length=MOST_CHARACTERS, trim_whitespace=False, required=False)
    steps = serializers.ListField(
        child=serializers.CharField(max_length=MOST_CHARACTERS, trim_whitespace=False),
        min_length=1,
        max_length=MOST_STEPS,
        required=False,
    )
    items = serializers.ListField(child=RewardTextSerializer(), required=False, min_length=1, max_length=MOST_ITEMS)
    source = serializers.ChoiceField(  # type: ignore[assignment]
        choices=SOURCES,
        required=False,
        help_text="By default labels where they determine the solution, else the model.",
    )
    endpoint = serializers.CharField(
        max_length=60, required=False, help_text="Name of the endpoint; by default the project's reward model."
    )
    kind = serializers.ChoiceField(choices=KIND_CHOICES, required=False)
    prompt = serializers.DictField(required=False, help_text=PROMPT_HELP)
    okay = serializers.FloatField(
        min_value=0, max_value=1, default=DEFAULT_OKAY, help_text="The reward of a step that people rated okay."
    )


class RewardsSerializer(serializers.Serializer[Any]):
    rewards = serializers.ListField(
        child=serializers.FloatField(allow_null=True),
        help_text="One per step; null for a step without a label or score.",
    )
    source = serializers.ChoiceField(choices=SOURCES)  # type: ignore[assignment]
    first_error = serializers.IntegerField(
        required=False, help_text="The first bad step, by labels, or below 0.5 by a model; -1: none; absent: unknown."
    )
    reasons = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="Why the model gave a step no score."
    )


class RewardResponseSerializer(RewardsSerializer):
    """Rewards of the one text, or `results` in the order of `items`."""

    results = RewardsSerializer(many=True, required=False)


class RewardList(APIView):
    # It stores nothing: a trainer's token needs no more.
    scope = ApiToken.Scope.READ

    @extend_schema(request=RewardRequestSerializer, responses=RewardResponseSerializer)
    def post(self, request: Request, slug: str) -> Response:
        """Rewards of the steps of one solution or several, from the labels that are known or from a served model."""
        project = project_of(request, slug, "estimate")
        serializer = RewardRequestSerializer(data=request.data)
        if not serializer.is_valid():
            raise Unprocessable("Some fields are invalid.", fields=flat_errors(serializer.errors))
        data = dict(serializer.validated_data)
        texts = _texts(data)
        names = ("source", "endpoint", "kind", "prompt", "okay")
        wanted = RewardRequest(**{name: data[name] for name in names if name in data})
        results = [_shown(rewards) for rewards in rewards_of(project=project, texts=texts, request=wanted)]
        return Response({"results": results} if "items" in data else results[0])


def _texts(data: dict[str, Any]) -> list[ScorableText]:
    """Raises Unprocessable unless there is one text or a list of them."""
    has_one = "problem" in data or "steps" in data
    if has_one == ("items" in data):
        raise Unprocessable(
            "Send either `problem` and `steps`, or `items`.", fields={"items": "required without problem and steps"}
        )
    if has_one and (missing := next((name for name in ("problem", "steps") if name not in data), None)):
        raise Unprocessable(f"`{missing}` is missing.", fields={missing: "required"})
    items = [data] if has_one else data["items"]
    return [ScorableText(item["problem"], tuple(item["steps"])) for item in items]


def _shown(rewards: Rewards) -> dict[str, Any]:
    shown: dict[str, Any] = {"rewards": rewards.rewards, "source": rewards.source}
    if rewards.first_error is not None:
        shown["first_error"] = rewards.first_error
    if rewards.reasons:
        shown["reasons"] = list(dict.fromkeys(rewards.reasons))
    return shown
