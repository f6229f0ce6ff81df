"""What a reviewer narrows a queue by, and says of a turn."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.dashboard.access import Place
from apps.dashboard.browsing import facets_of
from apps.dashboard.forms.base import ServiceForm
from apps.labeling.models import Round
from apps.projects.models import Membership
from apps.quality.queues import Narrowing

ANY = ("", "any")
MOST_PEOPLE = 500


class QueueForm(forms.Form):
    """Filters as an address holds them; what it does not know lets everything through."""

    round = forms.ChoiceField(required=False)
    source = forms.ChoiceField(required=False, label="Written by")
    subject = forms.ChoiceField(required=False)
    labeler = forms.ChoiceField(required=False)

    def __init__(self, *args: Any, place: Place, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        facets = facets_of(place.project)
        rounds = Round.objects.filter(project=place.project).order_by("number").only("number", "name")
        self.people = _people(place)
        for name, choices in (
            ("round", [(str(one.number), str(one)) for one in rounds]),
            ("source", [(value, value) for value in facets.sources]),
            ("subject", [(value, value) for value in facets.subjects]),
            ("labeler", [(str(member.pk), name) for member, name in self.people]),
        ):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [ANY, *choices]
            if not choices:
                del self.fields[name]

    @property
    def query(self) -> dict[str, str]:
        """What is asked for and holds, for an address."""
        self.is_valid()
        return {name: str(value) for name, value in self.cleaned_data.items() if value}

    @property
    def narrowing(self) -> Narrowing:
        asked = self.query
        labelers = {str(member.pk): member.user_id for member, _ in self.people}
        return Narrowing(
            round=int(asked["round"]) if "round" in asked else None,
            source=asked.get("source"),
            subject=asked.get("subject"),
            labeler=labelers[asked["labeler"]] if "labeler" in asked else None,
        )


def _people(place: Place) -> list[tuple[Membership, str]]:
    """Whoever is or was in the project, under the name that the reader may see."""
    members = Membership.objects.filter(project=place.project).select_related("user").order_by("pk")[:MOST_PEOPLE]
    named = place.names_people()
    shown = [
        (one, str(one.user) if named and one.status != Membership.Status.IMPORTED else one.pseudonym[:8])
        for one in members
    ]
    return sorted(shown, key=lambda one: one[1].casefold())


class WordForm(ServiceForm):
    note = forms.CharField(max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 2}))


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
