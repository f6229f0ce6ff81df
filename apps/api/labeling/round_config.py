"""The settings of a round, read and written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from rest_framework import serializers

from apps.accounts.models import User
from apps.core.errors import DomainError
from apps.core.structs import default_of, description_of, limits_of
from apps.inference.models import Endpoint
from apps.labeling.models import Protocol, Round
from apps.labeling.protocols import PROTOCOLS, options_for_labelers
from apps.labeling.rounds.config import RoundConfig
from apps.labeling.rounds.selection import TERMS
from apps.projects.models import Project

NOT_FOR_LABELERS = ("select", "added", "gold_share", "endpoint", "created_at")


class RoundSerializer(serializers.ModelSerializer[Round]):
    """A round as reviewers and managers see it.

    With `is_for_labeler` in the context, it omits what could reveal the expected answers or which tasks are gold: how
    the solutions were chosen, and the share of gold.
    """

    tasks = serializers.IntegerField(source="task_count")
    slots = serializers.IntegerField(source="slot_count", help_text="Submissions needed.")
    submitted = serializers.IntegerField(help_text="Submissions that fill a slot.")
    options = serializers.DictField(help_text="The protocol's options; labelers see only those that shape their work.")
    select = serializers.CharField(
        source="selection.select", default="all", help_text="Which solutions became tasks; hidden from labelers."
    )
    added = serializers.ListField(
        source="selection.added",
        child=serializers.DictField(),
        default=list,
        help_text="Selections that were added while it was open: `select`, `tasks` and `at`; hidden from labelers.",
    )
    gold_share = serializers.FloatField(required=False, help_text="Hidden from labelers.")
    created_at = serializers.DateTimeField(required=False, help_text="Hidden from labelers.")
    guideline = serializers.IntegerField(source="guideline.version", default=None, allow_null=True)
    endpoint = serializers.CharField(
        source="endpoint.name", default=None, allow_null=True, help_text="Hidden from labelers."
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
            "added",
            "skills",
            "is_for_named",
            "needs_screening",
            "kind",
            "pass_mark",
            "tries",
            "allows_corrections",
            "fresh_eyes",
            "status",
            "tasks",
            "slots",
            "submitted",
            "created_at",
            "opened_at",
            "closed_at",
        ]

    def to_representation(self, instance: Round) -> Any:
        row = super().to_representation(instance)
        if self.context.get("is_for_labeler"):
            for name in NOT_FOR_LABELERS:
                del row[name]
            row["options"] = options_for_labelers(instance.protocol, instance.options)
        return row


Field = TypeVar("Field", bound=serializers.Field[Any, Any, Any, Any])


def setting(field: type[Field], name: str, **more: Any) -> Field:
    """A serializer field with the bounds, the default and the description that `RoundConfig` declares."""
    arguments = {
        "default": default_of(RoundConfig, name),
        "help_text": description_of(RoundConfig, name),
        **limits_of(RoundConfig, name),
        **more,
    }
    return field(**arguments)


class RoundConfigSerializer(serializers.Serializer[Any]):
    """The settings of a round. A list or object in the request replaces the stored one."""

    protocol = serializers.ChoiceField(choices=[choice for choice in Protocol.choices if choice[0] in PROTOCOLS])
    options = serializers.DictField(default=dict, help_text="The protocol's options.")
    endpoint = setting(serializers.CharField, "endpoint", allow_null=True, help_text="Name of the endpoint.")
    redundancy = setting(serializers.IntegerField, "redundancy")
    most_people = setting(serializers.IntegerField, "most_people", allow_null=True)
    gold_share = setting(serializers.FloatField, "gold_share")
    select = setting(serializers.CharField, "select", help_text=f"Comma-separated terms: {TERMS}.")
    name = setting(serializers.CharField, "name", allow_blank=True)
    show_reference = setting(serializers.BooleanField, "show_reference")
    lease_minutes = setting(serializers.IntegerField, "lease_minutes")
    guideline = serializers.IntegerField(
        min_value=1,
        max_value=2**31 - 1,
        default=None,
        allow_null=True,
        help_text="Version; null: the newest when the round opens.",
    )
    mode = setting(serializers.ChoiceField, "mode", choices=Round.Mode.choices)
    labelers = setting(serializers.ListField, "labelers", child=serializers.EmailField(), default=list)
    skills = serializers.ListField(
        child=serializers.CharField(**limits_of(RoundConfig, "skills")),
        default=list,
        help_text=description_of(RoundConfig, "skills"),
    )
    needs_screening = setting(serializers.BooleanField, "needs_screening")
    pass_mark = setting(serializers.FloatField, "pass_mark", allow_null=True)
    tries = setting(serializers.IntegerField, "tries")
    allows_corrections = setting(serializers.BooleanField, "allows_corrections")
    fresh_eyes = setting(serializers.BooleanField, "fresh_eyes")


class RoundChangesSerializer(RoundConfigSerializer):
    """Changes of a draft or of a round under way. What is left out stays."""

    add = serializers.CharField(
        max_length=1000,
        help_text="Only for a round under way: a selection of solutions that become tasks as well, without those that have "
        "one in the round.",
    )


class NewRoundSerializer(RoundConfigSerializer):
    kind = setting(serializers.ChoiceField, "kind", choices=Round.Kind.choices)
    draft = serializers.BooleanField(default=False, help_text="Only draft the round: POST .../open opens it.")


class OpenedSerializer(serializers.Serializer[Round]):
    number = serializers.IntegerField()
    tasks = serializers.IntegerField(help_text="0 for a draft: tasks are created when it opens.")


class CompositionSerializer(serializers.Serializer[Any]):
    right = serializers.IntegerField(help_text="Solutions with a right final answer.")
    wrong = serializers.IntegerField()
    ungraded = serializers.IntegerField()
    problems = serializers.IntegerField()
    mean_score = serializers.FloatField(allow_null=True, help_text="Mean verifier score; null without scores.")


class YieldSerializer(serializers.Serializer[Any]):
    """What labelers are expected to find, by the share of the project's submissions that found an error."""

    composition = CompositionSerializer()
    expected_errors = serializers.FloatField(allow_null=True, help_text="Solutions with an error; null: unknown.")
    expected_at_random = serializers.FloatField(
        allow_null=True, help_text="The same for as many solutions at random, of those that the filters leave."
    )


class WarningSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField(help_text="What is amiss, and what to do.")


class PaceSerializer(serializers.Serializer[Any]):
    """The team's own pace in the project's last weeks."""

    submissions = serializers.IntegerField()
    hours_per_day = serializers.FloatField(allow_null=True, help_text="Active hours; null: no pace yet.")
    days = serializers.FloatField(help_text="Since the first of these submissions, at most 28.")
    why_no_end = serializers.CharField(allow_blank=True, help_text="Why `ends_at` is null; else empty.")


class PreviewSerializer(serializers.Serializer[Any]):
    tasks = serializers.IntegerField()
    gold_tasks = serializers.IntegerField()
    submissions = serializers.IntegerField()
    seconds_each = serializers.FloatField(allow_null=True, help_text="Median of the project's latest assignments.")
    hours = serializers.FloatField(allow_null=True)
    cost = serializers.FloatField(allow_null=True, help_text="Of these hours; null without an hourly cost.")
    expected = YieldSerializer(allow_null=True, help_text="Null for rounds whose tasks are not solutions.")
    labelers = serializers.IntegerField(help_text="Members who may work in it now.")
    solutions = serializers.ListField(
        child=serializers.IntegerField(), help_text="IDs of the first solutions to be served."
    )
    ends_at = serializers.DateTimeField(allow_null=True, help_text="At the team's own pace, if it opened now.")
    pace = PaceSerializer()
    warnings = WarningSerializer(many=True, help_text="They do not keep the round from opening.")
    refusal = serializers.CharField(allow_blank=True, help_text="Why the round cannot be opened; else empty.")


def resolve_names(project: Project, values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with objects in place of names, versions and emails. Raises DomainError naming an unknown one."""
    settings = dict(values)
    if settings.get("endpoint") is not None:
        settings["endpoint"] = Endpoint.objects.named(settings["endpoint"], project)
    if settings.get("guideline") is not None:
        version = settings["guideline"]
        settings["guideline"] = project.guidelines.filter(version=version).first()
        if settings["guideline"] is None:
            raise DomainError(f"There is no version {version} of the guidelines.", fields={"guideline": "unknown"})
    if settings.get("labelers"):
        emails = {email.lower() for email in settings["labelers"]}
        settings["labelers"] = list(User.objects.filter(email__in=emails, memberships__project=project))
        unknown = sorted(emails - {user.email for user in settings["labelers"]})
        if unknown:
            raise DomainError(
                "Only members of the project can be named.", fields={"labelers": f"not members: {', '.join(unknown)}"}
            )
    return settings


def round_row(round_: Round, seen_by: User | None = None) -> Any:
    """The round as managers see it, or as the labeler `seen_by` does."""
    rounds = Round.objects.with_submitted(seen_by).select_related("guideline", "endpoint")
    return RoundSerializer(rounds.get(pk=round_.pk), context={"is_for_labeler": seen_by is not None}).data
