"""Form fields for the keys of the label policy, made from its declared types."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from msgspec import NODEFAULT, inspect

from apps.dashboard.exports.policy_keys import POLICY_KEYS, PolicyKey
from apps.exports.policy import LabelPolicy

NAMED_SHARE = re.compile(r"([^\W\d]\w*)\s*[:= ]\s*(\d+(?:\.\d+)?)\s*%?")
ORDERED = {"sources", "pairs", "preferences", "critiques"}  # Their values are in order of preference.

Choices = Sequence[tuple[Any, str]]


class RankedWidget(forms.MultiWidget):
    """A select for each rank, the first value first."""

    def __init__(self, label: str, choices: Choices) -> None:
        self.count = len(choices)
        ranks = [
            forms.Select(choices=[("", "none"), *choices], attrs={"aria-label": f"{label}: {rank + 1}"})
            for rank in range(self.count)
        ]
        super().__init__(ranks)

    def decompress(self, value: Any) -> list[Any]:
        values = list(value or ())
        return [*values, *[""] * (self.count - len(values))]


class RankedField(forms.MultiValueField):
    """Some of the choices in an order. The cleaned value has each of them once."""

    def __init__(self, *, label: str, choices: Choices, **options: Any) -> None:
        fields = [forms.ChoiceField(choices=[("", "none"), *choices], required=False) for _ in choices]
        super().__init__(fields, label=label, widget=RankedWidget(label, choices), **options)

    def compress(self, data_list: Any) -> list[str]:
        return list(dict.fromkeys(filter(None, data_list or ())))


class SharesField(forms.CharField):
    """Shares by name, typed as percentages. The policy checks that they add up."""

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return ", ".join(f"{name} {100 * share:g}" for name, share in value.items())
        return value

    def clean(self, value: Any) -> dict[str, float]:
        shares = {}
        for part in filter(None, map(str.strip, super().clean(value).split(","))):
            match = NAMED_SHARE.fullmatch(part)
            if match is None:
                raise ValidationError(f"“{part}” is not a name and a percentage.")
            shares[match[1]] = float(match[2]) / 100
        return shares


def policy_fields(choices: Mapping[str, Choices]) -> dict[str, forms.Field]:
    """A field for each key. `choices` are what the project has for keys that name something of it."""
    declared = inspect.type_info(LabelPolicy)
    assert isinstance(declared, inspect.StructType)
    fields = {}
    for key in declared.fields:
        if key.name not in choices or choices[key.name]:
            default = key.default if key.default is not NODEFAULT else {}
            fields[key.name] = _field(key.name, key.type, default, choices.get(key.name))
    return fields


def _field(name: str, type_: inspect.Type, default: Any, choices: Choices | None) -> forms.Field:
    about = POLICY_KEYS[name]
    options: dict[str, Any] = {"label": about.label, "help_text": about.help, "initial": default, "required": False}
    if name in ORDERED:
        return RankedField(choices=list(about.values.items()), **options)
    field: forms.Field
    match type_:
        case inspect.LiteralType(values=values):
            field = forms.ChoiceField(choices=_titled(about, values), **options)
        case inspect.VarTupleType(item_type=inspect.LiteralType(values=values)):
            field = _many(choices=_titled(about, values), **options)
        case inspect.VarTupleType(item_type=inspect.IntType()):
            boxes = forms.CheckboxSelectMultiple
            field = forms.TypedMultipleChoiceField(coerce=int, choices=choices or (), widget=boxes, **options)
        case inspect.VarTupleType():
            field = _many(choices=choices or (), **options)
        case inspect.FloatType(gt=above, ge=least, le=most):
            low = least if least is not None else 0.001 if above == 0 else above
            widget = forms.NumberInput(attrs={"step": "any"})
            field = forms.FloatField(min_value=low, max_value=most, widget=widget, **options)
        case inspect.IntType(ge=least, le=most):
            field = forms.IntegerField(min_value=least, max_value=most, **options)
        case inspect.DictType():
            field = SharesField(widget=forms.TextInput(attrs={"placeholder": "one split"}), **options)
        case inspect.BoolType():
            field = forms.BooleanField(**options)
        case _:
            field = forms.CharField(max_length=100, **options)
    return field


def _titled(about: PolicyKey, values: Sequence[Any]) -> list[tuple[Any, str]]:
    """The values with the default, which the policy declares first, in front."""
    return [(value, about.values[value]) for value in sorted(values, key=list(about.values).index)]


def _many(**options: Any) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(widget=forms.CheckboxSelectMultiple, **options)
