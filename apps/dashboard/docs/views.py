"""The docs as pages. They are public, as the repository is: who cannot sign in finds out here why."""

from __future__ import annotations

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from apps.dashboard.docs.documents import DECISIONS, all_docs, doc_of, groups, images
from apps.dashboard.docs.formats import format_page, formats_by_group, mentions
from apps.dashboard.docs.search import LONGEST_QUERY, SHOWN, search


@require_GET
def start(request: HttpRequest) -> HttpResponse:
    return render(request, "docs/start.html", {"groups": groups(), "formats": formats_by_group()})


@require_GET
def page(request: HttpRequest, name: str) -> HttpResponse:
    return _page(request, name)


@require_GET
def decisions(request: HttpRequest) -> HttpResponse:
    return _page(request, "decisions")


@require_GET
def decision(request: HttpRequest, name: str) -> HttpResponse:
    return _page(request, f"{DECISIONS}{name}")


def _page(request: HttpRequest, name: str) -> HttpResponse:
    doc = doc_of(name)
    if doc is None:
        raise Http404("No such page of the docs.")
    return render(request, "docs/page.html", {"doc": doc, "groups": groups()})


@require_GET
def image(request: HttpRequest, name: str) -> FileResponse:
    path = images().get(name)
    if path is None:
        raise Http404("No such image.")
    return FileResponse(path.open("rb"))


@require_GET
def search_docs(request: HttpRequest) -> HttpResponse:
    """The sections that hold all words of `q`; of many, the first."""
    query = request.GET.get("q", "")[:LONGEST_QUERY].strip()
    hits = search(all_docs(), query)
    context = {"query": query, "hits": hits[:SHOWN], "count": len(hits), "shown": SHOWN, "groups": groups()}
    return render(request, "docs/search.html", context)


@require_GET
def formats(request: HttpRequest) -> HttpResponse:
    return render(request, "docs/formats.html", {"formats": formats_by_group(), "groups": groups()})


@require_GET
def format_(request: HttpRequest, name: str) -> HttpResponse:
    shown = format_page(name)
    if shown is None:
        raise Http404("No such format.")
    context = {"format": shown.format, "shown": shown, "mentions": mentions(name), "groups": groups()}
    return render(request, "docs/format.html", context)
