"""Storing the labels of a submission, each kind in its table."""

from __future__ import annotations

from apps.core.db.prepared import run
from apps.corpus.comparisons import turned
from apps.corpus.labels import BAD
from apps.labeling.assignments.branching import store_branching_labels
from apps.labeling.assignments.context import AssignmentContext
from apps.labeling.models import Assignment, Critique, CritiqueRating, PreferenceLabel, Protocol
from apps.labeling.protocols.first_error import error_position
from apps.labeling.protocols.submission import Submission

_STORE_RATINGS = """
INSERT INTO labeling_steplabel (assignment_id, step_id, rating, unsure, chosen, comment)
SELECT %(assignment)s, *
FROM unnest(%(steps)s::bigint[], %(ratings)s::smallint[], %(unsure)s::bool[], %(chosen)s::bool[], %(comments)s::text[])
"""


def store_labels(assignment: Assignment, submission: Submission, context: AssignmentContext) -> None:
    """Within the transaction of the submission or its correction. The assignment has no labels yet."""
    protocol, path = assignment.round.protocol, context.path
    if protocol == Protocol.BRANCHING:
        store_branching_labels(assignment, submission, context)
        return
    bad_ends_path = protocol != Protocol.EVERY_STEP
    run(
        _STORE_RATINGS,
        {
            "assignment": assignment.pk,
            "steps": [context.step_ids[step.position, step.candidate] for step in submission.steps],
            "ratings": [step.rating for step in submission.steps],
            "unsure": [step.unsure for step in submission.steps],
            # An alternative is rated off the path, so that it is never chosen; nor is a step that only has a comment.
            "chosen": [
                step.is_answered
                and step.candidate == path[step.position]
                and (step.chosen or step.rating != BAD or not bad_ends_path)
                for step in submission.steps
            ],
            "comments": [step.comment.strip() for step in submission.steps],
        },
    )
    preference = submission.preference
    if preference is not None:
        PreferenceLabel.objects.create(
            assignment=assignment,
            choice=turned(preference.choice, is_turned=assignment.sides_swapped),
            margin=preference.margin,
            rationale=preference.rationale.strip(),
        )
    if protocol == Protocol.FIRST_ERROR:
        store_error_followup(assignment, submission, context)


def store_error_followup(assignment: Assignment, submission: Submission, context: AssignmentContext) -> None:
    """Progress and critiques."""
    if submission.progress != assignment.progress:
        assignment.progress = submission.progress
        assignment.save(update_fields=["progress"])
    error = error_position(submission, context)
    if error is None or not submission.critiques:
        return
    Critique.objects.bulk_create(
        Critique(
            step_id=context.step_ids[error, context.path[error]],
            text=(critique.text or "").strip(),
            origin=Critique.Origin.HUMAN,
            written_in=assignment,
        )
        for critique in submission.critiques
        if critique.id is None
    )
    CritiqueRating.objects.bulk_create(
        CritiqueRating(assignment=assignment, critique_id=critique.id, rating=critique.rating or 0)
        for critique in submission.critiques
        if critique.id is not None
    )
