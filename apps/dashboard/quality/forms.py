"""Forms for the quality rules and for a suspension."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.dashboard.forms import ServiceForm
from apps.quality.aggregation import RULES
from apps.quality.models import QualityRules

RULE_FIELDS = (
    "rule",
    "suspends",
    "minimum",
    "min_labelers",
    "convincing",
    "hourly_cost",
    "allows_self_review",
    "reading_speed",
)


class RulesForm(ServiceForm):
    rule = forms.ChoiceField(
        choices=[(name, kind.title) for name, (kind, _) in RULES.items()],
        widget=forms.RadioSelect,
        label="Consensus rule",
    )
    agreeing = forms.IntegerField(
        min_value=1,
        max_value=99,
        initial=3,
        required=False,
        label="Labelers who agree on the first error",
        help_text="For the ProcessBench rule.",
    )
    limit = forms.IntegerField(
        min_value=1,
        max_value=99,
        initial=5,
        required=False,
        label="Labelers asked at most",
        help_text="For the ProcessBench rule.",
    )
    min_labelers = forms.IntegerField(
        min_value=1,
        max_value=99,
        required=False,
        label="Labelers required for a settled label",
        help_text="Empty: the redundancy of the round. Labels by fewer people are thin.",
    )
    suspends = forms.BooleanField(required=False, label="Suspend labelers who are significantly below the pass mark")
    pass_mark = forms.FloatField(
        min_value=1, max_value=99, label="Pass mark, in percent", help_text="Gold tasks with the right first error."
    )
    minimum = forms.IntegerField(min_value=1, max_value=100, label="Gold tasks before a suspension")
    convincing = forms.FloatField(
        min_value=0,
        max_value=1,
        label="Convincing verifier score",
        help_text="Wrong answers with at least this score count as convincing.",
    )
    hourly_cost = forms.DecimalField(
        min_value=0,
        max_digits=8,
        decimal_places=2,
        required=False,
        label="Cost per active hour",
        help_text="In your currency.",
    )

    judge_bar = forms.FloatField(
        min_value=1,
        max_value=99.9,
        label="Bar of judges, in percent",
        help_text="A judge is certified when the lower bounds of both its rates reach it. Decisions that were made stay.",
    )
    reading_speed = forms.IntegerField(
        min_value=200,
        max_value=5000,
        required=False,
        label="Fastest reading, in words a minute",
        help_text="Work that is faster than reading its text at this speed is marked. Empty: nothing is.",
    )
    allows_self_review = forms.BooleanField(
        required=False,
        label="Reviewers may review solutions that they labeled",
        help_text="Only owners can change this. Such decisions are marked in the audit log and in exports.",
    )

    def __init__(self, *args: Any, may_allow_self_review: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # A disabled field keeps its initial value, whatever is posted.
        self.fields["allows_self_review"].disabled = not may_allow_self_review

    @staticmethod
    def initial_of(rules: QualityRules) -> dict[str, Any]:
        values = {name: getattr(rules, name) for name in RULE_FIELDS}
        percents = {name: round(getattr(rules, name) * 100, 1) for name in ("pass_mark", "judge_bar")}
        return {"agreeing": 3, "limit": 5, **rules.options, **values, **percents}

    def arguments(self) -> dict[str, Any]:
        """The arguments of `change_rules`."""
        data = self.cleaned_data
        options = {name: data[name] for name in ("agreeing", "limit") if data.get(name)}
        return {name: data[name] for name in RULE_FIELDS} | {
            "pass_mark": data["pass_mark"] / 100,
            "judge_bar": data["judge_bar"] / 100,
            "options": options if data["rule"] == "processbench" else {},
        }


class ReasonForm(ServiceForm):
    reason = forms.CharField(max_length=2000)
