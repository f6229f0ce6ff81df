"""Searching a project's trail."""

from __future__ import annotations

from django import forms

from apps.dashboard.forms import ServiceForm

KINDS = [
    ("", "anything"),
    ("assignment.", "turns: corrected, returned, accepted"),
    ("consensus.", "what stands"),
    ("step.", "steps settled by a reviewer"),
    ("solution.", "solutions settled by a reviewer"),
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
]


class AuditForm(ServiceForm):
    verb = forms.ChoiceField(choices=KINDS, required=False, label="What")
    who = forms.CharField(max_length=200, required=False)
    target = forms.CharField(max_length=200, required=False, label="Of", help_text="A number, or an e-mail address.")
    since = forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}))
