"""The solution browser."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from apps.accounts.http import AuthenticatedRequest
from apps.corpus.facets import facets_of
from apps.corpus.holdings import holdings_of
from apps.dashboard.access import place_for
from apps.dashboard.pagination import page_of
from apps.dashboard.solutions.forms import BrowseForm
from apps.dashboard.solutions.queries import browse, for_list, with_strips


@login_required
@require_GET
def solutions(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "browse")
    form = BrowseForm(request.GET or None, facets=facets_of(place.project))
    filters = form.cleaned_data if form.is_bound and form.is_valid() else {}
    page = page_of(for_list(browse(place.project, filters)), request.GET)
    context = place.context(
        "solutions",
        form=form,
        page=page,
        solutions=with_strips(page.rows),
        is_filtered=any(filters.values()),
        holdings=holdings_of(place.project),
    )
    return render(request, "solutions/solutions.html", context)
