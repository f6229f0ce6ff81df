"""What a round would be if it opened now: looked at before it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from apps.corpus.models import Solution
from apps.labeling.admission import Nothing, admitted
from apps.labeling.models import Assignment, Round
from apps.labeling.pace import seconds_per_turn
from apps.labeling.selection import Selection
from apps.labeling.services import askable, with_gold
from apps.projects.models import Membership

EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Preview:
    """Figures of a round, who may work in it, and the solutions that would be served first."""

    tasks: int
    gold_tasks: int
    redundancy: int
    seconds_each: float | None
    may_work: Sequence[Membership]
    may_not: Sequence[tuple[Membership, Nothing]]
    examples: Sequence[Solution]
    is_screening: bool

    @property
    def submissions(self) -> int:
        """Those that people hand in: in a screening everybody who may work does all of it."""
        return self.gold_tasks * len(self.may_work) if self.is_screening else self.tasks * self.redundancy

    @property
    def seconds(self) -> float | None:
        return self.submissions * self.seconds_each if self.seconds_each is not None else None

    @property
    def hours(self) -> float | None:
        return self.seconds / 3600 if self.seconds is not None else None

    @property
    def seconds_per_person(self) -> float | None:
        return self.seconds / len(self.may_work) if self.seconds is not None and self.may_work else None


def preview_of(round_: Round) -> Preview:
    selection, project = Selection.parse(round_.selection["select"]), round_.project
    ids = list(selection.apply(askable(project)).values_list("id", flat=True))
    gold = with_gold(project) if round_.gold_share else set()
    if round_.is_screening:
        gold, ordinary = gold.intersection(ids), []
    else:
        ordinary = [pk for pk in ids if pk not in gold]
    members = admitted(round_)
    return Preview(
        tasks=len(ordinary),
        gold_tasks=len(gold),
        redundancy=round_.redundancy,
        seconds_each=seconds_per_turn(Assignment.objects.filter(round__project=project)),
        may_work=[member for member, refused in members if refused is None],
        may_not=[(member, refused) for member, refused in members if refused is not None],
        examples=_first(round_, selection, sorted(gold) if round_.is_screening else ordinary),
        is_screening=round_.is_screening,
    )


def _first(round_: Round, selection: Selection, ids: Sequence[int]) -> list[Solution]:
    """In the order of the queue: the highest rank first."""
    rank = selection.priorities(round_.project)
    chosen = sorted(ids, key=lambda pk: -rank.get(pk, 0))[:EXAMPLES]
    found = Solution.objects.select_related("problem").prefetch_related("steps").in_bulk(chosen)
    return [found[pk] for pk in chosen]
