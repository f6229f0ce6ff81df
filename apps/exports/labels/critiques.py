r"""Critiques of a solution by people, judges and rollouts, each with its own verdict. Pure.

They are put together step by step, except whole replies of judges, which are critiques as they are.

The verdict is the first error by the critic's own ratings. A verifier learns only from critiques whose verdict equals the
label, so every critique is returned once: as one to use, or with the reason why not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from apps.corpus.labels import BAD, GREAT, NO_ERROR, OKAY, UNKNOWN, first_error
from apps.corpus.records import PersonRecord, Record, SolutionRecord, StepCount
from apps.exports.labels.counted import counted, rating_of, steps_of
from apps.exports.labels.sources import DEPARTED, OTHER_JUDGE, OTHER_RUN, hard_rating, path_places
from apps.exports.policy import LabelPolicy
from apps.exports.tally import Tally
from apps.verifiers.extraction.boxes import BOX, boxes_of

NO_VERDICT = "of a critic who leaves the first error open"
NO_WORDS = "without a text for the step that they call wrong"
BLANK = "with an empty text for the step that they call wrong"
WORDLESS = "of a judge who gives no reasons"
BOXED = r"whose text contains \boxed, which would be a second verdict"
REJECTED = "that a person rates -1"
UNAPPROVED = "that no person wrote or rated +1"
OTHER_FORM = r"of a judge whose reply does not end in its verdict as a number in \boxed"
REFERENCE = "of a judge who saw the reference, which a verifier does not see"
REPLIED = "of a judge whose whole reply is a critique"
LABELS_ONLY = "without any text, where another has some"
SAME_CRITIQUE = "with the same text as another"

_SENTENCES = {GREAT: "This step is correct.", OKAY: "This step is acceptable.", BAD: "This step is wrong."}


@dataclass(frozen=True, slots=True)
class SolutionCritique:
    """What one critic makes of a solution. `comments` are texts by position; `unfit` says why it cannot be used, or "".

    `verdict` is the first bad step, NO_ERROR or UNKNOWN. `whole` is a reply that is written as it is. `run` is that of a
    judge, as `JudgeRecord.key`.
    """

    kind: str
    labels: Mapping[int, int]
    comments: Mapping[int, str] = field(default_factory=dict)
    verdict: int = UNKNOWN
    unfit: str = ""
    whole: str = ""
    run: tuple[str, int, int | None] | None = None

    @property
    def has_words(self) -> bool:
        """Whether it says more than labels."""
        return bool(self.comments or self.whole)

    def text(self, length: int) -> str:
        """The critique of a solution of `length` steps, up to the first error, and the verdict in a box.

        A step without a comment has a sentence that says only its label.
        """
        if self.whole:
            return self.whole
        last = self.verdict if self.verdict >= 0 else length - 1
        comments = (self.comments.get(place) or _SENTENCES[self.labels[place]] for place in range(last + 1))
        lines = [f"[{place}] {comment}" for place, comment in enumerate(comments)]
        return "\n".join([*lines, "", rf"\boxed{{{self.verdict}}}"])


def critiques_of(record: Record, policy: LabelPolicy) -> list[SolutionCritique]:
    """All critiques by the kinds of the policy, in its order of preference."""
    if record.solution is None:
        return []
    critiques = [critique for kind in policy.critiques for critique in _READ[kind](record, record.solution, policy)]
    return list(_distinct(_without_replied(critiques, policy), len(record.solution.path())))


def _without_replied(critiques: Sequence[SolutionCritique], policy: LabelPolicy) -> list[SolutionCritique]:
    """Where whole replies are preferred, the reasons that were read from them make no critiques of their own."""
    replied = {critique.run for critique in critiques if critique.whole}
    first = next((kind for kind in policy.critiques if kind in ("replies", "judges")), "")
    if not replied or first == "judges":
        return list(critiques)
    return [
        _unfit("judges", REPLIED) if critique.kind == "judges" and critique.run in replied else critique
        for critique in critiques
    ]


def split_by_verdict(
    critiques: Iterable[SolutionCritique], label: int | None, tally: Tally
) -> tuple[list[SolutionCritique], list[SolutionCritique]]:
    """The right and the wrong ones of those that can be used. Counts the others as left out.

    One without a comment says only labels, so it is used only if its side has no other. Without these, people's critiques
    would be of wrong solutions only, as people are asked about the first bad step.
    """
    sides: tuple[list[SolutionCritique], list[SolutionCritique]] = [], []
    for critique in critiques:
        if critique.unfit:
            tally.leave_out("critiques", critique.unfit)
        else:
            sides[critique.verdict != label].append(critique)
    right, wrong = ([critique for critique in side if critique.has_words] or side for side in sides)
    tally.leave_out("critiques", LABELS_ONLY, sum(map(len, sides)) - len(right) - len(wrong))
    return right, wrong


def _distinct(critiques: Sequence[SolutionCritique], length: int) -> Iterator[SolutionCritique]:
    texts: set[str] = set()
    for critique in critiques:
        text = "" if critique.unfit else critique.text(length)
        yield _unfit(critique.kind, SAME_CRITIQUE) if text and text in texts else critique
        texts.add(text)


def _unfit(kind: str, reason: str) -> SolutionCritique:
    return SolutionCritique(kind, {}, unfit=reason)


def _critique(
    kind: str, ratings: Mapping[int, int | None], comments: Mapping[int, str], policy: LabelPolicy, length: int
) -> SolutionCritique:
    """The critique by ratings and texts of the path, or the reason why it cannot be used."""
    labels = _labels(ratings, policy)
    verdict = first_error(labels, length)
    read = {place: text.strip() for place, text in comments.items() if verdict < 0 or place <= verdict}
    reason = _unfit_reason(verdict, read)
    written = {place: text for place, text in read.items() if text}
    return _unfit(kind, reason) if reason else SolutionCritique(kind, labels, written, verdict)


def _labels(ratings: Mapping[int, int | None], policy: LabelPolicy) -> dict[int, int]:
    return {
        place: label
        for place, rating in ratings.items()
        if (label := policy.neutral_label if rating == OKAY else rating) is not None and label != UNKNOWN
    }


def _unfit_reason(verdict: int, comments: Mapping[int, str]) -> str:
    if verdict == UNKNOWN:
        return NO_VERDICT
    if any(BOX.search(text) for text in comments.values()):
        return BOXED
    if verdict == NO_ERROR or comments.get(verdict):
        return ""
    return BLANK if verdict in comments else NO_WORDS


# --- people -----------------------------------------------------------------------------------------------


def _of_people(record: Record, solution: SolutionRecord, policy: LabelPolicy) -> Iterator[SolutionCritique]:
    reasons = counted(record, policy)
    people = [(person, reasons[index]) for index, person in enumerate(record.people)]
    rejected = _texts([person for person, reason in people if not reason], -1)
    for person, reason in people:
        if person.preference is None:
            yield from _of_person(person, solution, policy, reason, rejected)


def _of_person(
    person: PersonRecord, solution: SolutionRecord, policy: LabelPolicy, reason: str, rejected: set[tuple[int, str]]
) -> Iterator[SolutionCritique]:
    """One critique for each text about the step that the person calls wrong; one without a text where none is wrong."""
    steps, path = steps_of(solution), set(path_places(solution).values())
    if not reason and any(step.chosen and (step.position, step.candidate) not in path for step in person.steps):
        reason = DEPARTED
    ratings = {
        step.position: rating_of(step, steps, policy)
        for step in person.steps
        if (step.position, step.candidate) in path
    }
    length = len(path)
    silent = _critique("people", ratings, {}, policy, length)
    texts = [critique for critique in person.critiques if (critique.position, critique.candidate) in path]
    if reason or not texts or silent.verdict == NO_ERROR:
        yield _unfit("people", reason) if reason else silent
        return
    for critique in sorted(texts, key=lambda critique: not critique.is_own):
        place = critique.position, critique.text.strip()
        if not critique.is_own and critique.rating != GREAT:
            yield _unfit("people", REJECTED if critique.rating == BAD else UNAPPROVED)
        elif place in rejected:
            yield _unfit("people", REJECTED)
        else:
            yield _critique("people", ratings, {critique.position: critique.text}, policy, length)


def _texts(people: Sequence[PersonRecord], rating: int) -> set[tuple[int, str]]:
    """The critiques that somebody gives this rating, by position and text."""
    critiques = (critique for person in people for critique in person.critiques)
    return {(critique.position, critique.text.strip()) for critique in critiques if critique.rating == rating}


# --- judges and rollouts ----------------------------------------------------------------------------------


def _of_judges(record: Record, solution: SolutionRecord, policy: LabelPolicy) -> Iterator[SolutionCritique]:
    """Every run of the selected judges, the newest first."""
    path = set(path_places(solution).values())
    for judge in reversed(record.judges):
        verdicts = [verdict for verdict in judge.steps if (verdict.position, verdict.candidate) in path]
        if policy.judges and not set(judge.names) & set(policy.judges):
            yield _unfit("judges", OTHER_JUDGE)
            continue
        ratings = {verdict.position: verdict.rating for verdict in verdicts}
        comments = {verdict.position: verdict.reason for verdict in verdicts}
        critique = _critique("judges", ratings, comments, policy, len(path))
        if not critique.unfit and not critique.comments:
            critique = _unfit("judges", WORDLESS)
        yield replace(critique, run=judge.key)


def _of_replies(record: Record, solution: SolutionRecord, policy: LabelPolicy) -> Iterator[SolutionCritique]:
    r"""Whole replies of the selected judges in runs of ours, the newest run first.

    The last box of a reply must hold its verdict as the request for critiques asks for it: that is what a reader compares.
    """
    length = len(path_places(solution))
    for reply in reversed(record.replies):
        labels = _labels(reply.ratings, policy)
        verdict = first_error(labels, length)
        boxes = boxes_of(reply.text)
        if policy.judges and not set(reply.names) & set(policy.judges):
            yield _unfit("replies", OTHER_JUDGE)
        elif reply.saw_reference:
            yield _unfit("replies", REFERENCE)
        elif verdict == UNKNOWN:
            yield _unfit("replies", NO_VERDICT)
        elif not boxes or reply.text[boxes[-1].start : boxes[-1].end] != rf"\boxed{{{verdict}}}":
            yield _unfit("replies", OTHER_FORM)
        else:
            yield SolutionCritique("replies", labels, verdict=verdict, whole=reply.text.strip(), run=reply.key)


def _of_rollouts(record: Record, solution: SolutionRecord, policy: LabelPolicy) -> Iterator[SolutionCritique]:
    """Every selected estimation run, the newest first, with a sentence from the counts of each step."""
    for run in reversed(record.estimates):
        if policy.estimation_runs and run.run not in policy.estimation_runs:
            yield _unfit("rollouts", OTHER_RUN)
            continue
        ratings = {count.position: hard_rating(count) for count in run.steps}
        comments = {count.position: text for count in run.steps if (text := _sentence(count, ratings[count.position]))}
        yield _critique("rollouts", ratings, comments, policy, len(path_places(solution)))


def _sentence(count: StepCount, label: int) -> str:
    """Says the counts only where they are the reason for the label: a search may conclude otherwise."""
    if not count.rollouts or count.successes is None or (label == GREAT) != (count.successes > 0):
        return ""
    reached = f"the right answer is reached in {count.successes or 'none'} of {count.rollouts} continuations."
    return f"From here, {reached}" if label == GREAT else f"This step is wrong: from here, {reached}"


_READ: dict[str, Callable[[Record, SolutionRecord, LabelPolicy], Iterator[SolutionCritique]]] = {
    "people": _of_people,
    "replies": _of_replies,
    "judges": _of_judges,
    "rollouts": _of_rollouts,
}
