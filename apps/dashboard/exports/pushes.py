"""Pushing an export to a Hub: the form, and what became of earlier pushes."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.http import AuthenticatedRequest
from apps.dashboard.access import export_of, place_for
from apps.dashboard.forms import ServiceForm
from apps.exports.hub.client import LONGEST_REPOSITORY
from apps.exports.hub.services import LONGEST_TOKEN, missing_for_pushes, push_export, pushes_of
from apps.exports.models import Export

SHOWN = 10


class HubPushForm(ServiceForm):
    repository = forms.CharField(
        max_length=LONGEST_REPOSITORY,
        help_text="OWNER/NAME of a dataset. It is made if there is none.",
        widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false", "placeholder": "lab/steps"}),
    )
    token = forms.CharField(
        max_length=LONGEST_TOKEN,
        help_text="With the right to write there. It is used for this push and then forgotten.",
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )
    is_public = forms.BooleanField(
        required=False,
        label="Public",
        help_text="Everyone can read the data. Otherwise the repository is private, and a public one is refused.",
    )


def pushes_context(export: Export, form: HubPushForm | None = None) -> dict[str, Any]:
    """What the page of an export shows of its pushes."""
    pushes = list(pushes_of(export)[:SHOWN])
    return {
        "pushes": pushes,
        "has_live_push": any(not push.has_ended for push in pushes),
        "hub": settings.HUB_URL,
        "missing_for_pushes": missing_for_pushes(),
        "push_form": form or HubPushForm(),
    }


@login_required
@require_GET
def pushes(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    """The earlier pushes, which htmx polls while one is under way."""
    place = place_for(request.user, slug, "export")
    export = export_of(place, pk)
    return render(request, "exports/_pushes.html", place.context("exports", export=export, **pushes_context(export)))


@login_required
@require_POST
@sensitive_post_parameters("token")
def push(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "export")
    export = export_of(place, pk)
    form = HubPushForm(request.POST)
    done = form.run(
        lambda data: push_export(
            export=export,
            repository=data["repository"],
            token=data["token"],
            is_private=not data["is_public"],
            requested_by=request.user,
        )
    )
    if done is None:
        context = place.context("exports", export=export, **pushes_context(export, form))
        return render(request, "exports/push.html", context, status=422)
    messages.success(request, f"A worker pushes the export to {done.repository}.")
    return redirect("export", slug, pk)
