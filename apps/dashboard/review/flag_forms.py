"""The filters of the page of reports, and the dismissal of a report."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.dashboard.forms import ServiceForm
from apps.labeling.models import Round
from apps.projects.models import Project
from apps.quality.review.reports import LONGEST_REASON

KINDS = [
    ("bad_problem", "Reported problems"),
    ("give_up", "Given up"),
    ("unsure", "Unsure steps"),
    ("skip", "Skipped tasks"),
]


class DismissForm(ServiceForm):
    reason = forms.CharField(max_length=LONGEST_REASON, strip=True, label="Why there is nothing to do about it")


class RoundField(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Any) -> str:
        return str(obj)


class FlagsForm(forms.Form):
    kind = forms.ChoiceField(required=False, label="Show", choices=KINDS)
    state = forms.ChoiceField(
        required=False,
        label="State",
        choices=[
            ("open", "open"),
            ("dismissed", "dismissed"),
            ("edited", "problem edited since"),
            ("retired", "problem retired"),
            ("all", "all"),
        ],
    )
    round = RoundField(queryset=Round.objects.none(), required=False, empty_label="any", to_field_name="number")

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["round"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Round.objects.filter(project=project).exclude(status=Round.Status.DRAFT)
