"""The form for a round that is under way: what can be changed, and beside it, off, what cannot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.db.models import Q
from django.forms.boundfield import BoundField

from apps.accounts.models import User
from apps.core.structs import limits_of
from apps.dashboard.rounds.forms import RoundForm, SelectionForm, initial_of
from apps.dashboard.rounds.protocol_forms import OPTIONS
from apps.inference.models import Endpoint
from apps.labeling.models import Round
from apps.labeling.rounds.config import RoundConfig
from apps.labeling.rounds.open_edits import fixed_settings
from apps.projects.models import Membership

# The form's fields of settings that have another name there.
_FIELD_OF = {"gold_share": "gold_percent", "pass_mark": "pass_percent"}
_SELECTION = tuple(SelectionForm.base_fields)
_ONLY_IN_SCREENINGS = ("pass_percent", "tries")


class OpenRoundForm(RoundForm):
    """The fields of the selection choose solutions to add. Fields that are off keep the round's values."""

    adds = forms.BooleanField(required=False, label="Add the solutions that match these filters")

    def __init__(self, *args: Any, round_: Round, **kwargs: Any) -> None:
        initial = {name: value for name, value in initial_of(round_).items() if name not in _SELECTION}
        super().__init__(*args, project=round_.project, initial=initial, **kwargs)
        self.round, self.reasons = round_, fixed_settings(round_)
        self._offer(round_)
        # A form without JavaScript sends no change of what was off.
        for setting, reason in self.reasons.items():
            for name in self._fields_of(setting):
                self.fields[name].disabled = True
                self.fields[name].help_text = f"Cannot be changed: {reason}."

    def _offer(self, round_: Round) -> None:
        """The choices of a round under way: people who were named stay in the list, and there is always a guideline."""
        choices = self.fields
        assert isinstance(choices["labelers"], forms.ModelMultipleChoiceField)
        active = User.objects.filter(
            memberships__project=round_.project_id, memberships__status=Membership.Status.ACTIVE
        )
        people = User.objects.filter(Q(pk__in=active.values("pk")) | Q(pk__in=round_.labelers.values("pk")))
        choices["labelers"].queryset = people.order_by("name", "email")
        assert isinstance(choices["guideline"], forms.ModelChoiceField)
        choices["guideline"].empty_label = None if round_.guideline_id else "none"
        choices["guideline"].help_text = "Labelers read it from their next task on. Each label keeps its version."
        assert isinstance(choices["endpoint"], forms.ModelChoiceField)
        choices["endpoint"].queryset = Endpoint.objects.filter(
            pk__in=[round_.endpoint_id] if round_.endpoint_id else []
        )
        if not round_.is_all_gold:
            most = limits_of(RoundConfig, "redundancy")["max_value"]
            choices[
                "redundancy"
            ].help_text = f"From {round_.redundancy} to {most}. With more people, finished tasks are served again."
            choices["redundancy"].widget.attrs["min"] = round_.redundancy

    def _fields_of(self, setting: str) -> tuple[str, ...]:
        if setting == "options":
            options = OPTIONS.get(self.round.protocol)
            return options.__struct_fields__ if options is not None else ()
        if setting == "add":
            return ("adds", *(name for name in _SELECTION if name in self.fields))
        if setting == "select":
            return ()
        name = _FIELD_OF.get(setting, setting)
        return () if name in _ONLY_IN_SCREENINGS and not self.round.is_screening else (name,)

    @property
    def fixed(self) -> Iterator[BoundField]:
        """The fields that are off, apart from those of the selection."""
        for setting in self.reasons:
            if setting != "add":
                yield from (self[name] for name in self._fields_of(setting))

    @property
    def changeable(self) -> Iterator[BoundField]:
        """The fields that can be changed, apart from those that the page shows by themselves."""
        names = ("redundancy", "most_people", "gold_percent", "lease_minutes", "guideline")
        return (self[name] for name in names if not self.fields[name].disabled)

    @property
    def selection(self) -> Iterator[BoundField]:
        return (self[name] for name in _SELECTION if name in self.fields)

    def changes(self) -> dict[str, Any]:
        """The settings that can be changed, as the service takes them."""
        fixed = {*self.reasons, "options", "protocol", "select"}
        return {name: value for name, value in self.config().items() if name not in fixed}

    @property
    def add(self) -> str:
        """What is to be added, as one line; empty where nothing is."""
        return self.select if self.cleaned_data["adds"] else ""

    def add_domain_error(self, error: Any) -> None:
        if "add" in error.fields:
            error.fields = {name: text for name, text in error.fields.items() if name != "add"} | {
                "adds": error.message
            }
        super().add_domain_error(error)
