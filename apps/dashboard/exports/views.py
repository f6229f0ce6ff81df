"""Exports: the policy builder, progress and results, comparisons, downloads."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from apps.accounts.http import AuthenticatedRequest
from apps.core.errors import DomainError
from apps.core.http.downloads import download, download_joined
from apps.core.http.ids import parse_id
from apps.core.jobs.model import JobStatus
from apps.core.json_input import read_json_object
from apps.dashboard.access import Place, export_of, place_for, saved_policy_of
from apps.dashboard.exports.forms import ExportForm, PastedPolicyForm
from apps.dashboard.exports.lineage import audit_context
from apps.dashboard.exports.pushes import pushes_context
from apps.dashboard.exports.queries import (
    comparable_exports,
    diff_context,
    export_context,
    policy_choices,
    preview_context,
)
from apps.dashboard.forms import OnceForm
from apps.dashboard.pagination import page_of
from apps.dashboard.removal.queries import listed
from apps.exports.default_sources import default_sources
from apps.exports.diffs.services import compare_exports
from apps.exports.files.archive import archive_of
from apps.exports.files.storage import export_file
from apps.exports.models import Export, SavedPolicy
from apps.exports.policy import LabelPolicy, PolicyError
from apps.exports.services import cancel_export, checked_policy, create_export, delete_policy, save_policy


@login_required
@require_GET
def exports(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "export")
    exports = Export.objects.filter(project=place.project).select_related("requested_by").defer("manifest")
    page = page_of(listed(exports, request), request.GET, size=30, newest_first=True)
    return render(request, "exports/exports.html", place.context("exports", page=page))


@login_required
@require_http_methods(["GET", "POST"])
def new_export(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """The policy builder. Its buttons make the export, save the policy, or fill the form from pasted JSON."""
    place = place_for(request.user, slug, "export")
    action = request.POST.get("action", "export")
    pasted = PastedPolicyForm(request.POST if action == "paste" else None)
    if request.method == "POST" and action != "paste":
        form = _form(place, request.POST)
        done = _save(form, place) if action == "save" else _export(form, place)
        if done is not None:
            return done
    else:
        initial = _pasted(pasted, request, place) if action == "paste" else _initial(request, place)
        form = _form(place, initial=initial)
    saved = SavedPolicy.objects.filter(project=place.project)
    context = place.context("export-new", form=form, pasted=pasted, saved=saved)
    return render(request, "exports/new.html", context, status=422 if form.errors or pasted.errors else 200)


def _form(place: Place, data: QueryDict | None = None, **options: Any) -> ExportForm:
    return ExportForm(data, choices=policy_choices(place.project), **options)


def _export(form: ExportForm, place: Place) -> HttpResponse | None:
    export = form.run(
        lambda data: create_export(
            project=place.project,
            format=data["format"],
            policy=form.policy,
            container=data["container"],
            requested_by=place.membership.user,
        )
    )
    return redirect("export", place.project.slug, export.pk) if export is not None else None


def _save(form: ExportForm, place: Place) -> HttpResponse | None:
    # A policy may be saved again and again from one page.
    saved = super(OnceForm, form).run(
        lambda data: save_policy(
            project=place.project,
            name=data["policy_name"],
            format=data["format"],
            policy=form.policy,
            saved_by=place.membership.user,
        )
    )
    if saved is None:
        return None
    return redirect(f"{reverse('export-new', args=[place.project.slug])}?policy={saved.pk}")


def _pasted(pasted: PastedPolicyForm, request: AuthenticatedRequest, place: Place) -> dict[str, Any]:
    """The form's initial values from pasted JSON; errors are shown at the paste."""
    initial = {name: request.POST[name] for name in ("format", "container") if name in request.POST}
    if not pasted.is_valid():
        return initial
    try:
        values = read_json_object(pasted.cleaned_data["policy"].encode(), field="policy")
        # A whole manifest contains its policy and its format.
        if isinstance(inner := values.get("policy"), dict) and "format" in values:
            initial["format"], values = values["format"], inner
        values = {"sources": default_sources(place.project, values), **values}
        return {**initial, **LabelPolicy.from_dict(values).to_dict()}
    except (DomainError, PolicyError) as error:
        pasted.add_error("policy", str(error))
        return initial


def _initial(request: AuthenticatedRequest, place: Place) -> dict[str, Any]:
    """The settings of the export that `?like=ID` names, or of the saved policy `?policy=ID`; else the project's defaults."""
    if (like := parse_id(request.GET.get("like", ""))) is not None:
        earlier = export_of(place, like)
        return {**earlier.policy, "format": earlier.format, "container": earlier.container}
    if (saved := parse_id(request.GET.get("policy", ""))) is not None:
        policy = saved_policy_of(place, saved)
        return {**policy.policy, "format": policy.format, "policy_name": policy.name}
    return {"sources": default_sources(place.project)}


@login_required
@require_POST
def preview(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """The first rows as a trainer reads them, and the counts of a sample."""
    place = place_for(request.user, slug, "export")
    form = _form(place, request.POST)
    context: dict[str, Any] = {"form": form, "project": place.project}
    if form.is_valid():
        try:
            policy = checked_policy(form.cleaned_data["format"], form.policy, place.project)
            context |= preview_context(place.project, form.cleaned_data["format"], policy)
        except DomainError as error:
            form.add_domain_error(error)
    return render(request, "exports/_preview.html", context)


@login_required
@require_POST
def delete_saved_policy(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "export")
    delete_policy(policy=saved_policy_of(place, pk), actor=request.user)
    return redirect("export-new", slug)


@login_required
@require_GET
def export(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    """The progress of an export and its result; htmx polls the fragment."""
    place = place_for(request.user, slug, "export")
    export = export_of(place, pk)
    context = place.context("exports", export=export, **export_context(export))
    if export.status == JobStatus.FINISHED and not request.htmx:
        context |= audit_context(place, export) | pushes_context(export)
    return render(request, "exports/_export.html" if request.htmx else "exports/export.html", context)


@login_required
@require_GET
def compare(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """What differs from export `before` to export `after`; htmx polls the fragment while a worker compares them."""
    place = place_for(request.user, slug, "export")
    ids = [parse_id(request.GET.get(name, "")) for name in ("before", "after")]
    before, after = (export_of(place, pk) if pk is not None else None for pk in ids)
    context: dict[str, Any] = {"before": before, "after": after, "choices": comparable_exports(place.project)}
    if before is not None and after is not None:
        try:
            context |= diff_context(compare_exports(before=before, after=after))
        except DomainError as error:
            context["problem"] = error.message
    template = "exports/_diff.html" if request.htmx else "exports/compare.html"
    return render(
        request, template, place.context("export-compare", **context), status=422 if "problem" in context else 200
    )


@login_required
@require_POST
def cancel(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "export")
    cancel_export(export=export_of(place, pk), actor=request.user)
    return redirect("export", slug, pk)


@login_required
@require_safe
def file(request: AuthenticatedRequest, slug: str, pk: int, name: str) -> HttpResponseBase:
    """A part, the card or the manifest, or the requested range of it."""
    found = export_file(export_of(place_for(request.user, slug, "export"), pk), name)
    return download(request, found.path, etag=found.sha256)


@login_required
@require_safe
def archive(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponseBase:
    """All files in one tar, or the requested range of it."""
    found = archive_of(export_of(place_for(request.user, slug, "export"), pk))
    return download_joined(request, found.pieces, name=found.name, etag=found.etag)
