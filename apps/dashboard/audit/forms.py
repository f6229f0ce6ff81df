"""The search form of the audit log."""

from __future__ import annotations

from django import forms

from apps.dashboard.forms import ServiceForm

KINDS = [
    ("", "any"),
    ("assignment.", "submissions: corrected, returned, accepted"),
    ("consensus.", "consensus"),
    ("step.", "adjudicated steps"),
    ("solution.", "adjudicated solutions"),
    ("gold.", "gold"),
    ("member.", "members"),
    ("invitation.", "invitations"),
    ("round.", "rounds"),
    ("screening.", "screenings"),
    ("problem.", "problems"),
    ("quality.", "quality rules"),
    ("guidelines.", "guidelines"),
    ("endpoint.", "endpoints"),
    ("export.", "exports"),
    ("judge.", "judges: saved, certified, refused"),
    ("judging.", "judge runs"),
    ("constitution.", "constitutions"),
    ("chorus.", "choruses"),
    ("cascade.", "cascades"),
]


class AuditForm(ServiceForm):
    verb = forms.ChoiceField(choices=KINDS, required=False, label="Change")
    who = forms.CharField(max_length=200, required=False, label="User", help_text="Part of a name or e-mail address.")
    target = forms.CharField(max_length=200, required=False, help_text="An ID or an e-mail address.")
    since = forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}))
