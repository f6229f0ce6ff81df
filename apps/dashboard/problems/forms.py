"""Forms to edit and to retire a problem."""

from __future__ import annotations

from django import forms

from apps.dashboard.forms import ServiceForm


class EditProblemForm(ServiceForm):
    statement = forms.CharField(max_length=200_000, widget=forms.Textarea(attrs={"rows": 6}))
    reference_answer = forms.CharField(
        max_length=20_000,
        required=False,
        label="Reference answer",
        help_text="If it changes, a worker grades all solutions of the problem again.",
    )


class RetireForm(ServiceForm):
    reason = forms.CharField(max_length=5000, widget=forms.Textarea(attrs={"rows": 2}))
