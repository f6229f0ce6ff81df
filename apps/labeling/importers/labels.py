"""Imports people's labels.

The labels become submitted assignments of a closed round, as if they had been made here. Their labelers become users
who cannot sign in, with the name in the file as pseudonym.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
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
from apps.corpus.imports.extensions import StoredRecord
from apps.corpus.models import ImportBatch
from apps.corpus.records import PersonRecord, Record
from apps.labeling.importers.critiques import store_critiques
from apps.labeling.models import Assignment, PreferenceLabel, Protocol, Round, RoundProgress, StepLabel, Task
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
    "batch",
]
LABEL_FIELDS = ["assignment", "step", "rating", "unsure", "chosen", "comment"]
PREFERENCE_FIELDS = ["assignment", "choice", "margin", "rationale"]

_COUNT = """
INSERT INTO labeling_roundprogress (round_id, labeler_id, submitted) VALUES (%s, %s, %s)
ON CONFLICT (round_id, labeler_id) DO UPDATE SET submitted = labeling_roundprogress.submitted + excluded.submitted
"""

Rating = tuple[int, int | None]  # Step id and rating.
Subject = tuple[int | None, int | None]  # Solution id or comparison id.
Key = tuple[Subject, int, datetime | None]  # Subject, labeler id and time of submission.


class LabelContent(NamedTuple):
    """The labels of an assignment: two with the same key and content are the same assignment."""

    finish_reason: str
    progress: int | None
    ratings: frozenset[Rating]
    choice: str | None
    margin: str | None


@dataclass(slots=True)
class ImportedAssignment:
    """One labeler's entry in a record, with the ids under which it is stored."""

    record: StoredRecord
    person: PersonRecord
    labeler_id: int
    round: Round | None = None
    task_id: int = 0
    assignment_id: int = 0
    state: str = Assignment.State.SUBMITTED.value

    @property
    def subject(self) -> Subject:
        if self.record.comparison_id is None:
            return self.record.solution_id, None
        return None, self.record.comparison_id

    @property
    def key(self) -> Key:
        """What identifies the assignment in another import of the file."""
        return self.subject, self.labeler_id, self.person.submitted_at

    @property
    def round_id(self) -> int:
        assert self.round is not None
        return self.round.pk

    def content(self) -> LabelContent:
        person = self.person
        ratings = frozenset(
            (self.record.step_id(step.position, step.candidate), step.rating)
            for step in person.steps
            if step.rating is not None
        )
        return LabelContent(person.finish_reason or "", person.progress, ratings, *self.preference())

    def preference(self) -> tuple[str | None, str | None]:
        """Choice and margin by the sides of the stored comparison, which may be swapped against the file's."""
        preference = self.person.preference
        if preference is None or self.record.comparison_id is None:
            return None, None
        return turned(preference.choice, is_turned=self.record.is_turned), preference.margin

    def row(self) -> tuple[object, ...]:
        """The values of ASSIGNMENT_FIELDS but the last, the import."""
        person = self.person
        assert self.round is not None
        extras = dict(person.extras)
        if person.is_screening != self.round.is_screening:
            extras["is_screening"] = person.is_screening
        return (
            self.assignment_id,
            self.task_id,
            self.round.pk,
            self.labeler_id,
            self.state,
            0,
            person.finish_reason or "",
            person.reason,
            person.submitted_at,
            person.active_ms,
            person.is_quality_control,
            person.progress,
            as_json(extras),
        )

    def label_rows(self) -> Iterator[tuple[object, ...]]:
        """The values of LABEL_FIELDS for each rated step."""
        for step in self.person.steps:
            step_id = self.record.step_id(step.position, step.candidate)
            yield self.assignment_id, step_id, step.rating, step.unsure, step.chosen, step.comment

    def preference_rows(self) -> Iterator[tuple[object, ...]]:
        """The values of PREFERENCE_FIELDS, if there is a preference."""
        choice, margin = self.preference()
        if self.person.preference is not None and choice is not None:
            yield self.assignment_id, choice, margin, self.person.preference.rationale


class LabelImporter:
    tables = (Assignment, PreferenceLabel, RoundProgress, StepLabel, Task)

    def takes(self, record: Record) -> bool:
        return bool(record.people)

    def store_records(self, batch: ImportBatch, records: Sequence[StoredRecord]) -> int:
        """Store the records' assignments and labels. Returns the number of labels."""
        imported = new_assignments(batch.project, records)
        find_rounds(batch, imported)
        find_tasks(imported)
        store_assignments(batch, imported)
        for assignment in imported:
            assignment.record.added = True
        preferences = copy_rows(
            PreferenceLabel, PREFERENCE_FIELDS, (row for assignment in imported for row in assignment.preference_rows())
        )
        labels = copy_rows(StepLabel, LABEL_FIELDS, (row for assignment in imported for row in assignment.label_rows()))
        store_critiques(
            (assignment.assignment_id, assignment.record.step_id(critique.position, critique.candidate), critique)
            for assignment in imported
            for critique in assignment.person.critiques
        )
        return preferences + labels


def new_assignments(project: Project, records: Sequence[StoredRecord]) -> list[ImportedAssignment]:
    """The assignments that are not stored yet, the first of each key.

    Repeats are skipped silently; an entry with the same key and other labels contradicts its record.
    """
    names = {person.labeler for record in records for person in record.record.people}
    labelers = _labelers(project, names)
    entries = [
        ImportedAssignment(record, person, labelers[person.labeler])
        for record in records
        for person in record.record.people
    ]
    stored = stored_contents([entry for entry in entries if not entry.record.is_new])
    new: dict[Key, ImportedAssignment] = {}
    for entry in entries:
        key = entry.key
        if key in stored or key in new:
            contents = stored[key] if key in stored else [new[key].content()]
            if entry.content() not in contents:
                entry.record.contradict("people[]")
        else:
            new[key] = entry
    return list(new.values())


def _labelers(project: Project, names: set[str]) -> dict[str, int]:
    """User ids by the name in the file. A new name becomes a member who cannot sign in."""
    members = Membership.objects.filter(project=project, pseudonym__in=names)
    ids = dict(members.values_list("pseudonym", "user_id"))
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


def stored_contents(entries: Sequence[ImportedAssignment]) -> dict[Key, list[LabelContent]]:
    """The labels that are stored under these entries' keys."""
    if not entries:
        return {}
    keys = {entry.key for entry in entries}
    submitted = Assignment.objects.submitted().filter(_is_about([entry.subject for entry in entries], "task__"))
    rows = submitted.order_by().values_list(
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
    stored = [
        (((solution, comparison), labeler, at), pk, LabelContent(finish_reason, progress, frozenset(), choice, margin))
        for solution, comparison, labeler, at, pk, finish_reason, progress, choice, margin in rows
        if ((solution, comparison), labeler, at) in keys
    ]
    labels = StepLabel.objects.filter(assignment__in=[pk for _, pk, _ in stored], rating__isnull=False)
    ratings: defaultdict[int, set[Rating]] = defaultdict(set)
    for pk, step_id, rating in labels.values_list("assignment_id", "step_id", "rating"):
        ratings[pk].add((step_id, rating))
    contents: defaultdict[Key, list[LabelContent]] = defaultdict(list)
    for key, pk, content in stored:
        contents[key].append(content._replace(ratings=frozenset(ratings[pk])))
    return dict(contents)


def _is_about(subjects: Iterable[Subject], path: str) -> Q:
    """Rows about any of the subjects; `path` is the lookup path from the row to its task."""
    solutions = {solution for solution, _ in subjects if solution is not None}
    comparisons = {comparison for _, comparison in subjects if comparison is not None}
    condition = Q(**{f"{path}solution_id__in": solutions}) if solutions else Q(pk__in=[])
    return condition | Q(**{f"{path}comparison_id__in": comparisons}) if comparisons else condition


# --- rounds and tasks -------------------------------------------------------------------------------------


def find_rounds(batch: ImportBatch, imported: Sequence[ImportedAssignment]) -> None:
    """Set the round of each assignment, creating missing rounds, and count the submissions of each labeler."""
    rounds: dict[tuple[int | None, str], Round] = {}
    for assignment in imported:
        key = (assignment.person.round, assignment.person.protocol)
        if key not in rounds:
            rounds[key] = imported_round(batch, assignment.person)
        assignment.round = rounds[key]
    counts = Counter((assignment.round_id, assignment.labeler_id) for assignment in imported)
    with connection.cursor() as cursor:
        cursor.executemany(_COUNT, [(*progress_key, count) for progress_key, count in counts.items()])


def imported_round(batch: ImportBatch, person: PersonRecord) -> Round:
    protocol = Protocol(person.protocol)
    existing = Round.objects.filter(
        project=batch.project, origin=batch.format, generation=person.round, protocol=protocol
    ).first()
    if existing is not None:
        return existing
    numbers = set(Round.objects.filter(project=batch.project).values_list("number", flat=True))
    free_number = max(numbers | {0}) + 1
    generation = "" if person.round is None else f" {person.round}"
    return Round.objects.create(
        project=batch.project,
        number=person.round if person.round is not None and person.round not in numbers else free_number,
        name=f"{batch.format}{generation}, {protocol.label}",
        protocol=protocol,
        kind=Round.Kind.SCREENING if person.is_screening else Round.Kind.WORK,
        status=Round.Status.CLOSED,
        origin=batch.format,
        generation=person.round,
    )


def find_tasks(imported: Sequence[ImportedAssignment]) -> None:
    """Set the task of each assignment, creating missing tasks. The chunk's lock keeps others from creating the same."""
    round_ids = {assignment.round_id for assignment in imported}
    of_older_records = [assignment.subject for assignment in imported if not assignment.record.is_new]
    existing = Task.objects.filter(_is_about(of_older_records, ""), round_id__in=round_ids)
    rows = existing.values_list("round_id", "solution_id", "comparison_id", "id")
    ids: dict[tuple[int, Subject], int] = {
        (round_id, (solution, comparison)): pk for round_id, solution, comparison, pk in rows
    }
    keys = dict.fromkeys((assignment.round_id, assignment.subject) for assignment in imported)
    new_keys = [key for key in keys if key not in ids]
    new_ids = next_ids(Task, len(new_keys))
    copy_rows(
        Task,
        ["id", "round", "solution", "comparison", "priority", "is_gold", "open_slots"],
        ((pk, round_id, *subject, 0, False, 0) for pk, (round_id, subject) in zip(new_ids, new_keys, strict=True)),
    )
    ids |= dict(zip(new_keys, new_ids, strict=True))
    for assignment in imported:
        assignment.task_id = ids[assignment.round_id, assignment.subject]
    for round_id, count in Counter(round_id for round_id, _ in new_keys).items():
        Round.objects.filter(pk=round_id).update(task_count=F("task_count") + count, slot_count=F("slot_count") + count)


# --- assignments and labels -------------------------------------------------------------------------------


def store_assignments(batch: ImportBatch, imported: Sequence[ImportedAssignment]) -> None:
    """One submitted assignment per task and labeler; further ones of the same labeler are stored as extra."""
    submitted = set(
        Assignment.objects.filter(
            task_id__in={assignment.task_id for assignment in imported if not assignment.record.is_new},
            state__in=[Assignment.State.SUBMITTED, Assignment.State.LEASED],
        ).values_list("task_id", "labeler_id")
    )
    for assignment, pk in zip(imported, next_ids(Assignment, len(imported)), strict=True):
        assignment.assignment_id = pk
        if (assignment.task_id, assignment.labeler_id) in submitted:
            assignment.state = Assignment.State.EXTRA.value
        submitted.add((assignment.task_id, assignment.labeler_id))
    copy_rows(Assignment, ASSIGNMENT_FIELDS, ((*assignment.row(), batch.pk) for assignment in imported))
