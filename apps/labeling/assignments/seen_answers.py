"""Answers that a labeler has seen in training. What they submit or change after that says nothing about the solution.

The queue keeps a solution out of training while its labeler has begun it elsewhere, and out of other rounds afterwards. Three
ways remain: a task that they gave back, which may still be submitted late, a correction, and a return by a reviewer.
"""

from __future__ import annotations

from apps.labeling.models import Assignment, Round


def has_seen_answer(assignment: Assignment) -> bool:
    """Whether its labeler has submitted the same solution in a training round, which shows the answer."""
    solution_id = assignment.task.solution_id
    if solution_id is None or assignment.round.is_training:
        return False
    lessons = Assignment.objects.submitted().filter(round__kind=Round.Kind.TRAINING, task__solution=solution_id)
    return lessons.filter(labeler=assignment.labeler_id).exists()
