"""By which rules labels stand, and why somebody is suspended."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.dashboard.forms import ServiceForm
from apps.quality.aggregation import RULES
from apps.quality.models import QualityRules


class RulesForm(ServiceForm):
    rule = forms.ChoiceField(
        choices=[(name, kind.title) for name, (kind, _) in RULES.items()],
        widget=forms.RadioSelect,
        label="Which label stands",
    )
    agreeing = forms.IntegerField(
        min_value=1,
        max_value=99,
        initial=3,
        required=False,
        label="So many name one first error",
        help_text="ProcessBench's rule.",
    )
    limit = forms.IntegerField(
        min_value=1, max_value=99, initial=5, required=False, label="of at most", help_text="ProcessBench's rule."
    )
    min_labelers = forms.IntegerField(
        min_value=1,
        max_value=99,
        required=False,
        label="Labelers that a settled label needs",
        help_text="Empty: as many as its round asks for. With fewer it is thin.",
    )
    suspends = forms.BooleanField(required=False, label="Suspend who fails gold beyond doubt")
    pass_mark = forms.FloatField(
        min_value=1, max_value=99, label="Pass mark, percent", help_text="Of gold tasks whose first error is found."
    )
    minimum = forms.IntegerField(min_value=1, max_value=100, label="Gold tasks before anybody is suspended")
    convincing = forms.FloatField(
        min_value=0,
        max_value=1,
        label="Convincing from",
        help_text="Verifier score from which a wrong answer convinces.",
    )
    hourly_cost = forms.DecimalField(
        min_value=0,
        max_digits=8,
        decimal_places=2,
        required=False,
        label="Cost of an active hour",
        help_text="In your currency.",
    )

    allows_self_review = forms.BooleanField(
        required=False,
        label="Reviewers may judge what they labeled",
        help_text="Only an owner changes this. Each such decision is marked in the audit log and in exports.",
    )

    def __init__(self, *args: Any, may_allow_self_review: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # A disabled field keeps its initial value, whatever is posted.
        self.fields["allows_self_review"].disabled = not may_allow_self_review

    @staticmethod
    def initial_of(rules: QualityRules) -> dict[str, Any]:
        names = ("rule", "suspends", "minimum", "min_labelers", "convincing", "hourly_cost", "allows_self_review")
        told = {name: getattr(rules, name) for name in names}
        return {"agreeing": 3, "limit": 5, **rules.options, **told, "pass_mark": round(rules.pass_mark * 100, 1)}

    def terms(self) -> dict[str, Any]:
        """The arguments of `change_rules`."""
        data = self.cleaned_data
        names = ("rule", "suspends", "minimum", "min_labelers", "convincing", "hourly_cost", "allows_self_review")
        options = {name: data[name] for name in ("agreeing", "limit") if data.get(name)}
        return {name: data[name] for name in names} | {
            "pass_mark": data["pass_mark"] / 100,
            "options": options if data["rule"] == "processbench" else {},
        }


class ReasonForm(ServiceForm):
    reason = forms.CharField(max_length=2000)
