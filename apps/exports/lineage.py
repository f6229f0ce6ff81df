"""Where an exported label comes from: who, when, by which guidelines, how good that labeler was on gold in that week, how
others voted, rollouts, verdicts, and the reviewer who adjudicated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice

from django.db.models import Count, Q
from django.db.models.functions import TruncDate, TruncWeek
from django.utils import timezone

from apps.core.errors import NotFound
from apps.core.statistics import Proportion
from apps.corpus.labels import UNKNOWN
from apps.corpus.models import Solution
from apps.exports.audits.services import check_released
from apps.exports.files.part_rows import part_rows
from apps.exports.files.storage import part_path
from apps.exports.formats import FORMATS
from apps.exports.labels.steps import Labeled, resolve
from apps.exports.load.records import load_record
from apps.exports.models import Export
from apps.exports.policy import LabelPolicy
from apps.exports.rows.addresses import COLUMN, solution_in
from apps.projects.models import Guideline
from apps.quality.models import GoldMark, Review
from apps.quality.review.evidence import Evidence, LabelerEvidence, Naming, evidence_of

NO_LABEL = "not rated by the source"


@dataclass(frozen=True, slots=True)
class StepLineage:
    """A candidate with its label by the export's policy; `reason` says why it has none."""

    position: int
    candidate: int
    text: str
    label: int | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SubmissionLineage:
    """One submission: its labeler, its guidelines, and the labeler's first errors on gold in the week that begins at `week`.

    `decision` is the newest one by a reviewer, if there is any.
    """

    labeler: str
    evidence: LabelerEvidence
    guideline: int | None
    week: date | None
    gold: Proportion
    decision: Review | None = None

    @property
    def first_error(self) -> int | None:
        return None if self.evidence.first_error == UNKNOWN else self.evidence.first_error


@dataclass(frozen=True, slots=True)
class Lineage:
    """The labels that the export's policy makes of the solution now, and everything that they rest on.

    `labelings` has several entries where the policy writes a row for each person. `source` is empty where no source of the
    policy labels the solution.
    """

    export: Export
    solution: Solution
    source: str
    labelings: Sequence[Sequence[StepLineage]]
    first_errors: Sequence[int | None]
    submissions: Sequence[SubmissionLineage]
    evidence: Evidence


def traced_solution(export: Export, *, part: int, row: int) -> int:
    """The id of the solution that a row is made from; both numbers count from 0.

    The row is read from the file, in which it must have the column `lineage`. Raises NotFound, and Conflict while an
    audit keeps the export back.
    """
    if export.policy.get("lineage") != "column":
        raise NotFound(
            "The rows of this export have no lineage. Export again with the policy key lineage set to column, "
            "or name the solution."
        )
    check_released(export)
    rows = part_rows(part_path(export, part), export.container)
    values = next(islice(rows, row, None), None)
    if values is None:
        raise NotFound(f"This file has no row {row}.")
    solution_id = solution_in(values[COLUMN])
    if solution_id is None:
        raise NotFound(f"Row {row} is made from several solutions of {values[COLUMN]}.")
    return solution_id


def lineage_of(export: Export, solution: Solution, naming: Naming) -> Lineage:
    """Some twenty queries. Raises NotFound for a solution without steps."""
    policy, evidence = LabelPolicy.from_dict(export.policy), evidence_of(solution, naming)
    labeled = resolve(load_record(export.project, solution.pk, FORMATS[export.format].needs(policy)), policy)
    return Lineage(
        export=export,
        solution=solution,
        source=labeled[0].source if labeled else "",
        labelings=[_steps(labeling, evidence) for labeling in labeled],
        first_errors=[labeling.first_error for labeling in labeled],
        submissions=_submissions(export, evidence),
        evidence=evidence,
    )


def _steps(labeled: Labeled, evidence: Evidence) -> list[StepLineage]:
    labels = dict(zip(labeled.places, labeled.labels, strict=True))
    labels |= {alternative.place: alternative.label for alternative in labeled.alternatives}
    steps = []
    for row in evidence.rows:
        place = (row.step.position, row.step.candidate)
        label = labels.get(place)
        reason = "" if label is not None else labeled.withheld.get(place, NO_LABEL)
        steps.append(StepLineage(*place, row.step.text, label, reason))
    return steps


def _submissions(export: Export, evidence: Evidence) -> list[SubmissionLineage]:
    assignments = [labeler.assignment for labeler in evidence.labelers]
    guidelines = dict(
        Guideline.objects.filter(pk__in={assignment.guideline_id for assignment in assignments}).values_list(
            "pk", "version"
        )
    )
    gold = _gold_by_week(export, {assignment.labeler_id for assignment in assignments})
    reviews = Review.objects.filter(assignment__in=assignments).select_related("reviewer").order_by("at", "pk")
    decisions = {review.assignment_id: review for review in reviews}
    submissions = []
    for labeler in evidence.labelers:
        assignment = labeler.assignment
        week = _week_of(assignment.submitted_at)
        submissions.append(
            SubmissionLineage(
                labeler=labeler.labeler,
                evidence=labeler,
                guideline=guidelines.get(assignment.guideline_id) if assignment.guideline_id is not None else None,
                week=week,
                gold=gold.get((assignment.labeler_id, week), Proportion(0, 0)),
                decision=decisions.get(assignment.pk),
            )
        )
    return submissions


def _week_of(at: datetime | None) -> date | None:
    """The Monday of the week in the server's time zone."""
    if at is None:
        return None
    day = timezone.localtime(at).date()
    return day - timedelta(days=day.weekday())


def _gold_by_week(export: Export, labelers: set[int]) -> Mapping[tuple[int, date | None], Proportion]:
    """By labeler and Monday: how many of the first errors that gold decides they found exactly."""
    marks = GoldMark.objects.filter(project=export.project_id, labeler__in=labelers, exact__isnull=False)
    weeks = (
        marks.order_by()
        .annotate(week=TruncDate(TruncWeek("at")))
        .values_list("labeler_id", "week")
        .annotate(hits=Count("pk", filter=Q(exact=True)), of=Count("pk"))
    )
    return {(labeler, week): Proportion(hits, of) for labeler, week, hits, of in weeks}
