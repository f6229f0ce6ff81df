"""A bad split of steps, mended: one text in which lines of three dashes part the steps."""

from __future__ import annotations

import re

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from apps.accounts.http import AuthenticatedRequest
from apps.dashboard.access import place_for, solution_of
from apps.dashboard.forms import ServiceForm
from apps.quality.review.impartiality import check_sides
from apps.quality.review.resplit import resplit_by_reviewer

MARK = "---"
_MARK_LINE = re.compile(r"^[ \t]*---[ \t]*$", re.MULTILINE)


class SplitForm(ServiceForm):
    steps = forms.CharField(
        label="Steps",
        strip=False,
        max_length=500_000,
        help_text=f"A line {MARK} parts two steps. Add, move or take away such lines; leave the text as it is.",
        widget=forms.Textarea(attrs={"rows": 20, "class": "source", "spellcheck": "false"}),
    )


@login_required
@require_http_methods(["GET", "POST"])
def split(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "review")
    found = solution_of(place, pk)
    check_sides([found], request.user)  # Before anybody fills a form in vain.
    texts = found.steps.filter(chosen=True).order_by("position").values_list("text", flat=True)
    form = SplitForm(request.POST or None, initial={"steps": f"\n{MARK}\n".join(texts)})
    newer = form.run(
        lambda data: resplit_by_reviewer(solution=found, texts=_MARK_LINE.split(data["steps"]), by=request.user)
    )
    if newer is not None:
        messages.success(request, "This is the newer version. What was said of the old steps stays with the older one.")
        return redirect("solution", slug, newer.pk)
    context = place.context("review", solution=found, form=form)
    return render(request, "solutions/split.html", context, status=422 if form.errors else 200)
