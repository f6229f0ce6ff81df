"""The filters of a review queue."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import QueryDict

from apps.core.errors import DomainError
from apps.core.http.ids import parse_id
from apps.corpus.facets import facets_of
from apps.dashboard.access import Place
from apps.dashboard.people.choices import people_choices
from apps.labeling.models import Round
from apps.projects.models import Membership
from apps.quality.review.queues import QueueFilters

ANY = ("", "any")
MAX_SELECTED = 200


class QueueForm(forms.Form):
    """The filters of a queue as choices. `filters_in` reads them from a URL."""

    round = forms.ChoiceField(required=False)
    source = forms.ChoiceField(required=False, label="Written by")
    subject = forms.ChoiceField(required=False)
    labeler = forms.ChoiceField(required=False)

    def __init__(self, *args: Any, place: Place, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        facets = facets_of(place.project)
        rounds = Round.objects.filter(project=place.project).order_by("number").only("number", "name")
        for name, choices in (
            ("round", [(str(round_.number), str(round_)) for round_ in rounds]),
            ("source", [(value, value) for value in facets.sources]),
            ("subject", [(value, value) for value in facets.subjects]),
            ("labeler", people_choices(place)),
        ):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [ANY, *choices]
            if not choices:
                del self.fields[name]


# --- filters in a URL, read without querying the choices --------------------------------------------------

_PATTERNS = {
    "round": re.compile(r"-?\d{1,9}"),
    "labeler": re.compile(r"\d{1,17}"),
    "source": re.compile(r"[^\x00]{1,1000}"),
    "subject": re.compile(r"[^\x00]{1,1000}"),
}


def filters_in(params: Mapping[str, str]) -> dict[str, str]:
    """The filters in a URL's parameters. Malformed values are ignored."""
    return {name: params[name] for name, pattern in _PATTERNS.items() if pattern.fullmatch(params.get(name, ""))}


def narrowing_of(place: Place, filters: Mapping[str, str]) -> QueueFilters:
    """The filters as the queues take them. `labeler` is the ID of a membership; of another project it matches nothing."""
    labeler = None
    if "labeler" in filters:
        members = Membership.objects.filter(project=place.project, pk=int(filters["labeler"]))
        labeler = members.values_list("user_id", flat=True).first() or 0
    return QueueFilters(
        round=int(filters["round"]) if "round" in filters else None,
        source=filters.get("source"),
        subject=filters.get("subject"),
        labeler=labeler,
    )


def selected_ids(data: QueryDict, name: str) -> list[int]:
    """The IDs of the selected check boxes. Raises DomainError if there are none, too many, or other texts."""
    ids = [parse_id(text) for text in data.getlist(name)]
    numbers = [number for number in ids if number is not None]
    if not ids:
        raise DomainError(f"Select at least one {name}.", fields={name: "none selected"})
    if len(ids) > MAX_SELECTED or len(numbers) < len(ids):
        raise DomainError(f"Select up to {MAX_SELECTED} {name}s.", fields={name: f"must be 1 to {MAX_SELECTED} IDs"})
    return numbers
