"""Sign-in and sign-up forms."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import LoginForm, SignupForm
from django import forms
from django.http import HttpRequest

from apps.accounts.models import User


def _remove_placeholders(form: forms.Form) -> None:
    """Remove placeholders that repeat the label."""
    for field in form.fields.values():
        field.widget.attrs.pop("placeholder", None)


class SignInForm(LoginForm):  # type: ignore[misc]
    """The first field has the focus: the page holds nothing else."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _remove_placeholders(self)
        self.fields["login"].label = "E-mail address"
        self.fields["login"].widget.attrs["autofocus"] = True


class SignUpForm(SignupForm):  # type: ignore[misc]
    """Also asks for a name, which managers see beside the address."""

    name = forms.CharField(
        max_length=200,
        required=False,
        help_text="Shown to the managers of your projects. Exports never contain it.",
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    field_order = ("email", "name", "password1", "password2")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _remove_placeholders(self)
        self.fields["email"].label = "E-mail address"

    def custom_signup(self, request: HttpRequest, user: User) -> None:
        super().custom_signup(request, user)
        user.name = self.cleaned_data["name"]
        user.save(update_fields=["name"])
