"""The terms of a round, in and out."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.accounts.models import User
from apps.core.errors import DomainError
from apps.inference.models import Endpoint
from apps.labeling.models import Protocol, Round
from apps.labeling.protocols import PROTOCOLS, options_for_labelers
from apps.labeling.rounds.config import PASS_MARK
from apps.labeling.rounds.selection import TERMS
from apps.projects.models import Project

NOT_FOR_LABELERS = ("select", "gold_share", "endpoint", "created_at")


class RoundSerializer(serializers.ModelSerializer[Round]):
    """A round as reviewers and managers see it. With `is_for_labeler` in the context it is without what could tell its
    labelers which answers to expect, or which of their tasks are gold: how its solutions were chosen, the share of gold.
    """

    tasks = serializers.IntegerField(source="task_count")
    slots = serializers.IntegerField(source="slot_count", help_text="Submissions needed.")
    submitted = serializers.IntegerField(help_text="Submissions that fill a slot.")
    options = serializers.DictField(help_text="The protocol's settings; labelers see those that shape their work.")
    select = serializers.CharField(
        source="selection.select", default="all", help_text="Which solutions became tasks; not told to labelers."
    )
    gold_share = serializers.FloatField(required=False, help_text="Not told to labelers.")
    created_at = serializers.DateTimeField(required=False, help_text="Not told to labelers.")
    guideline = serializers.IntegerField(source="guideline.version", default=None, allow_null=True)
    endpoint = serializers.CharField(
        source="endpoint.name", default=None, allow_null=True, help_text="Not told to labelers."
    )

    class Meta:
        model = Round
        fields = [
            "number",
            "name",
            "protocol",
            "options",
            "endpoint",
            "redundancy",
            "most_people",
            "gold_share",
            "lease_minutes",
            "guideline",
            "show_reference",
            "mode",
            "select",
            "skills",
            "is_for_named",
            "needs_screening",
            "is_screening",
            "pass_mark",
            "tries",
            "allows_corrections",
            "status",
            "tasks",
            "slots",
            "submitted",
            "created_at",
            "opened_at",
            "closed_at",
        ]

    def to_representation(self, instance: Round) -> Any:
        shown = super().to_representation(instance)
        if self.context.get("is_for_labeler"):
            for name in NOT_FOR_LABELERS:
                del shown[name]
            shown["options"] = options_for_labelers(instance.protocol, instance.options)
        return shown


class RoundConfigSerializer(serializers.Serializer[Any]):
    """What a draft can be given; who names a field gives all of it anew."""

    protocol = serializers.ChoiceField(choices=[one for one in Protocol.choices if one[0] in PROTOCOLS])
    options = serializers.DictField(default=dict, help_text="The protocol's settings.")
    endpoint = serializers.CharField(
        default=None, allow_null=True, help_text="Name of the endpoint that continues a prefix while labelers read."
    )
    redundancy = serializers.IntegerField(min_value=1, max_value=100, default=1)
    most_people = serializers.IntegerField(
        min_value=1,
        max_value=100,
        default=None,
        allow_null=True,
        help_text="Where people do not agree, so many are asked at most.",
    )
    gold_share = serializers.FloatField(min_value=0, max_value=1, default=0.0)
    select = serializers.CharField(default="all", help_text=f"Comma-separated terms: {TERMS}.")
    name = serializers.CharField(max_length=200, default="", allow_blank=True)
    show_reference = serializers.BooleanField(default=True)
    lease_minutes = serializers.IntegerField(min_value=1, max_value=1440, default=20)
    guideline = serializers.IntegerField(
        min_value=1,
        max_value=2**31 - 1,
        default=None,
        allow_null=True,
        help_text="Version; null: the newest when it opens.",
    )
    mode = serializers.ChoiceField(choices=Round.Mode.choices, default=Round.Mode.BLIND)
    labelers = serializers.ListField(
        child=serializers.EmailField(), default=list, help_text="Only these may work; empty: all who may label."
    )
    skills = serializers.ListField(child=serializers.CharField(max_length=40), default=list)
    needs_screening = serializers.BooleanField(default=False)
    pass_mark = serializers.FloatField(
        min_value=0, max_value=1, default=None, allow_null=True, help_text=f"Of a screening; null: {PASS_MARK}."
    )
    tries = serializers.IntegerField(min_value=1, max_value=100, default=1)
    allows_corrections = serializers.BooleanField(default=True)


class NewRoundSerializer(RoundConfigSerializer):
    is_screening = serializers.BooleanField(default=False, help_text="A test over solutions with gold labels.")
    draft = serializers.BooleanField(default=False, help_text="Only draft it: it opens by POST .../open.")


class OpenedSerializer(serializers.Serializer[Round]):
    number = serializers.IntegerField()
    tasks = serializers.IntegerField(help_text="0 for a draft: tasks are made when it opens.")


class PreviewSerializer(serializers.Serializer[Any]):
    tasks = serializers.IntegerField()
    gold_tasks = serializers.IntegerField()
    submissions = serializers.IntegerField()
    seconds_each = serializers.FloatField(allow_null=True, help_text="Median of the project's latest turns.")
    hours = serializers.FloatField(allow_null=True)
    labelers = serializers.IntegerField(help_text="Members who may work in it now.")
    solutions = serializers.ListField(child=serializers.IntegerField(), help_text="Ids of the first ones to be served.")
    refusal = serializers.CharField(allow_blank=True, help_text="Why it cannot be opened as it stands; else empty.")


def resolved(project: Project, given: dict[str, Any]) -> dict[str, Any]:
    """Names and versions to what they stand for. Raises DomainError naming the field."""
    if given.get("endpoint") is not None:
        given["endpoint"] = Endpoint.objects.named(given["endpoint"], project)
    if given.get("guideline") is not None:
        version = given["guideline"]
        given["guideline"] = project.guidelines.filter(version=version).first()
        if given["guideline"] is None:
            raise DomainError(f"There are no guidelines of version {version}.", fields={"guideline": "unknown"})
    if given.get("labelers"):
        emails = {email.lower() for email in given["labelers"]}
        given["labelers"] = list(User.objects.filter(email__in=emails, memberships__project=project))
        unknown = sorted(emails - {user.email for user in given["labelers"]})
        if unknown:
            raise DomainError("Only members can be named.", fields={"labelers": f"not here: {', '.join(unknown)}"})
    return given


def shown(round_: Round, seen_by: User | None = None) -> Any:
    """As managers see it, or as the labeler `seen_by` does."""
    found = Round.objects.with_submitted(seen_by).select_related("guideline", "endpoint")
    return RoundSerializer(found.get(pk=round_.pk), context={"is_for_labeler": seen_by is not None}).data
