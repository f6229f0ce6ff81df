"""What a run's verdicts say in all: first errors by position, passes and fails, or choices; as bars of a plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from django.core.cache import cache
from django.db.models import Count, IntegerField, Sum
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from apps.judging.models import ComparisonVerdict, Judge, JudgeRun, Revision, SolutionVerdict
from apps.judging.models.verdicts import ItemOutcome

CACHE_SECONDS = 24 * 3600
SHOWN_POSITIONS = 12  # Later first errors share a bar.
PLACES = {"first": "shown first", "second": "shown second", "neither": "a tie"}


@dataclass(frozen=True, slots=True)
class VerdictBar:
    """A count, and that as a share of the highest bar."""

    label: str
    count: int
    share: float


@dataclass(frozen=True, slots=True)
class Distribution:
    """`about` says what is counted."""

    title: str
    about: str
    bars: Sequence[VerdictBar]


def distributions_of(run: JudgeRun) -> list[Distribution]:
    """Those with anything in them. Cached until the run stores more."""
    if run.origin:
        return []
    key = f"verdict-distributions:{run.pk}:{run.status}:{run.done}"
    return cast("list[Distribution]", cache.get_or_set(key, lambda: _read(run), CACHE_SECONDS))


def _read(run: JudgeRun) -> list[Distribution]:
    read = {
        Judge.Kind.STEPS: _first_errors,
        Judge.Kind.OUTCOME: _outcomes,
        Judge.Kind.COMPARISON: _comparisons,
        Judge.Kind.PRINCIPLE: _comparisons,
        Judge.Kind.CRITIQUE_REVISE: _revisions,
        Judge.Kind.CHORUS: _first_errors,
    }[Judge.Kind(run.judge.kind)]
    return [distribution for distribution in read(run) if distribution.bars]


def _first_errors(run: JudgeRun) -> list[Distribution]:
    verdicts = SolutionVerdict.objects.filter(run=run, outcome=ItemOutcome.VERDICT)
    rows = verdicts.order_by().values_list("first_error").annotate(count=Count("pk"))
    counts = {position: count for position, count in rows if position is not None}
    last = min(max(counts, default=-1), SHOWN_POSITIONS - 1)
    by_label = {"no bad step": counts.get(-1, 0)}
    by_label |= {f"step {position + 1}": counts.get(position, 0) for position in range(last + 1)}
    if later := sum(count for position, count in counts.items() if position >= SHOWN_POSITIONS):
        by_label["later"] = later
    return [Distribution("First errors", "Solutions by the first bad step that the judge names.", _bars(by_label))]


def _outcomes(run: JudgeRun) -> list[Distribution]:
    verdicts = SolutionVerdict.objects.filter(run=run, outcome=ItemOutcome.VERDICT)
    rows = verdicts.order_by().values_list("passes", "solution__is_correct").annotate(count=Count("pk"))
    names = {True: "right", False: "wrong", None: "not graded"}
    distributions = []
    for is_correct, name in names.items():
        counts = {passes: count for passes, correct, count in rows if correct is is_correct}
        bars = _bars({"pass": counts.get(True, 0), "fail": counts.get(False, 0)})
        title = f"Final answer {name}"
        distributions.append(Distribution(title, f"Solutions whose final answer is {name}, by verdict.", bars))
    return distributions


def _comparisons(run: JudgeRun) -> list[Distribution]:
    verdicts = ComparisonVerdict.objects.filter(run=run)
    rows = verdicts.order_by().values_list("outcome", "choice").annotate(count=Count("pk"))
    labels = {"left": "the left one", "right": "the right one", "tie": "a tie", "": "no verdict"}
    by_choice = dict.fromkeys(labels.values(), 0)
    for _, choice, count in rows:
        by_choice[labels[choice]] += count
    places = {place: Sum(Cast(KeyTextTransform(place, "shown_first"), IntegerField()), default=0) for place in PLACES}
    shown = verdicts.aggregate(**places)
    return [
        Distribution("Choices", "Comparisons by the side that the judge prefers in both orders.", _bars(by_choice)),
        Distribution(
            "Position",
            "Single replies by the place of the preferred side. A judge that reads both sides prefers each place as often.",
            _bars({label: shown[place] for place, label in PLACES.items()}),
        ),
    ]


def _revisions(run: JudgeRun) -> list[Distribution]:
    rows = Revision.objects.filter(run=run).order_by().values_list("principle").annotate(count=Count("pk"))
    by_principle = dict(rows.order_by("-count", "principle").values_list("principle", "count"))
    return [Distribution("Principles", "Revisions by the principle of their critique.", _bars(by_principle))]


def _bars(counts: Mapping[str, int]) -> list[VerdictBar]:
    """None where all counts are zero."""
    highest = max(counts.values(), default=0)
    return [VerdictBar(label, count, count / highest) for label, count in counts.items()] if highest else []
