"""All pairs of one problem, by the sources that `pairs` names, up to `pairs_per_problem`. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from apps.corpus.identity import ranking_hash
from apps.corpus.records import Record
from apps.exports.labels.pairs.base import MOST_PAIRS, OVER_CAP, SAME_PAIR, TextPair
from apps.exports.labels.pairs.preferences import NO_PREFERENCE, NO_VERDICT, decision_of
from apps.exports.labels.pairs.solutions import (
    OVER_MOST_SIDES,
    SidePair,
    distinct_pairs,
    limited,
    ordered_pairs,
    solution_pair,
    solution_sides,
)
from apps.exports.policy import LabelPolicy
from apps.exports.tally import Tally

UNPAIRED = "in no pair: no other solution of the problem to pair them with"
ONLY_OVER_CAP = "only in pairs beyond pairs_per_problem"


@dataclass(slots=True)
class _Collection:
    """The pairs of a problem so far, the texts of all that were found, and what became of each solution, by place."""

    policy: LabelPolicy
    tally: Tally
    pairs: list[TextPair] = field(default_factory=list)
    seen: set[frozenset[str]] = field(default_factory=set)
    paired: set[int] = field(default_factory=set)
    over_cap: set[int] = field(default_factory=set)
    reasons: dict[int, str] = field(default_factory=dict)

    @property
    def has_room(self) -> bool:
        """Preferences are as many as people gave; of solutions a problem has at most MOST_PAIRS."""
        return len(self.pairs) < (self.policy.pairs_per_problem or MOST_PAIRS)

    def add_preferences(self, records: Sequence[Record]) -> None:
        """Each comparison is decided by the first of `preferences` that can; the first texts of a judge count once.

        People's preferences of the same two texts are pairs of their own: each is a person's. A judge says the same again.
        """
        reasons: dict[int, list[str]] = {
            place: [] for place, record in enumerate(records) if record.comparison is not None
        }
        new: list[TextPair] = []
        for source in self.policy.preferences:
            of_source: set[frozenset[str]] = set()
            for place in list(reasons):
                decision = decision_of(source, records[place], self.policy, self.tally)
                reasons[place] += decision.reasons
                if decision.is_open:
                    continue
                self._count_reasons(decision.reasons)
                del reasons[place]
                seen = self.seen | of_source if source == "judges" else self.seen
                pairs = [pair for pair in decision.pairs if pair.texts not in seen]
                self.tally.leave_out("pairs", SAME_PAIR, len(decision.pairs) - len(pairs))
                of_source.update(pair.texts for pair in pairs)
                new += pairs
            self.seen |= of_source
        for of_record in reasons.values():
            self._count_reasons([_first_cause(of_record)])
        self._add_capped(new)

    def _count_reasons(self, reasons: Sequence[str]) -> None:
        for reason in reasons:
            self.tally.leave_out("comparisons", reason)

    def _add_capped(self, new: Sequence[TextPair]) -> None:
        room = self.policy.pairs_per_problem - len(self.pairs) if self.policy.pairs_per_problem else len(new)
        by_rank = sorted(range(len(new)), key=lambda place: (_rank(new[place], self.policy), place))
        self.pairs += [new[place] for place in sorted(by_rank[:room])]
        self.tally.leave_out("pairs", OVER_CAP, len(by_rank[room:]))

    def add_solutions(self, records: Sequence[Record], kind: str) -> None:
        sides, reasons = solution_sides(records, kind, self.policy)
        used = limited(sides, self.policy)
        reasons |= dict.fromkeys({side.place for side in sides} - {side.place for side in used}, OVER_MOST_SIDES)
        self.reasons = reasons | self.reasons
        for sides_of_pair in distinct_pairs(ordered_pairs(used, self.policy), self.seen, self.tally):
            self._add(sides_of_pair, kind)

    def _add(self, sides: SidePair, kind: str) -> None:
        places = {side.place for side in sides}
        if self.has_room:
            self.pairs.append(solution_pair(*sides, kind, self.policy))
            self.paired |= places
        else:
            self.tally.leave_out("pairs", OVER_CAP)
            self.over_cap |= places

    def count_unpaired(self, records: Sequence[Record]) -> None:
        for place, record in enumerate(records):
            if record.solution is not None and place not in self.paired:
                reason = ONLY_OVER_CAP if place in self.over_cap else self.reasons.get(place, UNPAIRED)
                self.tally.leave_out("solutions", reason)


def problem_pairs(records: Sequence[Record], policy: LabelPolicy, tally: Tally) -> Iterator[TextPair]:
    """Yield the pairs, and count in `tally` what is written and what is left out."""
    collection = _Collection(policy, tally)
    for kind in dict.fromkeys(policy.pairs):
        if kind == "preferences":
            collection.add_preferences(records)
        else:
            collection.add_solutions(records, kind)
    if set(policy.pairs) != {"preferences"}:
        collection.count_unpaired(records)
    for pair in collection.pairs:
        pair.count(tally)
        yield pair


def _rank(pair: TextPair, policy: LabelPolicy) -> int:
    return ranking_hash(policy.split_seed, *sorted(pair.texts))


def _first_cause(reasons: Sequence[str]) -> str:
    """Why no source decides a comparison: the first reason that says more than that a source has nothing."""
    return next((reason for reason in reasons if reason not in (NO_PREFERENCE, NO_VERDICT)), reasons[0])
