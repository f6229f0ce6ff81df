"""The audit log of a project: who changed what, when, from what and to what."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import msgspec
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from apps.accounts.http import AuthenticatedRequest
from apps.accounts.models import AuditEvent
from apps.dashboard.access import place_for
from apps.dashboard.audit.forms import AuditForm
from apps.dashboard.audit.narration import narrate
from apps.dashboard.csv_files import csv_response
from apps.dashboard.pagination import page_of
from apps.projects.audit import events_of
from apps.projects.models import Project

CHUNK = 2000
COLUMNS = ("at", "who", "sentence", "kind", "target", "before", "after")


@login_required
@require_GET
def audit(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "audit")
    form = AuditForm(request.GET or None)
    page = page_of(_events(place.project, form), request.GET, newest_first=True)
    query = request.GET.copy()
    for name in ("before", "after"):
        query.pop(name, None)
    context = place.context(
        "audit", form=form, page=page, entries=list(narrate(slug, page.rows)), query=query.urlencode()
    )
    return render(request, "audit/audit.html", context)


@login_required
@require_GET
def audit_file(request: AuthenticatedRequest, slug: str) -> StreamingHttpResponse:
    """The events that match the search as JSON Lines, newest first; streamed."""
    place = place_for(request.user, slug, "audit")
    events = _events(place.project, AuditForm(request.GET or None)).order_by("-pk")
    headers = {"Content-Disposition": f'attachment; filename="{slug}-audit.jsonl"'}
    return StreamingHttpResponse(_lines(events), content_type="application/x-ndjson", headers=headers)


@login_required
@require_GET
def audit_table(request: AuthenticatedRequest, slug: str) -> StreamingHttpResponse:
    """The events that match the search as CSV, each with its sentence, newest first; streamed."""
    place = place_for(request.user, slug, "audit")
    events = _events(place.project, AuditForm(request.GET or None)).order_by("-pk")
    return csv_response(_rows(slug, events), f"{slug}-audit")


def _events(project: Project, form: AuditForm) -> QuerySet[AuditEvent]:
    return events_of(project).filter(form.matches()).select_related("actor")


def _lines(events: QuerySet[AuditEvent]) -> Iterator[bytes]:
    for event in events.iterator(chunk_size=CHUNK):
        line = {
            "at": event.at,
            "who": event.actor.email if event.actor else None,
            "verb": event.verb,
            "target": event.target,
            "before": event.before,
            "after": event.after,
        }
        yield msgspec.json.encode(line) + b"\n"


def _rows(slug: str, events: QuerySet[AuditEvent]) -> Iterator[tuple[str, ...]]:
    yield COLUMNS
    stream = events.iterator(chunk_size=CHUNK)
    while chunk := list(islice(stream, CHUNK)):
        for narrated in narrate(slug, chunk):
            event = narrated.event
            recorded = (_json(event.before), _json(event.after))
            yield event.at.isoformat(), narrated.address, narrated.text, event.verb, event.target, *recorded


def _json(value: Any) -> str:
    return "" if value is None else msgspec.json.encode(value).decode()
