"""Forms over services."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, TypeVar

from django import forms
from django.core.cache import cache
from django.http import QueryDict

from apps.core.errors import DomainError

Result = TypeVar("Result")

REMEMBERED_S = 24 * 3600


class ServiceForm(forms.Form):
    """A form whose work a service does; what the service complains of stands at the field it names."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            # What is typed runs as its own language does.
            if type(field.widget) in (forms.TextInput, forms.Textarea):
                field.widget.attrs.setdefault("dir", "auto")

    def run(self, service: Callable[[dict[str, Any]], Result]) -> Result | None:
        """What the service gives for the cleaned data; None when form or service have something to mend."""
        if not self.is_valid():
            return None
        try:
            return service(self.cleaned_data)
        except DomainError as error:
            self._tell(error)
            return None

    def _tell(self, error: DomainError) -> None:
        known = {name: text for name, text in error.fields.items() if name in self.fields}
        for name, text in known.items():
            self.add_error(name, text)
        if len(known) < len(error.fields) or not known:
            self.add_error(None, error.message)


class OnceForm(ServiceForm):
    """A form of which one filling does its work once, however often the button is pressed.

    Its template shows `once`, a number that no other filling has. A filling that comes without one is let through.
    """

    once = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput, initial=lambda: uuid.uuid4().hex)

    def run(self, service: Callable[[dict[str, Any]], Result]) -> Result | None:
        if not self.is_valid():
            return None
        key = f"once:{self.cleaned_data['once']}"
        if self.cleaned_data["once"] and not cache.add(key, 1, REMEMBERED_S):
            self.add_error(None, "This has been sent already. Send it again only if you want it twice.")
            self._renew()
            return None
        result = super().run(service)
        if result is None:
            cache.delete(key)
        return result

    def _renew(self) -> None:
        """Whoever sends it again now means it."""
        assert isinstance(self.data, QueryDict)
        data = self.data.copy()
        data["once"] = uuid.uuid4().hex
        self.data = data
