"""Projects, people, guidelines."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.dashboard.forms import ServiceForm
from apps.projects.models import Role
from apps.verifiers.registry import VERIFIERS


class NewProjectForm(ServiceForm):
    name = forms.CharField(max_length=200, widget=forms.TextInput(attrs={"autofocus": True}))
    slug = forms.SlugField(
        max_length=64,
        label="Short name",
        help_text="In addresses and commands: letters, digits, - and _. It stays.",
        widget=forms.TextInput(attrs={"data-slug-of": "id_name"}),
    )
    description = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 2}))
    verifier = forms.ChoiceField(
        choices=[(name, name) for name in VERIFIERS],
        initial="math",
        label="Answers are compared as",
        help_text="For problems that name no verifier of their own.",
    )


class ProjectForm(ServiceForm):
    name = forms.CharField(max_length=200)
    description = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 3}))
    shows_scores = forms.BooleanField(
        required=False,
        label="Labelers see how far they agree with gold",
        help_text="In My work, from ten gold tasks on.",
    )


class RoleForm(ServiceForm):
    role = forms.ChoiceField(choices=Role.choices)


class SkillsForm(ServiceForm):
    skills = forms.CharField(required=False, max_length=1000)


class InvitationForm(ServiceForm):
    role = forms.ChoiceField(choices=Role.choices, initial=Role.LABELER)
    uses = forms.IntegerField(min_value=1, max_value=1000, initial=1, label="Good for so many people")
    days = forms.IntegerField(min_value=1, max_value=365, initial=7, label="Days until it expires")

    def __init__(self, *args: Any, up_to: Role, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["role"]
        assert isinstance(field, forms.ChoiceField)
        # Nobody can invite somebody above themselves: what cannot be done is not offered.
        field.choices = [(role.value, role.label) for role in Role if up_to.covers(role)]


class GuidelinesForm(ServiceForm):
    text = forms.CharField(
        max_length=100_000,
        label="Guidelines",
        help_text="Markdown. Formulas stand between dollar signs. Saving makes a new version; open rounds keep theirs.",
        widget=forms.Textarea(attrs={"rows": 24, "class": "source", "spellcheck": "true"}),
    )
