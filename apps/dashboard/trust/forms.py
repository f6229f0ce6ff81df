"""The forms of the trust page: its filters, a blind round, a chorus and a cascade."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from apps.accounts.models import User
from apps.core.structs import limits_of
from apps.corpus.facets import Facets
from apps.dashboard.forms import ANY, OnceForm
from apps.estimation.models import EstimationRun
from apps.judging.models import Judge, JudgeRun
from apps.labeling.models import Round
from apps.labeling.rounds.config import RoundConfig
from apps.projects.models import Membership, Project
from apps.quality.trust.blind_rounds import MOST_SOLUTIONS
from apps.quality.trust.round_size import USUAL_RATE, SizeAdvice, advise_size
from apps.quality.trust.truth import TrustFilter
from apps.quality.trust.verdicts import STEP_KINDS
from apps.quality.trust.vote_combination import ChorusRule
from apps.runs.status import COUNTED_STATUSES

LAST_STEP = 10_000
RULE_TITLES = {
    ChorusRule.MAJORITY: "Majority: the first error that more members name than any other",
    ChorusRule.UNANIMOUS: "Unanimous: the first error that all members name",
    ChorusRule.WEIGHTED: "Weighted: each member by how often its first error is that of people",
}


class TrustFilterForm(forms.Form):
    """Steps are counted from 1, as people count them."""

    subject = forms.ChoiceField(required=False)
    level = forms.ChoiceField(required=False)
    first = forms.IntegerField(required=False, min_value=1, max_value=LAST_STEP, label="From step")
    last = forms.IntegerField(required=False, min_value=1, max_value=LAST_STEP, label="To step")
    round = forms.ChoiceField(required=False)

    def __init__(self, *args: Any, project: Project, facets: Facets, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rounds = Round.objects.filter(project=project, number__gt=0).exclude(status=Round.Status.DRAFT)
        numbers = [(str(round_.number), str(round_)) for round_ in rounds.order_by("number")]
        choices = {"subject": _named(facets.subjects), "level": _named(facets.levels), "round": numbers}
        for name, options in choices.items():
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [ANY, *options]
            if not options:
                del self.fields[name]

    def clean(self) -> dict[str, Any]:
        data = dict(super().clean() or {})
        if data.get("first") and data.get("last") and data["first"] > data["last"]:
            self.add_error("last", "must not be before the first step")
        return data

    @property
    def chosen(self) -> TrustFilter:
        """The valid fields; an invalid one is shown with its error, and does not filter."""
        data = self.cleaned_data if self.is_bound and (self.is_valid() or self.cleaned_data) else {}
        return TrustFilter(
            subject=data.get("subject") or "",
            level=data.get("level") or "",
            round=int(data["round"]) if data.get("round") else None,
            first=data["first"] - 1 if data.get("first") else None,
            last=data["last"] - 1 if data.get("last") else None,
        )


def _named(values: Sequence[str]) -> list[tuple[str, str]]:
    return [(value, value) for value in values]


class SampleForm(OnceForm):
    """How many solutions people label blindly, and who."""

    size = forms.IntegerField(min_value=1, max_value=MOST_SOLUTIONS, label="Solutions to draw")
    redundancy = forms.IntegerField(**limits_of(RoundConfig, "redundancy"), initial=1, label="People per solution")
    labelers = forms.ModelMultipleChoiceField(
        queryset=User.objects.none(),
        required=False,
        label="Only these people",
        widget=forms.CheckboxSelectMultiple,
        help_text="None chosen: everyone who may label in the project.",
    )

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        labelers = self.fields["labelers"]
        assert isinstance(labelers, forms.ModelMultipleChoiceField)
        labelers.queryset = User.objects.filter(
            memberships__project=project, memberships__status=Membership.Status.ACTIVE
        ).order_by("name", "email")

    @property
    def sample_arguments(self) -> dict[str, Any]:
        data = self.cleaned_data
        return {"size": data["size"], "redundancy": data["redundancy"], "labelers": list(data["labelers"])}


class BlindRoundForm(SampleForm):
    aim = forms.ChoiceField(
        choices=[("bar", "a certificate"), ("interval", "an interval of a certain width")],
        initial="bar",
        label="The round is for",
    )
    rate = forms.FloatField(
        min_value=50,
        max_value=99.9,
        initial=100 * USUAL_RATE,
        label="Expected rate of the judge, in percent",
        help_text="What you expect of both rates. The closer to the bar, the more solutions are needed.",
    )
    half_width = forms.FloatField(
        min_value=0.5, max_value=49, initial=5, required=False, label="Interval: plus or minus, in percent"
    )
    name = forms.CharField(**limits_of(RoundConfig, "name"), required=False, help_text="The name that labelers see.")

    field_order = ["aim", "rate", "half_width", "size", "redundancy", "name", "labelers"]

    def advice(self, project: Project) -> SizeAdvice:
        """For the valid fields, or their initial values. Raises DomainError that names the field."""
        if self.is_bound:
            self.is_valid()
        data = {name: self.fields[name].initial for name in ("aim", "rate", "half_width")}
        data |= {name: value for name, value in getattr(self, "cleaned_data", {}).items() if value not in (None, "")}
        half_width = data["half_width"] / 100 if data["aim"] == "interval" else None
        return advise_size(project, half_width=half_width, rate=data["rate"] / 100)


class JudgesField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj} ({obj.model})" if obj.model else str(obj)


class ChorusForm(OnceForm):
    name = forms.CharField(max_length=200)
    members = JudgesField(queryset=Judge.objects.none(), widget=forms.CheckboxSelectMultiple)
    rule = forms.ChoiceField(choices=[(rule.value, title) for rule, title in RULE_TITLES.items()])

    def __init__(self, *args: Any, judges: Sequence[Judge], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        members = self.fields["members"]
        assert isinstance(members, forms.ModelMultipleChoiceField)
        members.queryset = Judge.objects.filter(pk__in=[judge.pk for judge in judges]).exclude(kind=Judge.Kind.CHORUS)


class EstimationRunField(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Any) -> str:
        return f"Run {obj.number}: {obj.strategy or obj.origin}, {obj.done:,} solutions"


class JudgeRunsField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj}: {obj.done:,} solutions"


class CascadeForm(SampleForm):
    estimation_run = EstimationRunField(queryset=EstimationRun.objects.none(), label="Estimation run")
    judge_runs = JudgeRunsField(
        queryset=JudgeRun.objects.none(),
        label="Judge runs",
        widget=forms.CheckboxSelectMultiple,
        help_text="A machine label needs all of them to agree with the estimation run.",
    )
    alpha = forms.FloatField(
        min_value=0.1,
        max_value=50,
        initial=5,
        label="Wrong machine labels allowed, in percent",
        help_text="Promised with 95 % confidence.",
    )
    people_cost = forms.FloatField(
        min_value=0, max_value=1e6, required=False, label="Cost of people's labels, per solution"
    )

    field_order = ["estimation_run", "judge_runs", "alpha", "people_cost", "size", "redundancy", "labelers"]

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, project=project, **kwargs)
        runs, judge_runs = self.fields["estimation_run"], self.fields["judge_runs"]
        assert isinstance(runs, forms.ModelChoiceField)
        assert isinstance(judge_runs, forms.ModelMultipleChoiceField)
        runs.queryset = EstimationRun.objects.filter(project=project, status__in=COUNTED_STATUSES).order_by("-number")
        judge_runs.queryset = (
            JudgeRun.objects.filter(project=project, status__in=COUNTED_STATUSES, judge__kind__in=STEP_KINDS)
            .select_related("judge")
            .order_by("judge__name", "-number")
        )

    def arguments(self) -> dict[str, Any]:
        """The arguments of `plan_cascade`."""
        data = self.cleaned_data
        return {
            **self.sample_arguments,
            "estimation_run": data["estimation_run"],
            "judge_runs": list(data["judge_runs"]),
            "alpha": data["alpha"] / 100,
            "people_cost": data["people_cost"],
        }
