"""The search form of the audit log."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q

from apps.corpus.models import Step
from apps.dashboard.forms import ServiceForm

# The beginning of the verbs, and what they are about.
KINDS = [
    ("", "any"),
    ("consensus.", "consensus"),
    ("solution.", "adjudicated and split solutions"),
    ("step.", "adjudicated steps"),
    ("gold.", "gold"),
    ("assignment.", "submissions: corrected, returned, accepted"),
    ("report.", "reports of problems"),
    ("problem.", "problems"),
    ("import.", "imports"),
    ("round.", "rounds"),
    ("task.", "tasks: assigned, taken back, priority"),
    ("screening.", "screenings"),
    ("member.", "members"),
    ("invitation.", "invitations"),
    ("project.", "project settings"),
    ("guidelines.", "guidelines"),
    ("quality.", "quality rules"),
    ("endpoint.", "endpoints"),
    ("estimation.", "estimation runs"),
    ("sampling.", "sampling runs"),
    ("scoring.", "scoring runs"),
    ("reward_model.", "reward model"),
    ("judging.", "judge runs"),
    ("judge.", "judges: saved, certified, refused"),
    ("constitution.", "constitutions"),
    ("chorus.", "choruses"),
    ("cascade.", "cascades"),
    ("evaluation.", "evaluations"),
    ("export.", "exports"),
    ("audit.", "release audits"),
    ("policy.", "saved policies"),
    ("contamination_list.", "contamination lists"),
    ("view.", "shared views of tasks"),
    ("token.", "API tokens"),
]

# What people call a thing, and the beginnings of the verbs that are about it by its number.
_NOUNS = {
    "submission": ("assignment.", "report."),
    "assignment": ("assignment.", "report."),
    "solution": ("solution.", "gold.", "consensus."),
    "problem": ("problem.",),
    "round": ("round.", "screening."),
    "screening": ("round.", "screening."),
    "export": ("export.", "audit."),
    "evaluation": ("evaluation.",),
    "guidelines": ("guidelines.",),
}
_NUMBERED = re.compile(r"([a-z]+) (-?\d{1,18})")


class AuditForm(ServiceForm):
    who = forms.CharField(max_length=200, required=False, label="Person", help_text="Part of a name or e-mail address.")
    verb = forms.ChoiceField(choices=KINDS, required=False, label="Kind")
    target = forms.CharField(
        max_length=200, required=False, label="Thing", help_text="Such as round 3, solution 12, a name or an address."
    )
    since = forms.DateField(required=False, label="From", widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(required=False, label="To", widget=forms.DateInput(attrs={"type": "date"}))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("since") and data.get("until") and data["since"] > data["until"]:
            raise ValidationError({"until": "must not be before the first day"})
        return data

    def matches(self) -> Q:
        """The events that the form asks for."""
        search = self.cleaned_data if self.is_bound and self.is_valid() else {}
        wanted = Q()
        if search.get("verb"):
            wanted &= Q(verb__startswith=search["verb"])
        if search.get("who"):
            wanted &= Q(actor__email__icontains=search["who"]) | Q(actor__name__icontains=search["who"])
        if search.get("target"):
            wanted &= about(search["target"])
        if search.get("since"):
            wanted &= Q(at__date__gte=search["since"])
        if search.get("until"):
            wanted &= Q(at__date__lte=search["until"])
        return wanted


def about(thing: str) -> Q:
    """Events about the thing: `round 3` and `solution 12` by number, with the steps of a solution; all else by its text."""
    text = " ".join(thing.split())
    found = _NUMBERED.fullmatch(text.lower())
    if found is None or found[1] not in _NOUNS:
        return Q(target__iexact=text) | (Q(target__icontains=text) if not text.isdecimal() else Q())
    noun, number = found[1], int(found[2])
    target = str(-abs(number) if noun == "screening" else number)
    by_verb = Q(pk=None)
    for beginning in _NOUNS[noun]:
        by_verb |= Q(verb__startswith=beginning)
    matching = by_verb & Q(target=target)
    if noun == "solution":
        steps = [str(pk) for pk in Step.objects.filter(solution=number).values_list("pk", flat=True)]
        matching |= Q(verb__startswith="step.", target__in=steps)
    return matching
