"""The items of a judge run: a list with their results, and all replies about one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from apps.accounts.http import AuthenticatedRequest
from apps.corpus.models import Comparison, Solution
from apps.dashboard.access import Place, place_for
from apps.dashboard.judging.readings import stored_replies
from apps.dashboard.judging.run_views import judge_run_of
from apps.dashboard.pagination import page_of
from apps.judging.models import ComparisonVerdict, JudgeReply, JudgeRun, Revision, SolutionVerdict
from apps.judging.models.verdicts import ItemOutcome
from apps.judging.worker.load import paths_of, sides_of

SHOWN_REPLIES = 200
WITHOUT = "without"  # All outcomes but a verdict.


@dataclass(frozen=True, slots=True)
class RevisedPair:
    """A revision with the text before it and after it; the same text twice if nothing was changed."""

    revision: Revision
    before: str
    after: str


@login_required
@require_GET
def items(request: AuthenticatedRequest, slug: str, number: int) -> HttpResponse:
    """The run's results, all or those of `?outcome=`."""
    place = place_for(request.user, slug, "browse")
    run = judge_run_of(place, number)
    item = "comparison" if run.judge.compares else "solution"
    results: Any = (ComparisonVerdict if run.judge.compares else SolutionVerdict).objects.filter(run=run)
    outcome = request.GET.get("outcome", "")
    if outcome in ItemOutcome.values:
        results = results.filter(outcome=outcome)
    elif outcome == WITHOUT:
        results = results.exclude(outcome=ItemOutcome.VERDICT)
    # A run has one result for each item, and an index on both.
    page = page_of(results.select_related(f"{item}__problem"), request.GET, by=f"{item}_id")
    context = place.context(
        "judging",
        run=run,
        judge=run.judge,
        page=page,
        outcome=outcome,
        outcomes=[("", "all"), (WITHOUT, "without verdict"), *ItemOutcome.choices],
    )
    return render(request, "judging/items.html", context)


@login_required
@require_GET
def item(request: AuthenticatedRequest, slug: str, number: int, pk: int) -> HttpResponse:
    """The replies about the solution or comparison with this ID, whole, and what they come to."""
    place = place_for(request.user, slug, "browse")
    run = judge_run_of(place, number)
    context = place.context("judging", run=run, judge=run.judge)
    context |= _comparison_context(place, run, pk) if run.judge.compares else _solution_context(place, run, pk)
    return render(request, "judging/item.html", context)


def _solution_context(place: Place, run: JudgeRun, pk: int) -> dict[str, Any]:
    solution = get_object_or_404(Solution.objects.select_related("problem"), project=place.project, pk=pk)
    path = paths_of([solution])[solution.pk]
    replies = list(JudgeReply.objects.filter(run=run, solution=solution).order_by("slot", "attempt")[:SHOWN_REPLIES])
    return {
        "item": solution,
        "problem": solution.problem,
        "result": SolutionVerdict.objects.filter(run=run, solution=solution).first(),
        "replies": stored_replies(run.judge, replies, path.steps),
        "revisions": _revisions(run, solution, path.separator.join(path.steps)),
    }


def _comparison_context(place: Place, run: JudgeRun, pk: int) -> dict[str, Any]:
    comparisons = Comparison.objects.select_related("problem", "left", "right", "left_step", "right_step")
    comparison = get_object_or_404(comparisons, project=place.project, pk=pk)
    left, right = sides_of([comparison])[comparison.pk]
    replies = list(
        JudgeReply.objects.filter(run=run, comparison=comparison).order_by("slot", "attempt")[:SHOWN_REPLIES]
    )
    return {
        "item": comparison,
        "problem": comparison.problem,
        "sides": [
            ("Left", comparison.left_id, left.separator.join(left.steps)),
            ("Right", comparison.right_id, right.separator.join(right.steps)),
        ],
        "result": ComparisonVerdict.objects.filter(run=run, comparison=comparison).first(),
        "replies": stored_replies(run.judge, replies, ()),
    }


def _revisions(run: JudgeRun, solution: Solution, text: str) -> Sequence[RevisedPair]:
    revisions = list(Revision.objects.filter(run=run, solution=solution).select_related("revised"))
    revised = {revision.revised.pk: revision.revised for revision in revisions if revision.revised is not None}
    paths = paths_of(revised.values()) if revised else {}
    pairs = []
    for revision in revisions:
        path = paths.get(revision.revised_id or 0)
        after = path.separator.join(path.steps) if path else text
        pairs.append(RevisedPair(revision, text, after))
        text = after
    return pairs
