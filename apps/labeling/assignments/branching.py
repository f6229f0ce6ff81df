"""Storing the labels of a branching submission: on the task's solution, or on a derived solution.

A submission that only used the solution's own candidates and path rates that solution. One that left it, by a step that
the labeler wrote, another choice or sampled candidates, derives a new solution: it holds all candidates that were shown
on the way, and the chosen steps are its path, as in PRM800K. A derived solution belongs to exactly one assignment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from apps.corpus.grading import answer_of_steps, grade_answers
from apps.corpus.identity import digest
from apps.corpus.models import Solution, SolutionGrade, Step
from apps.corpus.problem_edits import run_answer_change_hooks
from apps.labeling.assignments.context import AssignmentContext
from apps.labeling.models import Assignment, StepLabel
from apps.labeling.protocols.branching import BranchStep, branch_steps
from apps.labeling.protocols.candidate_tree import SOLUTION
from apps.labeling.protocols.submission import Submission
from apps.verifiers.pool.pool import GradingPool

Place = tuple[int, int]


def store_branching_labels(assignment: Assignment, submission: Submission, context: AssignmentContext) -> None:
    """Within the submission's transaction. A new submission derives a new solution and deletes the previous one."""
    steps = list(branch_steps(submission, context))
    previous = assignment.derived_solution
    step_ids = solution_step_ids(steps, context)
    derived = None if step_ids is not None or not steps else derive_solution(assignment, steps)
    if derived is not None:
        step_ids = {(step.position, step.candidate): step.pk for step in derived.steps.all()}
    StepLabel.objects.bulk_create(
        StepLabel(
            assignment=assignment,
            step_id=(step_ids or {})[step.position, step.candidate],
            rating=step.rating,
            unsure=step.unsure,
            chosen=step.chosen,
            comment=step.comment.strip(),
        )
        for step in submission.steps
    )
    if derived != previous:
        assignment.derived_solution = derived
        assignment.save(update_fields=["derived_solution"])
        if previous is not None and not previous.tasks.exists():
            previous.delete()


def solution_step_ids(steps: Sequence[BranchStep], context: AssignmentContext) -> Mapping[Place, int] | None:
    """The ids of the rated steps of the task's solution; None if the submission left the solution."""
    tree = context.tree
    chosen = [step.text for step in steps if step.text is not None]
    if not tree.follows(chosen) or len(chosen) > len(tree.path):
        return None
    ids: dict[Place, int] = {}
    for step in steps:
        candidates = tree.after(step.prefix)
        if step.candidates and (candidates is None or candidates[1] != SOLUTION):
            return None
        for _, answer in step.answers:
            place = (answer.position, answer.candidate)
            if answer.text is None:
                ids[place] = context.step_ids[place]
                continue
            written = tree.written_step(step.prefix, answer.text)
            if written is None:
                return None
            ids[place] = context.step_ids[written.position, written.candidate]
    return ids


def derive_solution(assignment: Assignment, steps: Sequence[BranchStep]) -> Solution:
    task, number = assignment.task, assignment.round.number
    origin = task.solution
    assert origin is not None
    identity = f"branching:{assignment.round.project_id}:{assignment.pk}:{assignment.versions}"
    path = [step.text for step in steps if step.text is not None]
    derived = Solution.objects.create(
        project_id=origin.project_id,
        problem_id=origin.problem_id,
        digest=digest("identity", identity),
        source=f"branching round {number}",
        final_answer=answer_of_steps(path, origin.separator),
        step_count=len(path),
        separator=origin.separator,
        extras={"identity": identity},
    )
    Step.objects.bulk_create(_steps_of(derived, steps))
    return derived


def _steps_of(derived: Solution, steps: Sequence[BranchStep]) -> Iterator[Step]:
    for step in steps:
        chosen = step.chosen.candidate if step.chosen is not None else None
        for candidate in step.candidates:
            yield Step(
                solution=derived,
                position=step.position,
                candidate=candidate.candidate,
                text=candidate.text,
                origin=candidate.origin,
                chosen=candidate.candidate == chosen,
            )
        if step.own is not None:
            yield Step(
                solution=derived,
                position=step.own.position,
                candidate=step.own.candidate,
                text=(step.own.text or "").strip(),
                origin=Step.Origin.HUMAN,
                chosen=True,
            )


def grade_derived(*, solution_id: int, pool: GradingPool | None = None) -> Solution | None:
    """Grade a derived solution's answer, unless it is graded. Returns None if the solution no longer exists."""
    solution = Solution.objects.select_related("problem__project").filter(pk=solution_id).first()
    if solution is None or solution.grade != SolutionGrade.UNGRADED:
        return solution
    problem = solution.problem
    question = (problem.verifier or problem.project.verifier, problem.reference_answer, solution.final_answer)
    with pool or GradingPool() as grading:
        graded = grade_answers([question], pool=grading)[0]
    solution.grade, solution.is_correct, solution.graded_by = graded.grade, graded.is_correct, graded.by
    solution.save(update_fields=["grade", "is_correct", "graded_by"])
    run_answer_change_hooks(problem)
    return solution
