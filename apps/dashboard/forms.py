"""Forms that call a service and show its errors at their fields."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, TypeVar

from django import forms
from django.core.cache import cache
from django.http import QueryDict

from apps.core.errors import DomainError
from apps.corpus.facets import Facets

Result = TypeVar("Result")

SUBMISSION_KEPT_S = 24 * 3600
ANY = ("", "any")


class ServiceForm(forms.Form):
    """A form that passes its data to a service and shows each error of the service at the field that it names."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            # Typed text follows the writing direction of its own language.
            if type(field.widget) in (forms.TextInput, forms.Textarea):
                field.widget.attrs.setdefault("dir", "auto")

    def run(self, service: Callable[[dict[str, Any]], Result]) -> Result | None:
        """Return what the service returns for the cleaned data, or None if the form has errors."""
        if not self.is_valid():
            return None
        try:
            return service(self.cleaned_data)
        except DomainError as error:
            self.add_domain_error(error)
            return None

    def add_domain_error(self, error: DomainError) -> None:
        """Add each field error at its field, and the message itself where a field is not in the form."""
        own_fields = {name: text for name, text in error.fields.items() if name in self.fields}
        for name, text in own_fields.items():
            self.add_error(name, text)
        if len(own_fields) < len(error.fields) or not own_fields:
            self.add_error(None, error.message)


class OnceForm(ServiceForm):
    """A form that runs its service once for each rendering, however often the button is pressed.

    The template contains the hidden field `once`, a random key. A submission without the key is accepted.
    """

    once = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput, initial=lambda: uuid.uuid4().hex)

    def run(self, service: Callable[[dict[str, Any]], Result]) -> Result | None:
        if not self.is_valid():
            return None
        key = f"once:{self.cleaned_data['once']}"
        if self.cleaned_data["once"] and not cache.add(key, 1, SUBMISSION_KEPT_S):
            self.add_error(None, "This form was already submitted. Submit it again only if you want to do this twice.")
            # A new key, so that submitting again works.
            assert isinstance(self.data, QueryDict)
            data = self.data.copy()
            data["once"] = uuid.uuid4().hex
            self.data = data
            return None
        result = super().run(service)
        if result is None:
            cache.delete(key)
        return result


def set_facet_choices(form: forms.Form, facets: Facets) -> None:
    """Offer the project's sources, subjects and levels in the fields of these names; drop fields without values."""
    for name, values in (("source", facets.sources), ("subject", facets.subjects), ("level", facets.levels)):
        field = form.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [ANY, *((value, value) for value in values)]
        if not values:
            del form.fields[name]
