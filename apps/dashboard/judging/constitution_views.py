"""Constitutions: the principles of judges, read and edited. An edit makes another version."""

from __future__ import annotations

from typing import Any

import msgspec
from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from apps.accounts.http import AuthenticatedRequest
from apps.core.http.ids import parse_id
from apps.dashboard.access import Place, place_for
from apps.dashboard.forms import ServiceForm
from apps.judging.constitutions import Principle, constitution_of
from apps.judging.judges import USUAL_CONSTITUTION, newest_constitution, principles_of, save_constitution
from apps.judging.models import Constitution

SHOWN_VERSIONS = 100
MOST_PRINCIPLES = 100
PARTS = ("name", "critique", "revision", "question")
NAME = r"[a-z0-9][a-z0-9\-]*"
NAME_HELP = "Small letters, digits and hyphens."


class ConstitutionForm(ServiceForm):
    name = forms.RegexField(rf"^{NAME}$", max_length=100, label="Name of the constitution", help_text=NAME_HELP)


def _text(rows: int) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows})


class PrincipleForm(ServiceForm):
    """One principle. One without any text is left out when the constitution is saved."""

    name = forms.RegexField(rf"^{NAME}$", max_length=100)
    critique = forms.CharField(max_length=4000, label="Request for a critique", widget=_text(4))
    revision = forms.CharField(max_length=4000, label="Request for a revision", widget=_text(4))
    question = forms.CharField(max_length=4000, label="Question about two solutions", widget=_text(2))


PrincipleForms = forms.formset_factory(PrincipleForm, extra=0, can_delete=True, max_num=MOST_PRINCIPLES)


@login_required
@require_GET
def constitutions(request: AuthenticatedRequest, slug: str, pk: int | None = None) -> HttpResponse:
    """The newest constitution, or the one with this ID. Before there is one, that of the box, which judges use then."""
    place = place_for(request.user, slug, "browse")
    versions = Constitution.objects.filter(project=place.project).select_related("created_by").defer("principles")
    if pk is None:
        constitution = newest_constitution(place.project)
    else:
        constitution = get_object_or_404(Constitution, project=place.project, pk=pk)
    context = place.context(
        "constitutions",
        versions=versions.order_by("-pk")[:SHOWN_VERSIONS],
        constitution=constitution,
        principles=_principles(constitution),
    )
    return render(request, "judging/constitutions.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def edit_constitution(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """The principles of the constitution that `?from=ID` names, to be saved as a new version. `add` appends a principle."""
    place = place_for(request.user, slug, "estimate")
    base = _base(request, place)
    form = ConstitutionForm(request.POST or None, initial={"name": base.name if base else USUAL_CONSTITUTION})
    is_adding = "add" in request.POST
    if is_adding:
        form = ConstitutionForm(initial={"name": request.POST.get("name", "")})
        principles: Any = PrincipleForms(initial=[*_sent_principles(request.POST), {}])
    elif request.POST:
        principles = PrincipleForms(_as_new(request.POST))
        saved = _save(request, place, form, principles) if principles.is_valid() else None
        if saved is not None:
            messages.success(request, f"Saved as {saved}.")
            return redirect("constitution", slug, saved.pk)
    else:
        principles = PrincipleForms(initial=[msgspec.to_builtins(principle) for principle in _principles(base)])
    context = place.context("constitutions", form=form, principles=principles, base=base, is_adding=is_adding)
    is_refused = bool(request.POST) and not is_adding
    return render(request, "judging/constitution_edit.html", context, status=422 if is_refused else 200)


def _base(request: AuthenticatedRequest, place: Place) -> Constitution | None:
    pk = parse_id(request.GET.get("from", ""))
    named = Constitution.objects.filter(project=place.project, pk=pk).first() if pk is not None else None
    return named or newest_constitution(place.project)


def _principles(constitution: Constitution | None) -> list[Principle]:
    return list(principles_of(constitution) if constitution else constitution_of(USUAL_CONSTITUTION).principles)


def _as_new(data: QueryDict) -> QueryDict:
    """As if all forms were new: one without any text is then valid, and left out."""
    copy = data.copy()
    copy["form-INITIAL_FORMS"] = "0"
    return copy


def _sent_principles(data: QueryDict) -> list[dict[str, str]]:
    count = min(parse_id(data.get("form-TOTAL_FORMS", "")) or 0, MOST_PRINCIPLES - 1)
    return [{part: data.get(f"form-{index}-{part}", "") for part in PARTS} for index in range(count)]


def _save(request: AuthenticatedRequest, place: Place, form: ConstitutionForm, principles: Any) -> Constitution | None:
    kept = [one.cleaned_data for one in principles.forms if one.cleaned_data and not one.cleaned_data.get("DELETE")]
    values = [{part: one[part] for part in PARTS} for one in kept]
    return form.run(
        lambda data: save_constitution(
            project=place.project,
            values={"name": data["name"], "title": data["name"], "principles": values},
            created_by=request.user,
        )
    )
