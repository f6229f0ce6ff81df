"""From the preferences of people and judges to pairs of a chosen and a rejected text, by a policy. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from apps.corpus.comparisons import OTHER
from apps.corpus.imports.readers.choices import SCALES
from apps.corpus.labels import MARGINS, SIDES
from apps.corpus.records import ComparisonRecord, JudgePreference, PersonRecord, PreferenceRecord, ProblemRecord, Record
from apps.exports.labels.counted import counted, people_needed
from apps.exports.labels.pairs.base import EQUAL_SIDES, JUDGE_PREFIX, PEOPLE, TextPair, Votes, score_margin
from apps.exports.labels.prompts import TextError, paired, side_texts, whole_answers
from apps.exports.labels.sources import OLDER_JUDGE, OTHER_JUDGE, THIN
from apps.exports.policy import LabelPolicy
from apps.exports.tally import Tally

TOO_FEW_AGREE = "a smaller share of people agrees than minimum_share"
TIE = "a tie"
NO_PREFERENCE = "without a counted preference"
NO_VERDICT = "without a verdict of a judge that can be used"

# Of single verdicts of judges.
FEW_VOTES = "of a judge of whose votes a smaller share agrees than minimum_share"
OTHER_DECIDES = "of a judge, since a newer run of another judge decides the comparison"
UNDECIDED: Mapping[str, str] = {
    "inconsistent": "of a judge whose verdict flips with the order of the sides",
    "tied": "of a judge whose votes are tied",
    "refusal": "of a judge who refuses",
    "unreadable": "of a judge whose replies cannot be read",
}


@dataclass(frozen=True, slots=True)
class Decision:
    """What one source makes of a comparison. It `is_open` where another source may decide it.

    `reasons` say why there is no pair; of several people who count each, one for each preference without one.
    """

    pairs: Sequence[TextPair] = ()
    reasons: Sequence[str] = ()
    is_open: bool = False


def _open(reason: str) -> Decision:
    return Decision(reasons=(reason,), is_open=True)


def decision_of(source: str, record: Record, policy: LabelPolicy, tally: Tally) -> Decision:
    """The source's decision. Counts in `tally` the preferences that are left out."""
    if record.comparison is None:
        return Decision()
    return _DECIDE[source](record, record.comparison, policy, tally)


# --- people -----------------------------------------------------------------------------------------------


def _of_people(record: Record, comparison: ComparisonRecord, policy: LabelPolicy, tally: Tally) -> Decision:
    preferences, needed = _counted_preferences(record, policy, tally)
    if not preferences:
        return _open(NO_PREFERENCE)
    if policy.people == "majority" and policy.thin == "leave_out" and len(preferences) < needed:
        return _open(THIN)
    decided = decide(preferences, policy)
    if not decided:
        return _open("no majority")
    votes = Counter(preference.choice for preference in preferences)
    pairs: list[TextPair] = []
    reasons: list[str] = []
    for preference in decided:
        if preference.choice == "tie" and policy.ties == "drop":
            reasons.append(TIE)
            continue
        if policy.people == "majority" and votes[preference.choice] < policy.minimum_share * votes.total():
            return _open(TOO_FEW_AGREE)
        preferred = _Preferred(preference.choice, preference.margin, PEOPLE, PEOPLE, votes=votes)
        try:
            pairs += _pairs(record.problem, comparison, preferred, policy)
        except TextError as error:
            reasons.append(str(error))
    return Decision(pairs, reasons)


def _counted_preferences(record: Record, policy: LabelPolicy, tally: Tally) -> tuple[list[PreferenceRecord], int]:
    """The counted preferences and how many are needed. Counts the others as left out."""
    preferences: list[PreferenceRecord] = []
    counted_people: list[PersonRecord] = []
    reasons = counted(record, policy)
    for index, person in enumerate(record.people):
        if person.preference is None:
            continue
        if reason := reasons[index]:
            tally.leave_out("preferences", reason)
        else:
            preferences.append(person.preference)
            counted_people.append(person)
    return preferences, people_needed(counted_people)


def decide(preferences: Sequence[PreferenceRecord], policy: LabelPolicy) -> list[PreferenceRecord]:
    """The majority's choice with its median margin; or each preference, or the first, as the policy requires."""
    if policy.people != "majority":
        return list(preferences[: 1 if policy.people == "first" else None])
    (choice, votes), *rest = Counter(preference.choice for preference in preferences).most_common(2)
    if rest and rest[0][1] == votes:
        return []
    agreeing = [preference for preference in preferences if preference.choice == choice]
    margins = sorted(MARGINS.index(preference.margin) for preference in agreeing if preference.margin)
    # Of an even number the smaller of the two middle margins, so that none is overstated.
    return [PreferenceRecord(choice=choice, margin=MARGINS[margins[len(margins) // 2]] if margins else "")]


# --- judges -----------------------------------------------------------------------------------------------


def _of_judges(record: Record, comparison: ComparisonRecord, policy: LabelPolicy, tally: Tally) -> Decision:
    """By the newest run of the selected judges whose verdict can be used. Only the newest run of each judge counts."""
    usable = [verdict for verdict in _newest_verdicts(record, policy, tally) if _is_usable(verdict, policy, tally)]
    if not usable:
        return _open(NO_VERDICT)
    tally.leave_out("preferences", OTHER_DECIDES, len(usable) - 1)
    verdict = usable[0]
    if verdict.choice == "tie" and policy.ties == "drop":
        return Decision(reasons=(TIE,))
    name = f"{verdict.judge} v{verdict.version}"
    preferred = _Preferred(verdict.choice, verdict.margin, name, f"{JUDGE_PREFIX}{name}", verdict=verdict)
    try:
        return Decision(_pairs(record.problem, comparison, preferred, policy))
    except TextError as error:
        return Decision(reasons=(str(error),))


def _newest_verdicts(record: Record, policy: LabelPolicy, tally: Tally) -> list[JudgePreference]:
    """What the newest run of each selected judge says, the newest judge first. Counts the others as left out."""
    newest: dict[str, JudgePreference] = {}
    for verdict in reversed(record.judge_preferences):
        if policy.judges and not set(verdict.names) & set(policy.judges):
            tally.leave_out("preferences", OTHER_JUDGE)
        elif verdict.judge in newest:
            tally.leave_out("preferences", OLDER_JUDGE)
        else:
            newest[verdict.judge] = verdict
    return list(newest.values())


def _is_usable(verdict: JudgePreference, policy: LabelPolicy, tally: Tally) -> bool:
    """Whether it has a choice with enough votes. Counts one without as left out."""
    reason = "" if verdict.outcome == "verdict" else UNDECIDED[verdict.outcome]
    if not reason and verdict.share is not None and verdict.share < policy.minimum_share:
        reason = FEW_VOTES
    tally.leave_out("preferences", reason, bool(reason))
    return not reason


_DECIDE: dict[str, Callable[[Record, ComparisonRecord, LabelPolicy, Tally], Decision]] = {
    "people": _of_people,
    "judges": _of_judges,
}


# --- pairs ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Preferred:
    """A decided preference: the counts of people's `votes` by choice, or the `verdict` of the judge who decided it."""

    choice: str
    margin: str
    source: str
    rater: str
    votes: Counter[str] = field(default_factory=Counter)
    verdict: JudgePreference | None = None

    def votes_for(self, choice: str) -> Votes:
        return Votes(chosen=self.votes[choice], rejected=self.votes[OTHER[choice]], tie=self.votes["tie"])

    @property
    def share(self) -> float:
        """Of the choice among people's votes or the judge's."""
        if self.verdict is None:
            return self.votes[self.choice] / self.votes.total()
        return 1.0 if self.verdict.share is None else self.verdict.share

    def lead(self, choice: str) -> float:
        """The lead of the side in votes; of a judge, whose other votes are not known, the least that it can be."""
        if self.verdict is None:
            return self.votes_for(choice).lead
        return 0.0 if self.choice == "tie" else max(0.0, 2 * self.share - 1)


def _pairs(
    problem: ProblemRecord, comparison: ComparisonRecord, preferred: _Preferred, policy: LabelPolicy
) -> list[TextPair]:
    """The pair, or one in each direction of a tie. Raises TextError, also for sides with the same text."""
    texts = frozenset(whole_answers(comparison).values())
    if len(texts) == 1:
        raise TextError(EQUAL_SIDES)
    prompt, answers = side_texts(problem, comparison, policy)
    choices = SIDES if preferred.choice == "tie" else (preferred.choice,)
    return [
        TextPair(
            columns=paired(prompt, answers[choice], answers[OTHER[choice]], policy),
            texts=texts,
            source=preferred.source,
            rater=preferred.rater,
            label=preferred.margin or preferred.choice,
            margin=_margin(choice, comparison, preferred, policy),
            votes=preferred.votes_for(choice),
            share=preferred.share,
            prompt=preferred.verdict.prompt if preferred.verdict else "",
            principles=preferred.verdict.principles if preferred.verdict else (),
        )
        for choice in choices
    ]


def _margin(choice: str, comparison: ComparisonRecord, preferred: _Preferred, policy: LabelPolicy) -> float:
    """Without a margin the pair asks for no distance."""
    scale = SCALES[policy.margins]
    if policy.margin_rule == "votes":
        return scale[0] * preferred.lead(choice)
    if policy.margin_rule == "choice":
        return scale[MARGINS.index(preferred.margin)] if preferred.margin else 0.0
    if policy.pair_score != "verifier_score":
        return 0.0
    scores: dict[str, Any] = dict(zip(SIDES, (side.verifier_score for side in comparison.sides()), strict=True))
    return score_margin(scores[choice], scores[OTHER[choice]])
