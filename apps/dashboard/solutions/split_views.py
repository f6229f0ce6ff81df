"""Split the text of a solution into other steps."""

from __future__ import annotations

import re

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from apps.accounts.http import AuthenticatedRequest
from apps.dashboard.access import place_for, solution_of
from apps.dashboard.solutions.forms import STEP_SEPARATOR, SplitForm
from apps.quality.review.impartiality import check_impartial
from apps.quality.review.resplit import resplit_by_reviewer

_SEPARATOR_LINE = re.compile(r"^[ \t]*---[ \t]*$", re.MULTILINE)


@login_required
@require_http_methods(["GET", "POST"])
def split(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    """A form with the steps, separated by lines of three dashes."""
    place = place_for(request.user, slug, "review")
    solution = solution_of(place, pk)
    check_impartial([solution], request.user)  # Before the form is filled in.
    texts = solution.steps.filter(chosen=True).order_by("position").values_list("text", flat=True)
    form = SplitForm(request.POST or None, initial={"steps": f"\n{STEP_SEPARATOR}\n".join(texts)})
    new_version = form.run(
        lambda data: resplit_by_reviewer(solution=solution, texts=_SEPARATOR_LINE.split(data["steps"]), by=request.user)
    )
    if new_version is not None:
        messages.success(
            request, "Steps saved as a new version. The labels of the old steps stay with the old version."
        )
        return redirect("solution", slug, new_version.pk)
    context = place.context("solutions", solution=solution, form=form)
    return render(request, "solutions/split.html", context, status=422 if form.errors else 200)
