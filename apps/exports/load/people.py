"""Loads the submissions of people as records, with the reviewers' corrections, within the snapshots of `records`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from msgspec import structs

from apps.corpus.records import CritiqueRecord, PersonRecord, PreferenceRecord, StepRating
from apps.labeling.models import Assignment, Critique, CritiqueRating, PreferenceLabel, Round, StepLabel
from apps.labeling.models.counted import redundancy_expression
from apps.projects.models import Membership, Project
from apps.quality.models import QualityRules
from apps.quality.review.corrections import Correction, corrections_of

ASSIGNMENT_FIELDS = [
    "round__number",
    "round__generation",
    "round__origin",
    "round__protocol",
    "round__kind",
    "finish_reason",
    "reason",
    "submitted_at",
    "active_ms",
    "is_quality_control",
    "progress",
    "extras",
    "corrected_by_id",
]

LABEL_FIELDS = ("rating", "unsure", "chosen", "comment")

Place = tuple[int, int]


class Member(NamedTuple):
    """A labeler's name in files, and whether they are suspended."""

    name: str
    is_suspended: bool


UNKNOWN_MEMBER = Member("reviewer", is_suspended=False)


class Members(dict[int, Member]):
    """By user id. `min_labelers` is the project's rule that overrides the redundancy of rounds."""

    min_labelers: int | None = None


def load_members(project: Project) -> Members:
    memberships = Membership.objects.filter(project=project)
    suspended = set(memberships.filter(status=Membership.Status.SUSPENDED).values_list("user_id", flat=True))
    names = memberships.pseudonyms()
    members = Members({user: Member(name, user in suspended) for user, name in names.items()})
    members.min_labelers = QualityRules.objects.filter(project=project).values_list("min_labelers", flat=True).first()
    return members


def load_people(
    solution_ids: Sequence[int], places: dict[int, Place], members: Members
) -> dict[int, list[PersonRecord]]:
    assignments = _assignment_rows(solution_ids)
    labels = _ratings([assignment[0] for assignment in assignments], places)
    critiques = _critiques([assignment[0] for assignment in assignments], places)
    corrections = corrections_of(
        [
            assignment[0]
            for assignment in assignments
            if assignment[3 + ASSIGNMENT_FIELDS.index("corrected_by_id")] is not None
        ]
    )
    people: defaultdict[int, list[PersonRecord]] = defaultdict(list)
    for pk, solution_id, labeler_id, *assignment in assignments:
        values = _named(assignment) | {"critiques": critiques[pk]}
        person = _person(values, labels[pk], labeler_id, members)
        correction = corrections.get(pk)
        if correction is None:
            people[solution_id].append(person)
        else:
            reviewer = members.get(correction.reviewer.pk, UNKNOWN_MEMBER)
            corrected = structs.replace(person, corrected_by=reviewer.name)
            people[solution_id] += [corrected, _reviewer(person, correction, reviewer)]
    return people


def _reviewer(person: PersonRecord, correction: Correction, reviewer: Member) -> PersonRecord:
    """The reviewer's correction of a submission, as a record of the same round."""
    submission = correction.submission
    return PersonRecord(
        labeler=reviewer.name,
        round=person.round,
        protocol=person.protocol,
        finish_reason=submission.finish_reason,
        reason=correction.note,
        submitted_at=correction.at,
        is_suspended=reviewer.is_suspended,
        role="reviewer",
        corrects=person.labeler,
        self_reviewed=correction.self_reviewed,
        redundancy=person.redundancy,
        steps=[
            StepRating(
                position=step.position,
                candidate=step.candidate,
                rating=step.rating,
                unsure=step.unsure,
                chosen=step.chosen,
                comment=step.comment,
            )
            for step in sorted(submission.steps, key=attrgetter("position", "candidate"))
        ],
    )


def _assignment_rows(solution_ids: Sequence[int]) -> list[tuple[Any, ...]]:
    """Submissions in order of time. One with a derived solution belongs to that, not to its task's solution."""
    submitted = Assignment.objects.submitted().outside_training().order_by()
    on_task = submitted.filter(task__solution_id__in=solution_ids, derived_solution__isnull=True)
    on_derived = submitted.filter(derived_solution_id__in=solution_ids)
    rows = [
        *on_task.values_list("id", "task__solution_id", "labeler_id", *ASSIGNMENT_FIELDS, redundancy_expression()),
        *on_derived.values_list("id", "derived_solution_id", "labeler_id", *ASSIGNMENT_FIELDS, redundancy_expression()),
    ]
    return sorted(rows, key=_when)


def _named(assignment: Sequence[Any]) -> dict[str, Any]:
    return dict(zip((*ASSIGNMENT_FIELDS, "redundancy"), assignment, strict=True))


def _when(assignment: tuple[Any, ...]) -> tuple[bool, Any, int]:
    """Sorts as SQL does: undated submissions of files come last."""
    at = assignment[3 + ASSIGNMENT_FIELDS.index("submitted_at")]
    return at is None, at or 0, assignment[0]


def _ratings(assignment_ids: Sequence[int], places: dict[int, Place]) -> dict[int, list[StepRating]]:
    """By assignment, the ratings in order of position and candidate."""
    ratings: defaultdict[int, list[StepRating]] = defaultdict(list)
    rows = StepLabel.objects.filter(assignment_id__in=assignment_ids)
    for assignment_id, step_id, *values in rows.values_list("assignment_id", "step_id", *LABEL_FIELDS):
        position, candidate = places[step_id]
        label = dict(zip(LABEL_FIELDS, values, strict=True))
        ratings[assignment_id].append(StepRating(position=position, candidate=candidate, **label))
    for of_assignment in ratings.values():
        of_assignment.sort(key=attrgetter("position", "candidate"))
    return ratings


def _critiques(assignment_ids: Sequence[int], places: dict[int, Place]) -> dict[int, list[CritiqueRecord]]:
    """By assignment, the critiques that it rates and those that it wrote."""
    critiques: defaultdict[int, list[CritiqueRecord]] = defaultdict(list)
    rated = CritiqueRating.objects.filter(assignment_id__in=assignment_ids).order_by("critique_id")
    of_critique = ("critique__step_id", "critique__text", "critique__origin", "critique__source")
    for assignment_id, rating, step_id, text, origin, source in rated.values_list(
        "assignment_id", "rating", *of_critique
    ):
        position, candidate = places[step_id]
        critiques[assignment_id].append(
            CritiqueRecord(
                position=position, candidate=candidate, text=text, origin=origin, source=source, rating=rating
            )
        )
    written = Critique.objects.filter(written_in_id__in=assignment_ids).order_by("id")
    for assignment_id, step_id, text in written.values_list("written_in_id", "step_id", "text"):
        position, candidate = places[step_id]
        critiques[assignment_id].append(
            CritiqueRecord(position=position, candidate=candidate, text=text, origin="human", is_own=True)
        )
    return critiques


def _person(
    assignment: dict[str, Any],
    ratings: Sequence[StepRating],
    labeler_id: int,
    members: Members,
    preference: PreferenceRecord | None = None,
) -> PersonRecord:
    member = members[labeler_id]
    extras = dict(assignment["extras"] or {})
    return PersonRecord(
        labeler=member.name,
        round=assignment["round__generation"] if assignment["round__origin"] else assignment["round__number"],
        protocol=assignment["round__protocol"],
        finish_reason=assignment["finish_reason"] or None,
        reason=assignment["reason"],
        submitted_at=assignment["submitted_at"],
        active_ms=assignment["active_ms"],
        is_quality_control=assignment["is_quality_control"],
        is_screening=extras.pop("is_screening", assignment["round__kind"] == Round.Kind.SCREENING),
        is_suspended=member.is_suspended,
        redundancy=members.min_labelers or assignment["redundancy"],
        steps=ratings,
        preference=preference,
        progress=assignment["progress"],
        critiques=assignment.get("critiques", ()),
        extras=extras,
    )


def load_preferences(comparison_ids: Sequence[int], members: Members) -> dict[int, list[PersonRecord]]:
    assignments = list(
        Assignment.objects.submitted()
        .outside_training()
        .filter(task__comparison_id__in=comparison_ids)
        .order_by("submitted_at", "id")
        .values_list("id", "task__comparison_id", "labeler_id", *ASSIGNMENT_FIELDS, redundancy_expression())
    )
    labels = PreferenceLabel.objects.filter(assignment_id__in=[assignment[0] for assignment in assignments])
    preferences = {
        assignment: PreferenceRecord(choice=choice, margin=margin, rationale=rationale)
        for assignment, choice, margin, rationale in labels.values_list(
            "assignment_id", "choice", "margin", "rationale"
        )
    }
    people: defaultdict[int, list[PersonRecord]] = defaultdict(list)
    for pk, comparison_id, labeler_id, *assignment in assignments:
        person = _person(_named(assignment), (), labeler_id, members, preferences.get(pk))
        people[comparison_id].append(person)
    return people
