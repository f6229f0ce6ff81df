"""The filters of the task table, and what is done with chosen tasks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from apps.corpus.facets import facets_of
from apps.dashboard.access import Place
from apps.dashboard.forms import ANY, ServiceForm, set_facet_choices
from apps.dashboard.people.choices import people_choices
from apps.labeling.models import Round
from apps.labeling.queue.reservations import HIGHEST_PRIORITY, LONGEST_NOTE
from apps.labeling.saved_views import LONGEST_NAME
from apps.projects.models import Membership
from apps.quality.task_table.filters import ORDERS, STATES, TaskFilters


class TaskFilterForm(forms.Form):
    """The filters as a URL has them. A value that is no choice is ignored, and the form says so."""

    round = forms.ChoiceField(required=False)
    state = forms.ChoiceField(required=False, choices=[ANY, *STATES.items()])
    labeler = forms.ChoiceField(required=False)
    source = forms.ChoiceField(required=False)
    subject = forms.ChoiceField(required=False)
    level = forms.ChoiceField(required=False)
    priority = forms.IntegerField(
        required=False, min_value=-HIGHEST_PRIORITY, max_value=HIGHEST_PRIORITY, label="Priority from"
    )
    text = forms.CharField(
        required=False, max_length=200, label="Problem or id", widget=forms.TextInput(attrs={"type": "search"})
    )
    order = forms.ChoiceField(required=False, choices=list(ORDERS.items()))

    def __init__(self, *args: Any, place: Place, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        set_facet_choices(self, facets_of(place.project))
        # A task is of a problem: who wrote a solution is a filter of the solutions' page.
        self.fields.pop("source", None)
        rounds = Round.objects.filter(project=place.project).exclude(status=Round.Status.DRAFT).order_by("-number")
        choices = {
            "round": [(str(round_.number), str(round_)) for round_ in rounds.only("number", "name")],
            "labeler": people_choices(place),
        }
        for name, values in choices.items():
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [ANY, *values]
        self._place = place

    def filters(self) -> TaskFilters:
        """What is valid of them; an invalid value filters nothing."""
        self.is_valid()
        data = {name: value for name, value in self.cleaned_data.items() if value not in ("", None)}
        labeler = None
        if "labeler" in data:
            members = Membership.objects.filter(project=self._place.project, pk=int(data["labeler"]))
            labeler = members.values_list("user", flat=True).first()
        return TaskFilters(
            round=int(data["round"]) if "round" in data else None,
            state=data.get("state", ""),
            labeler=labeler,
            subject=data.get("subject", ""),
            level=data.get("level", ""),
            text=data.get("text", "").strip(),
            priority=data.get("priority"),
        )

    def chosen_order(self) -> str:
        self.is_valid()
        return str(self.cleaned_data.get("order") or "")

    def as_query(self) -> dict[str, str]:
        """The valid filters and the order as parameters of the URL."""
        self.is_valid()
        return {name: str(value) for name, value in self.cleaned_data.items() if value not in ("", None)}


class ActionForm(ServiceForm):
    """What an action needs besides its tasks."""

    labeler = forms.ChoiceField(required=False, label="Assign to")
    note = forms.CharField(
        required=False, max_length=LONGEST_NOTE, label="Note or reason", widget=forms.Textarea(attrs={"rows": 2})
    )
    priority = forms.IntegerField(
        required=False, min_value=-HIGHEST_PRIORITY, max_value=HIGHEST_PRIORITY, label="Priority"
    )

    def __init__(self, *args: Any, place: Place, **kwargs: Any) -> None:
        # The form of the filters on the same page has fields of the same names.
        super().__init__(*args, auto_id="act_%s", **kwargs)
        field = self.fields["labeler"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "choose a person"), *people_choices(place, only_active=True)]


class ViewForm(ServiceForm):
    name = forms.CharField(max_length=LONGEST_NAME, label="Name")
    is_shared = forms.BooleanField(required=False, label="For all managers")


def query_of(saved: Mapping[str, Any]) -> dict[str, str]:
    """The filters of a saved view that the table still has."""
    return {name: str(value) for name, value in saved.items() if name in TaskFilterForm.base_fields}
