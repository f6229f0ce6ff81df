"""The forms of signing in and up."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import LoginForm, SignupForm
from django import forms
from django.http import HttpRequest

from apps.accounts.models import User


def _plain(form: forms.Form) -> None:
    """Each field has its label above it; what would say the same inside it goes."""
    for field in form.fields.values():
        field.widget.attrs.pop("placeholder", None)


class SignInForm(LoginForm):  # type: ignore[misc]
    """The page is there for this one form: the keyboard is in its first field at once."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain(self)
        self.fields["login"].label = "E-mail address"
        self.fields["login"].widget.attrs["autofocus"] = True


class SignUpForm(SignupForm):  # type: ignore[misc]
    """Asks for a name too, so that managers need not tell people apart by their addresses."""

    name = forms.CharField(
        max_length=200,
        required=False,
        help_text="As managers of your projects see it. Exports never hold it.",
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    field_order = ("email", "name", "password1", "password2")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain(self)
        self.fields["email"].label = "E-mail address"

    def custom_signup(self, request: HttpRequest, user: User) -> None:
        super().custom_signup(request, user)
        user.name = self.cleaned_data["name"]
        user.save(update_fields=["name"])
