"""The filters of the flags page, and the dismissal of a report."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.dashboard.forms import ServiceForm
from apps.labeling.models import Round
from apps.projects.models import Project
from apps.quality.review.reports import LONGEST_REASON

KINDS = [
    ("unsure", "unsure steps"),
    ("give_up", "tasks given up"),
    ("bad_problem", "reported problems"),
    ("skip", "skipped tasks"),
]


class DismissForm(ServiceForm):
    reason = forms.CharField(max_length=LONGEST_REASON, strip=True, label="Why the problem is correct")


class RoundField(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Any) -> str:
        return str(obj)


class FlagsForm(forms.Form):
    kind = forms.ChoiceField(required=False, label="Show", choices=KINDS)
    state = forms.ChoiceField(
        required=False,
        label="Reports",
        choices=[("open", "open"), ("dismissed", "dismissed"), ("retired", "of retired problems"), ("all", "all")],
    )
    round = RoundField(queryset=Round.objects.none(), required=False, empty_label="any", to_field_name="number")

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["round"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Round.objects.filter(project=project).exclude(status=Round.Status.DRAFT)
