"""The trail of a project: who changed what, when, from what and to what."""

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
    kept = request.GET.copy()
    for name in ("before", "after"):
        kept.pop(name, None)
    return render(request, "audit/audit.html", place.context("audit", form=form, page=page, query=kept.urlencode()))


@login_required
@require_GET
def audit_file(request: AuthenticatedRequest, slug: str) -> StreamingHttpResponse:
    """What fits the search, as JSON Lines, newest first; streamed."""
    place_for(request.user, slug, "audit")
    events = _events(slug, AuditForm(request.GET or None)).order_by("-pk")
    answer = StreamingHttpResponse(_lines(events), content_type="application/x-ndjson")
    answer["Content-Disposition"] = f'attachment; filename="{slug}-audit.jsonl"'
    return answer


def _events(slug: str, form: AuditForm) -> QuerySet[AuditEvent]:
    events = AuditEvent.objects.filter(project=slug).select_related("actor")
    wanted = form.cleaned_data if form.is_bound and form.is_valid() else {}
    if wanted.get("verb"):
        events = events.filter(verb__startswith=wanted["verb"])
    if wanted.get("who"):
        events = events.filter(Q(actor__email__icontains=wanted["who"]) | Q(actor__name__icontains=wanted["who"]))
    if wanted.get("target"):
        events = events.filter(target=wanted["target"])
    if wanted.get("since"):
        events = events.filter(at__date__gte=wanted["since"])
    if wanted.get("until"):
        events = events.filter(at__date__lte=wanted["until"])
    return events


def _lines(events: QuerySet[AuditEvent]) -> Iterator[bytes]:
    for one in events.iterator(chunk_size=2000):
        told = {
            "at": one.at,
            "who": one.actor.email if one.actor else None,
            "verb": one.verb,
            "target": one.target,
            "before": one.before,
            "after": one.after,
        }
        yield msgspec.json.encode(told) + b"\n"
