"""Exports: create, follow, cancel and download."""

from __future__ import annotations

from typing import Any

import msgspec
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from apps.accounts.http import AuthenticatedRequest
from apps.core.http.downloads import download, download_joined
from apps.core.http.ids import parse_id
from apps.corpus.facets import facets_of
from apps.dashboard.access import Place, export_of, place_for
from apps.dashboard.exports.forms import EXTRA_QUESTIONS, FILTERS, PAIR_QUESTIONS, SPLITS, ExportForm
from apps.dashboard.pagination import page_of
from apps.exports.archive import archive_of
from apps.exports.files import export_file
from apps.exports.formats import FORMATS
from apps.exports.models import Export
from apps.exports.services import cancel_export, create_export
from apps.judging.models import Judge
from apps.labeling.models import Round


@login_required
@require_GET
def exports(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "export")
    exports = Export.objects.filter(project=place.project).select_related("requested_by").defer("manifest")
    page = page_of(exports, request.GET, size=30, newest_first=True)
    return render(request, "exports/exports.html", place.context("exports", page=page))


@login_required
@require_http_methods(["GET", "POST"])
def new_export(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "export")
    rounds = list(Round.objects.filter(project=place.project).order_by("number"))
    form = ExportForm(
        request.POST or None,
        facets=facets_of(place.project),
        rounds=rounds,
        judges=list(Judge.objects.filter(project=place.project)),
        initial=_initial(request, place),
    )
    export = form.run(
        lambda data: create_export(
            project=place.project,
            format=data["format"],
            policy=form.policy,
            container=data["container"],
            requested_by=request.user,
        )
    )
    if export is not None:
        return redirect("export", slug, export.pk)
    groups = {name: [form[field] for field in fields if field in form.fields] for name, fields in GROUPS.items()}
    context = place.context("exports", form=form, formats=FORMATS.values(), groups=groups)
    return render(request, "exports/new.html", context, status=422 if form.errors else 200)


GROUPS = {"questions": EXTRA_QUESTIONS, "pairs": PAIR_QUESTIONS, "filters": FILTERS, "splits": SPLITS}


def _initial(request: AuthenticatedRequest, place: Place) -> dict[str, Any]:
    """The settings of the export that `?like=ID` names; empty without one."""
    like = parse_id(request.GET.get("like", ""))
    if like is None:
        return {}
    earlier = export_of(place, like)
    policy = dict(earlier.policy)
    ranked = {f"source_{rank}": name for rank, name in enumerate(policy.pop("sources", []), 1)}
    splits = policy.pop("splits", {})
    return {
        **policy,
        "format": earlier.format,
        "container": earlier.container,
        "splits": ", ".join(f"{name} {100 * share:g}" for name, share in splits.items()),
        **dict.fromkeys(("source_1", "source_2", "source_3"), ""),
        **ranked,
    }


@login_required
@require_GET
def export(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    """The progress of an export and its result; htmx polls the fragment."""
    place = place_for(request.user, slug, "export")
    export = export_of(place, pk)
    manifest = export.manifest or {}
    context = place.context(
        "exports",
        export=export,
        format=FORMATS.get(export.format),
        counts=manifest.get("counts", {}),
        tallies=_tallies(manifest.get("counts", {})),
        policy=[(name.replace("_", " "), _policy_text(value)) for name, value in export.policy.items()],
        manifest=msgspec.json.format(msgspec.json.encode(manifest), indent=2).decode() if manifest else "",
    )
    return render(request, "exports/_export.html" if request.htmx else "exports/export.html", context)


def _tallies(counts: dict[str, Any]) -> list[tuple[str, list[tuple[str, int, float]]]]:
    """The manifest's counts as tables of name, count and share; one table of what was left out for each unit."""
    tallies = [
        (title, _with_shares(counts.get(key, {}))) for key, title in (("labels", "Labels"), ("sources", "Sources"))
    ]
    left_out: dict[str, dict[str, int]] = {}
    for name, count in counts.get("left_out", {}).items():
        unit, _, reason = name.partition(": ")
        left_out.setdefault(unit, {})[reason] = count
    if not left_out:
        return [*tallies, ("Left out", [])]
    return [*tallies, *((f"Left out: {unit}", _with_shares(reasons)) for unit, reasons in sorted(left_out.items()))]


def _with_shares(tally: dict[str, int]) -> list[tuple[str, int, float]]:
    total = sum(tally.values()) or 1
    return [(name, count, count / total) for name, count in sorted(tally.items(), key=lambda item: -item[1])]


def _policy_text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {100 * share:g} %" for name, share in value.items()) or "none"
    return (", ".join(map(str, value)) or "all") if isinstance(value, list) else str(value).replace("_", " ")


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
