"""The audit log of a project: who changed what, when, from what and to what."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from django.contrib.auth.decorators import login_required
from django.db.models import Q, QuerySet
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from apps.accounts.http import AuthenticatedRequest
from apps.accounts.models import AuditEvent
from apps.dashboard.access import place_for
from apps.dashboard.audit.forms import AuditForm
from apps.dashboard.pagination import page_of


@login_required
@require_GET
def audit(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "audit")
    form = AuditForm(request.GET or None)
    page = page_of(_events(slug, form), request.GET, newest_first=True)
    query = request.GET.copy()
    for name in ("before", "after"):
        query.pop(name, None)
    return render(request, "audit/audit.html", place.context("audit", form=form, page=page, query=query.urlencode()))


@login_required
@require_GET
def audit_file(request: AuthenticatedRequest, slug: str) -> StreamingHttpResponse:
    """The events that match the search as JSON Lines, newest first; streamed."""
    place_for(request.user, slug, "audit")
    events = _events(slug, AuditForm(request.GET or None)).order_by("-pk")
    headers = {"Content-Disposition": f'attachment; filename="{slug}-audit.jsonl"'}
    return StreamingHttpResponse(_lines(events), content_type="application/x-ndjson", headers=headers)


def _events(slug: str, form: AuditForm) -> QuerySet[AuditEvent]:
    events = AuditEvent.objects.filter(project=slug).select_related("actor")
    search = form.cleaned_data if form.is_bound and form.is_valid() else {}
    if search.get("verb"):
        events = events.filter(verb__startswith=search["verb"])
    if search.get("who"):
        events = events.filter(Q(actor__email__icontains=search["who"]) | Q(actor__name__icontains=search["who"]))
    if search.get("target"):
        events = events.filter(target=search["target"])
    if search.get("since"):
        events = events.filter(at__date__gte=search["since"])
    if search.get("until"):
        events = events.filter(at__date__lte=search["until"])
    return events


def _lines(events: QuerySet[AuditEvent]) -> Iterator[bytes]:
    for event in events.iterator(chunk_size=2000):
        line = {
            "at": event.at,
            "who": event.actor.email if event.actor else None,
            "verb": event.verb,
            "target": event.target,
            "before": event.before,
            "after": event.after,
        }
        yield msgspec.json.encode(line) + b"\n"
