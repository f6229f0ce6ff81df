"""Forms for projects, their members, invitations and guidelines."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.dashboard.forms import ServiceForm
from apps.projects.models import Role
from apps.projects.services import LONGEST_GUIDELINES
from apps.verifiers.registry import VERIFIERS


class NewProjectForm(ServiceForm):
    name = forms.CharField(max_length=200, widget=forms.TextInput(attrs={"autofocus": True}))
    slug = forms.SlugField(
        max_length=64,
        label="Short name",
        help_text="Used in URLs and commands: letters, digits, - and _. It cannot be changed later.",
        widget=forms.TextInput(attrs={"data-slug-of": "id_name"}),
    )
    description = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 2}))
    verifier = forms.ChoiceField(
        choices=[(name, name) for name in VERIFIERS],
        initial="math",
        label="Verifier",
        help_text="How answers are compared, for problems that name no verifier of their own.",
    )


class ProjectForm(ServiceForm):
    name = forms.CharField(max_length=200)
    description = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 3}))
    shows_scores = forms.BooleanField(
        required=False,
        label="Show labelers their agreement with gold",
        help_text="On the page My work, after ten gold tasks.",
    )
    renders_texts = forms.BooleanField(
        required=False,
        label="Render Markdown, code and tables",
        help_text="In problems, steps, solutions and rationales. Otherwise only formulas are typeset.",
    )


class RoleForm(ServiceForm):
    role = forms.ChoiceField(choices=Role.choices)


class SkillsForm(ServiceForm):
    skills = forms.CharField(required=False, max_length=1000)


class InvitationForm(ServiceForm):
    role = forms.ChoiceField(choices=Role.choices, initial=Role.LABELER)
    uses = forms.IntegerField(min_value=1, max_value=1000, initial=1, label="Number of people")
    days = forms.IntegerField(min_value=1, max_value=365, initial=7, label="Days until it expires")

    def __init__(self, *args: Any, up_to: Role, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["role"]
        assert isinstance(field, forms.ChoiceField)
        # Members cannot invite people above their own role.
        field.choices = [(role.value, role.label) for role in Role if up_to.covers(role)]


class GuidelinesForm(ServiceForm):
    text = forms.CharField(
        max_length=LONGEST_GUIDELINES,
        label="Guidelines",
        help_text="Markdown, with formulas between dollar signs. Saving creates a new version; rounds keep theirs.",
        widget=forms.Textarea(attrs={"rows": 24, "class": "source", "spellcheck": "true"}),
    )
