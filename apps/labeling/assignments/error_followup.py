"""What a first_error round asks about the error: alternatives for the bad step, progress, critiques of the mistake.

Sampled alternatives become candidates of the solution at once, so that all labelers who find this error rate the same
steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Max

from apps.core.errors import DomainError, Unprocessable
from apps.corpus.models import Solution, Step
from apps.inference.errors import EndpointFailure
from apps.labeling.assignments.candidates import BUSY, check_open, sampled_steps
from apps.labeling.assignments.context import candidate_tree
from apps.labeling.assignments.correct import refusal_of_correction
from apps.labeling.models import Assignment, CandidateSet, Critique, Protocol
from apps.labeling.protocols import options_of
from apps.labeling.protocols.candidate_tree import CandidateTree, StepCandidate, prefix_digest
from apps.labeling.protocols.first_error import FirstErrorOptions

MOST_CRITIQUES = 8


@dataclass(frozen=True, slots=True)
class ErrorFollowup:
    """What is asked about the bad step; `problem` says why there are no alternatives."""

    position: int
    alternatives: Sequence[StepCandidate] = ()
    critiques: Sequence[Critique] = ()
    problem: str = ""
    busy: bool = False


def error_followup_of(*, assignment: Assignment, position: int) -> ErrorFollowup:
    """The follow-up for the step that the labeler rates bad. A model may be called for alternatives, within seconds.

    Raises Conflict if the round has no follow-up or the task has been submitted and cannot be corrected, Unprocessable
    for a position that does not exist.
    """
    # A labeler who corrects a submission may name the error at another step.
    if assignment.round.protocol != Protocol.FIRST_ERROR or refusal_of_correction(assignment) is not None:
        check_open(assignment, Protocol.FIRST_ERROR)
    options = options_of(assignment.round.protocol, assignment.round.options)
    assert isinstance(options, FirstErrorOptions)
    tree = candidate_tree(assignment.task)
    if not 0 <= position < len(tree.path):
        raise Unprocessable(
            "The solution has no such step.", fields={"position": f"must be between 0 and {len(tree.path) - 1}"}
        )
    critiques: list[Critique] = []
    if options.critiques:
        of_step = Critique.objects.filter(
            step__solution=assignment.task.solution_id, step__chosen=True, step__position=position
        )
        critiques = list(of_step.exclude(written_in=assignment).order_by("id")[:MOST_CRITIQUES])
    if not options.alternatives:
        return ErrorFollowup(position, critiques=critiques)
    alternatives = _alternatives(tree, position)
    if alternatives or assignment.round.endpoint is None:
        return ErrorFollowup(position, alternatives, critiques)
    try:
        alternatives = _sample(assignment, tree, position, options)
    except (EndpointFailure, DomainError) as failure:
        return ErrorFollowup(position, critiques=critiques, problem=str(failure), busy=failure.code == BUSY)
    return ErrorFollowup(position, alternatives, critiques)


def _alternatives(tree: CandidateTree, position: int) -> list[StepCandidate]:
    path = {step.position: step.candidate for step in tree.steps if step.chosen}
    candidates = tree.solution_candidates(position)
    return [candidate for candidate in candidates if candidate.candidate != path[position]]


def _sample(
    assignment: Assignment, tree: CandidateTree, position: int, options: FirstErrorOptions
) -> list[StepCandidate]:
    task, endpoint = assignment.task, assignment.round.endpoint
    solution = task.solution
    assert endpoint is not None
    assert solution is not None
    prefix = tree.path[:position]
    texts = sampled_steps(endpoint, task, prefix, options, without=[tree.path[position]])
    with transaction.atomic():
        Solution.objects.select_for_update().get(pk=solution.pk)
        # Another labeler may have found the same error and been faster.
        existing = _alternatives(candidate_tree(task), position)
        if existing:
            return existing
        defaults = {"position": position, "texts": texts, "source": endpoint.model}
        CandidateSet.objects.get_or_create(task=task, prefix=prefix_digest(prefix), defaults=defaults)
        here = Step.objects.filter(solution=task.solution_id, position=position)
        first = (here.aggregate(last=Max("candidate"))["last"] or 0) + 1
        Step.objects.bulk_create(
            Step(solution_id=solution.pk, position=position, candidate=number, text=text, chosen=False)
            for number, text in enumerate(texts, start=first)
        )
        return _alternatives(candidate_tree(task), position)
