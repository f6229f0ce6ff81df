"""Forms for the user's own name and API tokens."""

from __future__ import annotations

from datetime import timedelta

from django import forms
from django.utils import timezone

from apps.accounts.models import ApiToken
from apps.dashboard.forms import ServiceForm

NEVER = 0


class NameForm(ServiceForm):
    name = forms.CharField(max_length=200, help_text="Visible to managers of your projects. Exports never contain it.")


class TokenForm(ServiceForm):
    name = forms.CharField(max_length=100, required=False, help_text="What the token is for.")
    scopes = forms.MultipleChoiceField(
        choices=ApiToken.Scope.choices,
        initial=[ApiToken.Scope.READ],
        label="Scopes",
        widget=forms.CheckboxSelectMultiple,
    )
    days = forms.TypedChoiceField(
        choices=[
            (7, "in a week"),
            (30, "in 30 days"),
            (90, "in 90 days"),
            (365, "in a year"),
            (NEVER, "never"),
        ],
        coerce=int,
        initial=90,
        label="Expires",
    )

    def clean(self) -> dict[str, object]:
        """Replace the number of days by the time that the service expects."""
        data = self.cleaned_data
        days = data.pop("days", NEVER)
        data["expires_at"] = timezone.now() + timedelta(days=days) if days else None
        return data
