"""Training: the gold answer of a task, which its labeler sees once they have submitted it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q

from apps.core.errors import Conflict, NotFound
from apps.corpus.labels import NO_ERROR
from apps.labeling.models import Assignment, GoldLabel, Protocol, StepLabel
from apps.quality.gold.labels import gold_of
from apps.quality.gold.marks import marks_of
from apps.quality.gold.scoring import Gold

State = Assignment.State


@dataclass(frozen=True, slots=True)
class StepAnswer:
    """One step of the path: the labeler's rating, gold's with its explanation, and whether the labeler's is accepted.

    `gold` and `is_right` are None where gold does not decide, as after the first error.
    """

    position: int
    rating: int | None
    unsure: bool
    gold: int | None
    is_right: bool | None
    explanation: str


@dataclass(frozen=True, slots=True)
class TrainingAnswer:
    """The answer to a task. `first_errors` are the first errors that gold accepts, -1 for none; empty if it names none.

    `is_right`: the labeler names one of them, as gold marks measure it; None if it names none.
    """

    steps: Sequence[StepAnswer]
    first_errors: Sequence[int]
    is_right: bool | None


def training_answer(assignment: Assignment) -> TrainingAnswer:
    """The gold of a submitted training task.

    Raises NotFound for a task of another kind of round, whose gold labelers never see, and if its gold was removed.
    Raises Conflict before the submission, and while the labeler may still submit the same solution in another round: the
    queue keeps these apart, and this is the second lock on the same door.
    """
    if not assignment.round.is_training:
        raise NotFound("Only tasks of a training round have an answer.")
    if not assignment.is_submitted:
        raise Conflict("Submit the task to see its answer.", code="not_submitted")
    solution_id = assignment.task.solution_id
    if _is_begun_elsewhere(assignment):
        raise Conflict("You have begun this task in another round: finish it there first.", code="begun_elsewhere")
    gold = gold_of([solution_id] if solution_id is not None else [])
    if solution_id is None or solution_id not in gold:
        raise NotFound("This task has no gold any more.")
    known, mark = gold[solution_id], marks_of([assignment], gold)[assignment.pk]
    return TrainingAnswer(_steps(assignment, known), sorted(known.acceptable), mark.exact)


def _is_begun_elsewhere(assignment: Assignment) -> bool:
    unfinished = Q(state__in=(State.LEASED, State.RETURNED, State.SKIPPED)) | Q(
        state=State.EXPIRED, draft_version__gt=0
    )
    same = Assignment.objects.filter(task__solution=assignment.task.solution_id, labeler=assignment.labeler_id)
    return same.filter(unfinished).exclude(round=assignment.round_id).exists()


def _steps(assignment: Assignment, gold: Gold) -> list[StepAnswer]:
    solution_id, every_step = assignment.task.solution_id, assignment.round.protocol == Protocol.EVERY_STEP
    explained = GoldLabel.objects.filter(step__solution=solution_id, step__chosen=True)
    explanations = dict(explained.values_list("step__position", "explanation"))
    own = StepLabel.objects.filter(assignment=assignment, step__solution=solution_id)
    # An alternative to a bad step is a candidate off the path.
    given = {label.step.position: label for label in own.filter(step__chosen=True).select_related("step")}
    answers = []
    for position in sorted({*given, *gold.ratings, *(gold.acceptable - {NO_ERROR})}):
        label = given.get(position)
        rating = label.rating if label is not None else None
        answers.append(
            StepAnswer(
                position,
                rating,
                bool(label is not None and label.unsure),
                gold.ratings.get(position),
                gold.accepts(position, rating, every_step=every_step) if rating is not None else None,
                explanations.get(position, ""),
            )
        )
    return answers
