"""Forms over services."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django import forms

from apps.core.errors import DomainError

Result = TypeVar("Result")


class ServiceForm(forms.Form):
    """A form whose work a service does; what the service complains of stands at the field it names."""

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
