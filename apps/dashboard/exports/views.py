"""Training files: asked for, made, downloaded."""

from __future__ import annotations

from typing import Any

import msgspec
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.http import AuthenticatedRequest
from apps.core.http.downloads import download
from apps.dashboard.access import Place, export_of, place_for
from apps.dashboard.exports.forms import EXTRA_QUESTIONS, FILTERS, PAIR_QUESTIONS, SPLITS, ExportForm
from apps.dashboard.pagination import page_of
from apps.dashboard.solutions.queries import facets_of
from apps.exports.formats import FORMATS
from apps.exports.models import Export
from apps.exports.services import cancel_export, create_export, part_path
from apps.judging.models import Judge
from apps.labeling.models import Round


@login_required
@require_GET
def exports(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "export")
    found = Export.objects.filter(project=place.project).select_related("requested_by").defer("manifest")
    page = page_of(found, request.GET, size=30, newest_first=True)
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
        initial=_again(request, place),
    )
    export = form.run(lambda data: _create(place, data, form.policy))
    if export is not None:
        return redirect("export", slug, export.pk)
    groups = {name: [form[field] for field in fields if field in form.fields] for name, fields in GROUPS.items()}
    context = place.context("exports", form=form, formats=FORMATS.values(), groups=groups)
    return render(request, "exports/new.html", context, status=422 if form.errors else 200)


GROUPS = {"questions": EXTRA_QUESTIONS, "pairs": PAIR_QUESTIONS, "filters": FILTERS, "splits": SPLITS}


def _create(place: Place, data: dict[str, Any], policy: dict[str, Any]) -> Export:
    return create_export(
        project=place.project,
        format=data["format"],
        policy=policy,
        container=data["container"],
        requested_by=place.membership.user,
    )


def _again(request: AuthenticatedRequest, place: Place) -> dict[str, Any]:
    """The questions as an earlier export answered them: `?like=ID`."""
    like = request.GET.get("like", "")
    if not like.isdecimal() or len(like) > 18:
        return {}
    earlier = export_of(place, int(like))
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
    """How far it is and what it came to; htmx asks for the moving part alone."""
    place = place_for(request.user, slug, "export")
    found = export_of(place, pk)
    told = found.manifest or {}
    context = place.context(
        "exports",
        export=found,
        format=FORMATS.get(found.format),
        counts=told.get("counts", {}),
        tallies=_tallies(told.get("counts", {})),
        policy=[(name.replace("_", " "), _shown(value)) for name, value in found.policy.items()],
        manifest=msgspec.json.format(msgspec.json.encode(told), indent=2).decode() if told else "",
    )
    return render(request, "exports/_export.html" if request.htmx else "exports/export.html", context)


def _tallies(counts: dict[str, Any]) -> list[tuple[str, list[tuple[str, int, float]]]]:
    """The manifest's counts as tables: name, count, share. What was left out has a table for each unit."""
    tallies = [
        (title, _with_shares(counts.get(key, {}))) for key, title in (("labels", "Labels"), ("sources", "Taken from"))
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
    return [(name, count, count / total) for name, count in sorted(tally.items(), key=lambda one: -one[1])]


def _shown(value: Any) -> str:
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
@require_GET
def part(request: AuthenticatedRequest, slug: str, pk: int, index: int) -> HttpResponseBase:
    """One file of it, or the range that is asked for."""
    place = place_for(request.user, slug, "export")
    return download(request, part_path(export_of(place, pk), index))


@login_required
@require_GET
def manifest(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponseBase:
    place = place_for(request.user, slug, "export")
    return download(request, part_path(export_of(place, pk)).with_name("manifest.json"))
