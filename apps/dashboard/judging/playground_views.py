"""The playground: one judge, one solution or comparison, and everything that goes back and forth. Nothing is stored."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from apps.accounts.http import AuthenticatedRequest
from apps.core.errors import DomainError
from apps.core.http.ids import parse_id
from apps.corpus.models import Comparison, Solution
from apps.dashboard.access import Place, place_for
from apps.dashboard.judging.forms import PlaygroundForm
from apps.dashboard.judging.readings import trial_replies
from apps.dashboard.judging.run_views import kind_rows
from apps.estimation.runs.forecast import cost_of
from apps.judging.judges import draft_judge
from apps.judging.models import Judge
from apps.judging.playground import Trial, try_judge
from apps.judging.worker.load import paths_of


@login_required
@require_http_methods(["GET", "POST"])
def playground(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """The form, and after a question what came of it. `?judge=`, `?solution=` and `?comparison=` fill in the form."""
    place = place_for(request.user, slug, "estimate")
    initial = {name: parse_id(request.GET.get(name, "")) for name in ("judge", "solution", "comparison")}
    initial["kind"] = "comparison" if initial["comparison"] else "steps"  # type: ignore[assignment]
    form = PlaygroundForm(request.POST or None, project=place.project, initial=initial)
    shown = form.run(lambda data: _asked(place, form, data))
    context = place.context("playground", form=form, kinds=kind_rows(), **(shown or {}))
    template = "judging/_playground.html" if request.htmx else "judging/playground.html"
    return render(request, template, context, status=422 if form.errors else 200)


def _asked(place: Place, form: PlaygroundForm, data: dict[str, Any]) -> dict[str, Any]:
    """The context of the trial. Raises DomainError with the field that is missing, and Unavailable without an answer."""
    judge: Judge = data["judge"] or draft_judge(**form.judge_values())
    item = _item(place, judge, data)
    solution, comparison = (item, None) if isinstance(item, Solution) else (None, item)
    trial: Trial = try_judge(judge=judge, solution=solution, comparison=comparison)
    steps = paths_of([solution])[solution.pk].steps if solution is not None else ()
    return {
        "judge": judge,
        "item": item,
        "trial": trial,
        "trial_cost": cost_of(judge.endpoint, trial.prompt_tokens, trial.completion_tokens),
        "replies": trial_replies(judge, trial, steps),
    }


def _item(place: Place, judge: Judge, data: dict[str, Any]) -> Solution | Comparison:
    name = "comparison" if judge.compares else "solution"
    if data[name] is None:
        raise DomainError(f"Enter the number of a {name}.", fields={name: "required: this judge judges it"})
    item: Solution | Comparison | None
    if judge.compares:
        sides = ("problem", "left", "right", "left_step", "right_step")
        item = Comparison.objects.filter(project=place.project, pk=data[name]).select_related(*sides).first()
    else:
        item = Solution.objects.filter(project=place.project, pk=data[name]).select_related("problem").first()
    if item is None:
        raise DomainError(f"There is no {name} {data[name]}.", fields={name: "must be one of this project"})
    return item
