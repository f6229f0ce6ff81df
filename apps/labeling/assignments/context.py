"""What an assignment's submission is checked against and stored under, read from the database once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from apps.core.db.prepared import Prepared
from apps.corpus.models import Step
from apps.labeling.models import Assignment, CandidateSet, Critique, Protocol, Task
from apps.labeling.protocols import PROTOCOLS, TaskContext, options_of
from apps.labeling.protocols.candidate_tree import CandidateTree, KnownStep

_STEPS = Prepared(
    lambda solution: (
        Step.objects.filter(solution_id=solution).order_by().values_list("id", "position", "candidate", "chosen")
    ),
    "solution",
)


@dataclass(frozen=True, slots=True)
class AssignmentContext(TaskContext):
    """The task's context, with the ids of its steps by place (position, candidate)."""

    step_ids: Mapping[tuple[int, int], int] = field(default_factory=dict)

    @classmethod
    def load(cls, assignment: Assignment) -> AssignmentContext:
        protocol, task = assignment.round.protocol, assignment.task
        options = options_of(protocol, assignment.round.options)
        if PROTOCOLS[protocol].of == "comparison":
            return cls(options=options, is_pair=True)
        steps = _STEPS.rows(solution=task.solution_id)
        needs_texts = protocol == Protocol.BRANCHING or getattr(options, "alternatives", False)
        return cls(
            path={position: candidate for _, position, candidate, is_chosen in steps if is_chosen},
            options=options,
            tree=candidate_tree(task) if needs_texts else CandidateTree(),
            critiques=critiques_by_position(assignment) if getattr(options, "critiques", False) else {},
            step_ids={(position, candidate): pk for pk, position, candidate, _ in steps},
        )


def critiques_by_position(assignment: Assignment) -> dict[int, frozenset[int]]:
    """The ids of the critiques of the solution's path, except those written in this assignment."""
    critiques = Critique.objects.filter(step__solution=assignment.task.solution_id, step__chosen=True)
    ids: dict[int, set[int]] = {}
    for position, pk in critiques.exclude(written_in=assignment).values_list("step__position", "id"):
        ids.setdefault(position, set()).add(pk)
    return {position: frozenset(critique_ids) for position, critique_ids in ids.items()}


def candidate_tree(task: Task) -> CandidateTree:
    """The steps of the task's solution, and all candidates that were sampled for the task."""
    steps = Step.objects.filter(solution=task.solution_id).order_by()
    known_steps = [KnownStep(*row) for row in steps.values_list("position", "candidate", "text", "origin", "chosen")]
    return CandidateTree(known_steps, dict(CandidateSet.objects.filter(task=task).values_list("prefix", "texts")))
