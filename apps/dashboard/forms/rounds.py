"""Opening a round."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.dashboard.browsing import Facets
from apps.dashboard.forms.base import OnceForm, ServiceForm
from apps.labeling.protocols import PROTOCOLS
from apps.quality.queues import KINDS

ANY = ("", "any")


class SelectionForm(ServiceForm):
    """Which solutions become tasks, as fields; `select` is the same in the line that commands and API take."""

    answer = forms.ChoiceField(
        required=False, label="Final answer", choices=[ANY, ("right", "right"), ("wrong", "wrong")]
    )
    source = forms.ChoiceField(required=False, label="Written by")
    subject = forms.ChoiceField(required=False)
    level = forms.ChoiceField(required=False)
    unlabeled = forms.BooleanField(required=False, label="Only what nobody has labeled yet")
    unsure = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=10**9,
        label="Unsure in run",
        help_text="Number of an estimation run: what its search is not sure of.",
    )
    dispute = forms.ChoiceField(
        required=False, label="In dispute", choices=[ANY, *((name, kind.title) for name, kind in KINDS.items())]
    )
    sample = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=10**9,
        label="At most",
        help_text="A random sample of so many, the same each time. Empty: all.",
    )

    def __init__(self, *args: Any, facets: Facets, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, values in (
            ("source", facets.sources),
            ("subject", facets.subjects),
            ("level", facets.levels),
        ):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            # A comma parts the terms of a selection: what holds one cannot be named in it.
            field.choices = [ANY, *((value, value) for value in values if "," not in value)]
            if not values:
                del self.fields[name]

    @property
    def select(self) -> str:
        data = self.cleaned_data
        words = [data["answer"]] if data.get("answer") else []
        words += [f"{name}:{data[name]}" for name in ("source", "subject", "level") if data.get(name)]
        words += ["unlabeled"] if data.get("unlabeled") else []
        words += [f"unsure:{data['unsure']}"] if data.get("unsure") else []
        words += [f"dispute:{data['dispute']}"] if data.get("dispute") else []
        words += [f"sample:{data['sample']}"] if data.get("sample") else []
        return ",".join(words) or "all"


class NewRoundForm(SelectionForm, OnceForm):
    name = forms.CharField(max_length=200, required=False, help_text="As labelers see it.")
    protocol = forms.ChoiceField(
        choices=[(name, protocol.title) for name, protocol in PROTOCOLS.items()],
        initial="first_error",
        widget=forms.RadioSelect,
    )
    redundancy = forms.IntegerField(min_value=1, max_value=100, initial=1, label="People per solution")
    gold_percent = forms.FloatField(
        min_value=0,
        max_value=100,
        initial=0,
        label="Gold",
        help_text="Percent of the tasks that have known labels.",
    )
    lease_minutes = forms.IntegerField(
        min_value=1,
        max_value=1440,
        initial=20,
        label="Minutes to hold a task",
        help_text="Whoever is silent for so long gives it back.",
    )
    show_reference = forms.BooleanField(required=False, initial=True, label="Labelers see the reference answer")

    field_order = [
        "name",
        "protocol",
        "answer",
        "source",
        "subject",
        "level",
        "unlabeled",
        "unsure",
        "dispute",
        "sample",
        "redundancy",
    ]

    def terms(self) -> dict[str, Any]:
        """The arguments of `open_round`."""
        data = self.cleaned_data
        names = ("name", "protocol", "redundancy", "lease_minutes", "show_reference")
        return {name: data[name] for name in names} | {
            "select": self.select,
            "gold_share": data["gold_percent"] / 100,
        }
