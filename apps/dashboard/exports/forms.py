"""Asking for an export: the format, the container, and the label policy as questions."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from django import forms

from apps.core.errors import DomainError
from apps.dashboard.exports.policy_fields import Choices, policy_fields
from apps.dashboard.exports.policy_keys import GROUPS, POLICY_KEYS, formats_using
from apps.dashboard.forms import OnceForm
from apps.exports.files.writers import CONTAINERS
from apps.exports.formats import FORMATS
from apps.exports.formats.base import GROUPS as FORMAT_GROUPS
from apps.exports.policy import LabelPolicy
from apps.exports.services import NAME_LENGTH

CONTAINER_TITLES = {
    "jsonl": "JSON Lines",
    "jsonl.gz": "JSON Lines, gzip",
    "jsonl.zst": "JSON Lines, zstd",
    "parquet": "Parquet",
}
DEFAULT_FORMAT = "trl-prm"


class ExportForm(OnceForm):
    """All fields but `format`, `container` and `policy_name` are keys of the label policy."""

    format = forms.ChoiceField(
        choices=[(name, format_.title) for name, format_ in FORMATS.items()],
        widget=forms.RadioSelect,
        initial=DEFAULT_FORMAT,
    )
    container = forms.ChoiceField(
        choices=[(name, CONTAINER_TITLES.get(name, name)) for name in CONTAINERS], label="File", initial="jsonl"
    )
    policy_name = forms.CharField(required=False, max_length=NAME_LENGTH, label="Save this policy as")

    def __init__(self, *args: Any, choices: Mapping[str, Choices], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields.update(policy_fields(choices))
        for field in self.fields.values():
            if type(field.widget) is forms.TextInput:
                field.widget.attrs.setdefault("dir", "auto")

    def clean(self) -> dict[str, Any]:
        """Keys that the chosen format ignores are hidden on the page: what they contain is no error."""
        format_ = self.cleaned_data.get("format", "")
        for name in [name for name in self.errors if name in POLICY_KEYS]:
            if format_ not in POLICY_KEYS[name].formats:
                del self.errors[name]
        return self.cleaned_data

    @property
    def policy(self) -> dict[str, Any]:
        """The keys that the format uses, where they have a value. All others keep their defaults."""
        data = self.cleaned_data
        return {
            name: data[name]
            for name in LabelPolicy.__struct_fields__
            if name in data and data[name] not in ("", None) and data["format"] in POLICY_KEYS[name].formats
        }

    def groups(self) -> list[tuple[str, list[tuple[forms.BoundField, str]]]]:
        """The policy's fields by group, each with the names of the formats that use it."""
        names = [name for name in POLICY_KEYS if name in self.fields]
        return [
            (group, [(self[name], " ".join(formats_using(name))) for name in names if POLICY_KEYS[name].group == group])
            for group in GROUPS
        ]

    def format_groups(self) -> list[tuple[str, list[Any]]]:
        by_group = sorted(FORMATS.values(), key=lambda format_: FORMAT_GROUPS.index(format_.group))
        return [(group, list(formats)) for group, formats in groupby(by_group, key=lambda format_: format_.group)]

    def add_domain_error(self, error: DomainError) -> None:
        """The policy's keys are fields of the form."""
        super().add_domain_error(
            DomainError(
                error.message, fields={name.removeprefix("policy."): text for name, text in error.fields.items()}
            )
        )


class PastedPolicyForm(forms.Form):
    """A policy as JSON, as manifests contain it."""

    policy = forms.CharField(
        label="A policy as JSON",
        max_length=100_000,
        widget=forms.Textarea(attrs={"rows": 5, "placeholder": '{"sources": ["human"], "neutral": "negative"}'}),
    )
