"""What a reviewer narrows a queue by, and says of a turn."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django import forms

from apps.dashboard.access import Place
from apps.dashboard.forms import ServiceForm
from apps.dashboard.solutions.queries import facets_of
from apps.labeling.models import Round
from apps.projects.models import Membership
from apps.quality.review.queues import QueueFilters

ANY = ("", "any")
MOST_PEOPLE = 500


class QueueForm(forms.Form):
    """The filters of a queue, to choose from. What an address asks for, `asked_of` reads."""

    round = forms.ChoiceField(required=False)
    source = forms.ChoiceField(required=False, label="Written by")
    subject = forms.ChoiceField(required=False)
    labeler = forms.ChoiceField(required=False)

    def __init__(self, *args: Any, place: Place, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        facets = facets_of(place.project)
        rounds = Round.objects.filter(project=place.project).order_by("number").only("number", "name")
        for name, choices in (
            ("round", [(str(one.number), str(one)) for one in rounds]),
            ("source", [(value, value) for value in facets.sources]),
            ("subject", [(value, value) for value in facets.subjects]),
            ("labeler", _people(place)),
        ):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [ANY, *choices]
            if not choices:
                del self.fields[name]


def _people(place: Place) -> list[tuple[str, str]]:
    """Whoever is or was in the project, under the name that the reader may see."""
    members = Membership.objects.filter(project=place.project).select_related("user").order_by("pk")[:MOST_PEOPLE]
    named = place.names_people()
    shown = [
        (str(one.pk), str(one.user) if named and one.status != Membership.Status.IMPORTED else one.pseudonym[:8])
        for one in members
    ]
    return sorted(shown, key=lambda one: one[1].casefold())


# --- what an address narrows by, without asking the database what there is ---------------------------------

_FITS = {
    "round": re.compile(r"-?\d{1,9}"),
    "labeler": re.compile(r"\d{1,17}"),
    "source": re.compile(r"[^\x00]{1,1000}"),
    "subject": re.compile(r"[^\x00]{1,1000}"),
}


def asked_of(params: Mapping[str, str]) -> dict[str, str]:
    """The filters that an address holds; what cannot be one lets everything through."""
    return {name: params[name] for name, fits in _FITS.items() if fits.fullmatch(params.get(name, ""))}


def narrowing_of(place: Place, asked: Mapping[str, str]) -> QueueFilters:
    """`labeler` is a membership of this project; of any other there is nothing."""
    labeler = None
    if "labeler" in asked:
        members = Membership.objects.filter(project=place.project, pk=int(asked["labeler"]))
        labeler = members.values_list("user_id", flat=True).first() or 0
    return QueueFilters(
        round=int(asked["round"]) if "round" in asked else None,
        source=asked.get("source"),
        subject=asked.get("subject"),
        labeler=labeler,
    )


FINISHES = [("found_error", "found the first error"), ("solution", "reached the end"), ("give_up", "gave up")]
ANSWERS = [("", "not reached"), ("-1", "bad"), ("0", "okay"), ("1", "great"), ("unsure", "unsure")]


class CorrectionForm(ServiceForm):
    """A rating for each step that the labeler was asked about, as fields `step:POSITION:CANDIDATE`."""

    finish_reason = forms.ChoiceField(choices=FINISHES, label="Ended as")
    note = forms.CharField(max_length=2000, required=False, help_text="Why, for whoever looks at it later.")

    def __init__(self, *args: Any, steps: list[tuple[int, int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.places = [(position, candidate) for position, candidate, _ in steps]
        for position, candidate, _ in steps:
            self.fields[f"step:{position}:{candidate}"] = forms.ChoiceField(
                choices=ANSWERS, required=False, label=f"Step {position + 1}"
            )

    def rows(self, texts: list[str]) -> list[tuple[forms.BoundField, str]]:
        return [
            (self[f"step:{position}:{candidate}"], text)
            for (position, candidate), text in zip(self.places, texts, strict=True)
        ]
