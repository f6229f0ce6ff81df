"""What follows the error in a first_error round: alternatives for the bad step, progress, critiques of the mistake.

Alternatives that are sampled become candidates of the solution at once, so that all who find this error get the same
and their labels meet on the same steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Max, QuerySet

from apps.core.errors import DomainError, Unprocessable
from apps.corpus.models import Solution, Step
from apps.inference.errors import EndpointFailure
from apps.labeling.assignments.candidates import BUSY, check_open, sampled_steps
from apps.labeling.assignments.correct import why_not_correctable
from apps.labeling.assignments.submit import candidate_tree
from apps.labeling.models import Assignment, CandidateSet, Critique, Protocol
from apps.labeling.protocols import options_of
from apps.labeling.protocols.candidate_tree import Candidate, CandidateTree, prefix_digest
from apps.labeling.protocols.first_error import FirstErrorOptions

MOST_CRITIQUES = 8


@dataclass(frozen=True, slots=True)
class ErrorFollowup:
    """What is asked about the bad step; `problem` says why there are no alternatives."""

    position: int
    alternatives: Sequence[Candidate] = ()
    critiques: Sequence[Critique] = ()
    problem: str = ""
    busy: bool = False


def error_followup_of(*, assignment: Assignment, position: int) -> ErrorFollowup:
    """Only for the step that the labeler calls bad, so nobody sees it before. A model may be asked, within seconds."""
    # Whoever corrects what they said may find the error at another step.
    if assignment.round.protocol != Protocol.FIRST_ERROR or why_not_correctable(assignment) is not None:
        check_open(assignment, Protocol.FIRST_ERROR)
    options = options_of(assignment.round.protocol, assignment.round.options)
    assert isinstance(options, FirstErrorOptions)
    ways = candidate_tree(assignment.task)
    if not 0 <= position < len(ways.path):
        raise Unprocessable("The solution has no such step.", fields={"position": f"0 to {len(ways.path) - 1}"})
    critiques = list(critiques_for(assignment, position)[:MOST_CRITIQUES]) if options.critiques else []
    if not options.alternatives:
        return ErrorFollowup(position, critiques=critiques)
    found = _alternatives(ways, position)
    if found or assignment.round.endpoint is None:
        return ErrorFollowup(position, found, critiques)
    try:
        found = _sample(assignment, ways, position, options)
    except (EndpointFailure, DomainError) as failure:
        return ErrorFollowup(position, critiques=critiques, problem=str(failure), busy=failure.code == BUSY)
    return ErrorFollowup(position, found, critiques)


def critiques_for(assignment: Assignment, position: int | None = None) -> QuerySet[Critique]:
    """Models' and other people's, of the steps on the solution's path."""
    found = Critique.objects.filter(step__solution=assignment.task.solution_id, step__chosen=True)
    found = found.exclude(written_in=assignment)
    return (found if position is None else found.filter(step__position=position)).order_by("id")


def _alternatives(ways: CandidateTree, position: int) -> list[Candidate]:
    path = {step.position: step.candidate for step in ways.steps if step.chosen}
    return [one for one in ways.of_solution(position) if one.candidate != path[position]]


def _sample(assignment: Assignment, ways: CandidateTree, position: int, options: FirstErrorOptions) -> list[Candidate]:
    task, endpoint = assignment.task, assignment.round.endpoint
    solution = task.solution
    assert endpoint is not None
    assert solution is not None
    prefix = ways.path[:position]
    texts = sampled_steps(endpoint, task, prefix, options, without=[ways.path[position]])
    with transaction.atomic():
        Solution.objects.select_for_update().get(pk=solution.pk)
        # Somebody else may have found the same error, and been quicker.
        standing = _alternatives(candidate_tree(task), position)
        if standing:
            return standing
        offer = {"position": position, "texts": texts, "source": endpoint.model}
        CandidateSet.objects.get_or_create(task=task, prefix=prefix_digest(prefix), defaults=offer)
        here = Step.objects.filter(solution=task.solution_id, position=position)
        first = (here.aggregate(last=Max("candidate"))["last"] or 0) + 1
        Step.objects.bulk_create(
            Step(solution_id=solution.pk, position=position, candidate=number, text=text, chosen=False)
            for number, text in enumerate(texts, start=first)
        )
        return _alternatives(candidate_tree(task), position)
