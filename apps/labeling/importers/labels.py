"""People's labels and gold that come with an imported file.

The labels become what they would be had they been made here: submitted assignments of a round.
Their labelers become users who cannot sign in, known in the project by the name in the file.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import NamedTuple

from django.contrib.auth.hashers import make_password
from django.db import connection
from django.db.models import F, Q

from apps.accounts.models import User
from apps.core.db.copy import as_json, copy_rows, next_ids
from apps.corpus.comparisons import turned
from apps.corpus.imports.extensions import StoredRecord, addition
from apps.corpus.models import ImportBatch
from apps.corpus.records import GoldRating, PersonRecord, Record
from apps.labeling.importers.critiques import store_critiques
from apps.labeling.models import Assignment, GoldLabel, PreferenceLabel, Protocol, Round, RoundProgress, StepLabel, Task
from apps.projects.models import Membership, Project

ASSIGNMENT_FIELDS = [
    "id",
    "task",
    "round",
    "labeler",
    "state",
    "draft_version",
    "finish_reason",
    "reason",
    "submitted_at",
    "active_ms",
    "is_quality_control",
    "progress",
    "extras",
]
LABEL_FIELDS = ["assignment", "step", "rating", "unsure", "chosen"]
PREFERENCE_FIELDS = ["assignment", "choice", "margin", "rationale"]

_COUNT = """
INSERT INTO labeling_roundprogress (round_id, labeler_id, submitted) VALUES (%s, %s, %s)
ON CONFLICT (round_id, labeler_id) DO UPDATE SET submitted = labeling_roundprogress.submitted + excluded.submitted
"""

Rating = tuple[int, int | None]  # Of a step.
Subject = tuple[int | None, int | None]
Turn = tuple[Subject, int, datetime | None]


class Said(NamedTuple):
    """What somebody said in a turn, as far as it decides anything."""

    finish_reason: str
    progress: int | None
    ratings: frozenset[Rating]
    choice: str | None
    margin: str | None


@dataclass(slots=True)
class Word:
    """One person's turn in a chunk, with what it is to be stored under."""

    landed: StoredRecord
    person: PersonRecord
    labeler_id: int
    round: Round | None = None
    task_id: int = 0
    assignment_id: int = 0
    state: str = Assignment.State.SUBMITTED.value

    @property
    def subject(self) -> Subject:
        return subject_of(self.landed)

    @property
    def turn(self) -> Turn:
        """What makes it the same turn in another import: who, on what, when."""
        return self.subject, self.labeler_id, self.person.submitted_at

    def said(self) -> Said:
        """What makes another word of the same turn a repeat."""
        person = self.person
        ratings = frozenset(
            (self.landed.step_id(said.position, said.candidate), said.rating)
            for said in person.steps
            if said.rating is not None
        )
        return Said(person.finish_reason or "", person.progress, ratings, *self.preference())

    def preference(self) -> tuple[str | None, str | None]:
        """Choice and margin in terms of the comparison's own sides, which may stand the other way round than in the row."""
        said = self.person.preference
        if said is None or self.landed.comparison_id is None:
            return None, None
        return turned(said.choice, is_turned=self.landed.is_turned), said.margin


def subject_of(landed: StoredRecord) -> Subject:
    """The solution, or the comparison, that a task would be of."""
    return (landed.solution_id, None) if landed.comparison_id is None else (None, landed.comparison_id)


class LabelImporter:
    tables = (Assignment, PreferenceLabel, RoundProgress, StepLabel, Task)

    def takes(self, record: Record) -> bool:
        return bool(record.people)

    def store_records(self, batch: ImportBatch, landed: Sequence[StoredRecord]) -> int:
        words = _new_words(batch.project, landed)
        _seat_in_rounds(batch, words)
        _give_tasks(words)
        _store_assignments(words)
        for word in words:
            word.landed.added = True
        preferences = copy_rows(PreferenceLabel, PREFERENCE_FIELDS, _preference_rows(words))
        labels = copy_rows(StepLabel, LABEL_FIELDS, _label_rows(words))
        store_critiques(
            (word.assignment_id, word.landed.step_id(said.position, said.candidate), said)
            for word in words
            for said in word.person.critiques
        )
        return preferences + labels


def _new_words(project: Project, landed: Sequence[StoredRecord]) -> list[Word]:
    """Those whose turn does not stand yet, the first word of each. What says the same again is passed over in silence."""
    names = {person.labeler for one in landed for person in one.record.people}
    labelers = _labelers(project, names)
    words = [Word(one, person, labelers[person.labeler]) for one in landed for person in one.record.people]
    standing = _standing([word for word in words if not word.landed.is_new])
    new: dict[Turn, Word] = {}
    for word in words:
        turn = word.turn
        if turn in standing or turn in new:
            heard = standing[turn] if turn in standing else [new[turn].said()]
            if word.said() not in heard:
                word.landed.contradict("people[]")
        else:
            new[turn] = word
    return list(new.values())


def _labelers(project: Project, names: set[str]) -> dict[str, int]:
    """User ids by the name in the file; somebody new becomes a member who cannot sign in."""
    known = Membership.objects.filter(project=project, pseudonym__in=names)
    ids = dict(known.values_list("pseudonym", "user_id"))
    missing = sorted(names - ids.keys())
    users = User.objects.bulk_create(
        [
            User(
                email=f"{blake2b(name.encode(), digest_size=10).hexdigest()}@{project.slug}.imported.invalid",
                name=name[:200],
                password=make_password(None),
                is_active=False,
                is_imported=True,
            )
            for name in missing
        ]
    )
    Membership.objects.bulk_create(
        [
            Membership(project=project, user=user, pseudonym=name[:200], status=Membership.Status.IMPORTED)
            for user, name in zip(users, missing, strict=True)
        ]
    )
    return ids | {name: user.pk for user, name in zip(users, missing, strict=True)}


def _standing(words: Sequence[Word]) -> dict[Turn, list[Said]]:
    """What was said in these turns before this chunk."""
    if not words:
        return {}
    turns = {word.turn for word in words}
    submitted = Assignment.objects.submitted().filter(_of([word.subject for word in words], "task__")).order_by()
    rows = submitted.values_list(
        "task__solution_id",
        "task__comparison_id",
        "labeler_id",
        "submitted_at",
        "id",
        "finish_reason",
        "progress",
        "preference__choice",
        "preference__margin",
    )
    found = [
        (((solution, comparison), labeler, at), pk, Said(finish_reason, progress, frozenset(), choice, margin))
        for solution, comparison, labeler, at, pk, finish_reason, progress, choice, margin in rows
        if ((solution, comparison), labeler, at) in turns
    ]
    labels = StepLabel.objects.filter(assignment__in=[pk for _, pk, _ in found], rating__isnull=False)
    ratings: defaultdict[int, set[Rating]] = defaultdict(set)
    for pk, step_id, rating in labels.values_list("assignment_id", "step_id", "rating"):
        ratings[pk].add((step_id, rating))
    heard: defaultdict[Turn, list[Said]] = defaultdict(list)
    for turn, pk, said in found:
        heard[turn].append(said._replace(ratings=frozenset(ratings[pk])))
    return dict(heard)


def _of(subjects: Iterable[Subject], way: str) -> Q:
    """What is about any of these; `way` leads from the row to its task."""
    solutions = {solution for solution, _ in subjects if solution is not None}
    comparisons = {comparison for _, comparison in subjects if comparison is not None}
    either = Q(**{f"{way}solution_id__in": solutions}) if solutions else Q(pk__in=[])
    return either | Q(**{f"{way}comparison_id__in": comparisons}) if comparisons else either


# --- rounds and tasks -------------------------------------------------------------------------------------


def _seat_in_rounds(batch: ImportBatch, words: Sequence[Word]) -> None:
    rounds: dict[tuple[int | None, str], Round] = {}
    for word in words:
        key = (word.person.round, word.person.protocol)
        if key not in rounds:
            rounds[key] = _imported_round(batch, word.person)
        word.round = rounds[key]
    counts = Counter((_round(word).pk, word.labeler_id) for word in words)
    with connection.cursor() as cursor:
        cursor.executemany(_COUNT, [(*seat, count) for seat, count in counts.items()])


def _imported_round(batch: ImportBatch, person: PersonRecord) -> Round:
    protocol = Protocol(person.protocol)
    found = Round.objects.filter(
        project=batch.project, origin=batch.format, generation=person.round, protocol=protocol
    ).first()
    if found is not None:
        return found
    numbers = set(Round.objects.filter(project=batch.project).values_list("number", flat=True))
    free = person.round if person.round is not None and person.round not in numbers else max(numbers | {0}) + 1
    generation = "" if person.round is None else f" {person.round}"
    return Round.objects.create(
        project=batch.project,
        number=free,
        name=f"{batch.format}{generation}, {protocol.label}",
        protocol=protocol,
        is_screening=person.is_screening,
        status=Round.Status.CLOSED,
        origin=batch.format,
        generation=person.round,
    )


def _round(word: Word) -> Round:
    assert word.round is not None
    return word.round


def _give_tasks(words: Sequence[Word]) -> None:
    """Find or make the task of each word. The chunk's lock keeps others from making the same."""
    round_ids = {_round(word).pk for word in words}
    old = [word.subject for word in words if not word.landed.is_new]
    standing = Task.objects.filter(_of(old, ""), round_id__in=round_ids)
    rows = standing.values_list("round_id", "solution_id", "comparison_id", "id")
    ids: dict[tuple[int, Subject], int] = {
        (round_id, (solution, comparison)): pk for round_id, solution, comparison, pk in rows
    }
    keys = dict.fromkeys((_round(word).pk, word.subject) for word in words)
    new = [key for key in keys if key not in ids]
    fresh = next_ids(Task, len(new))
    copy_rows(
        Task,
        ["id", "round", "solution", "comparison", "priority", "is_gold", "open_slots"],
        ((pk, round_id, *subject, 0, False, 0) for pk, (round_id, subject) in zip(fresh, new, strict=True)),
    )
    ids |= dict(zip(new, fresh, strict=True))
    for word in words:
        word.task_id = ids[_round(word).pk, word.subject]
    for round_id, count in Counter(round_id for round_id, _ in new).items():
        Round.objects.filter(pk=round_id).update(task_count=F("task_count") + count, slot_count=F("slot_count") + count)


# --- assignments and labels -------------------------------------------------------------------------------


def _store_assignments(words: Sequence[Word]) -> None:
    """One counted turn per task and labeler; what a labeler said of it again is kept as extra."""
    pairs = set(
        Assignment.objects.filter(
            task_id__in={word.task_id for word in words if not word.landed.is_new},
            state__in=[Assignment.State.SUBMITTED, Assignment.State.LEASED],
        ).values_list("task_id", "labeler_id")
    )
    for word, pk in zip(words, next_ids(Assignment, len(words)), strict=True):
        word.assignment_id = pk
        if (word.task_id, word.labeler_id) in pairs:
            word.state = Assignment.State.EXTRA.value
        pairs.add((word.task_id, word.labeler_id))
    copy_rows(Assignment, ASSIGNMENT_FIELDS, (_assignment_row(word) for word in words))


def _assignment_row(word: Word) -> tuple[object, ...]:
    person, round_ = word.person, _round(word)
    extras = dict(person.extras)
    if person.is_screening != round_.is_screening:
        extras["is_screening"] = person.is_screening
    return (
        word.assignment_id,
        word.task_id,
        round_.pk,
        word.labeler_id,
        word.state,
        0,
        person.finish_reason or "",
        person.reason,
        person.submitted_at,
        person.active_ms,
        person.is_quality_control,
        person.progress,
        as_json(extras),
    )


def _label_rows(words: Iterable[Word]) -> Iterable[tuple[object, ...]]:
    for word in words:
        for said in word.person.steps:
            step_id = word.landed.step_id(said.position, said.candidate)
            yield word.assignment_id, step_id, said.rating, said.unsure, said.chosen


def _preference_rows(words: Iterable[Word]) -> Iterable[tuple[object, ...]]:
    for word in words:
        choice, margin = word.preference()
        if word.person.preference is not None and choice is not None:
            yield word.assignment_id, choice, margin, word.person.preference.rationale


class GoldImporter:
    """Ratings that a file vouches for. The first gold of a step stands; reviewers may change it.

    A record's gold lands whole or not at all: part of one and part of another would be gold that nobody said.
    """

    tables = (GoldLabel,)

    def takes(self, record: Record) -> bool:
        return bool(record.gold)

    def store_records(self, batch: ImportBatch, landed: Sequence[StoredRecord]) -> int:
        submitted = [(one, {one.path_step_id(gold.position): gold for gold in one.record.gold}) for one in landed]
        # Steps that land now have no gold yet.
        older = {step_id for one, gold in submitted if not one.is_new for step_id in gold}
        standing = dict(GoldLabel.objects.filter(step_id__in=older).values_list("step_id", "rating"))
        new: dict[int, GoldRating] = {}
        for one, gold in submitted:
            added = addition({step_id: said.rating for step_id, said in gold.items()}, standing)
            if added is None:
                one.contradict("gold")
            elif added:
                one.added = True
                standing |= added
                new |= {step_id: gold[step_id] for step_id in added}
        return copy_rows(
            GoldLabel,
            ["step", "rating", "origin", "self_reviewed"],
            ((step_id, said.rating, batch.format, said.self_reviewed) for step_id, said in new.items()),
        )
