"""Where the labels of a branching turn land: on the task's solution, or on one that grew out of the dialogue.

A turn that only took the solution's own candidates and its own path rated that solution. One that left it, by a step
of the labeler's own, another choice or sampled candidates, made a solution: all that was offered on the way, the
chosen steps its path, as PRM800K keeps them. It is another turn's just as little as its text is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from apps.corpus.grading import answer_of_steps, grade_answers
from apps.corpus.identity import digest
from apps.corpus.models import Solution, SolutionGrade, Step
from apps.corpus.problem_edits import run_answer_change_hooks
from apps.labeling.models import Assignment, StepLabel
from apps.labeling.protocols.base import Asked
from apps.labeling.protocols.branching import BranchStep, branch_steps
from apps.labeling.protocols.candidate_tree import SOLUTION
from apps.labeling.protocols.submission import Submission, SubmittedStep
from apps.verifiers.pool.pool import GradingPool

Place = tuple[int, int]


def store_dialogue(assignment: Assignment, submission: Submission, asked: Asked, step_ids: Mapping[Place, int]) -> None:
    """Within the submission's transaction. A corrected turn grows anew."""
    turns = list(branch_steps(submission, asked))
    before = assignment.grown
    places = _on_solution(turns, asked, step_ids)
    grown = None if places is not None or not turns else _grow(assignment, turns)
    if grown is not None:
        places = {(step.position, step.candidate): step.pk for step in grown.steps.all()}
    StepLabel.objects.bulk_create(
        StepLabel(
            assignment=assignment,
            step_id=(places or {})[step.position, step.candidate],
            rating=step.rating,
            unsure=step.unsure,
            chosen=step.chosen,
        )
        for step in submission.steps
    )
    if grown != before:
        assignment.grown = grown
        assignment.save(update_fields=["grown"])
        if before is not None and not before.tasks.exists():
            before.delete()


def _on_solution(turns: Sequence[BranchStep], asked: Asked, step_ids: Mapping[Place, int]) -> dict[Place, int] | None:
    """The solution's steps by place, if the turn speaks of nothing else."""
    chosen = [turn.text for turn in turns if turn.text is not None]
    if not asked.ways.follows(chosen) or len(chosen) > len(asked.ways.path):
        return None
    places: dict[Place, int] = {}
    for turn in turns:
        found = asked.ways.after(turn.prefix)
        if turn.offered and (found is None or found[1] != SOLUTION):
            return None
        for _, step in turn.said:
            place = (step.position, step.candidate)
            if step.text is not None:
                written = asked.ways.written_step(turn.prefix, step.text)
                if written is None:
                    return None
                places[place] = step_ids[written.position, written.candidate]
            else:
                places[place] = step_ids[place]
    return places


def _grow(assignment: Assignment, turns: Sequence[BranchStep]) -> Solution:
    task, number = assignment.task, assignment.round.number
    origin = task.solution
    assert origin is not None
    identity = f"branching:{assignment.round.project_id}:{assignment.pk}:{assignment.versions}"
    path = [turn.text for turn in turns if turn.text is not None]
    grown = Solution.objects.create(
        project_id=origin.project_id,
        problem_id=origin.problem_id,
        digest=digest("identity", identity),
        source=f"branching round {number}",
        final_answer=answer_of_steps(path, origin.separator),
        step_count=len(path),
        separator=origin.separator,
        extras={"identity": identity},
    )
    Step.objects.bulk_create(_steps(grown, turns))
    return grown


def _steps(grown: Solution, turns: Sequence[BranchStep]) -> Iterator[Step]:
    for turn in turns:
        chosen = turn.chosen.candidate if turn.chosen is not None else None
        for one in turn.offered:
            yield Step(
                solution=grown,
                position=turn.position,
                candidate=one.candidate,
                text=one.text,
                origin=one.origin,
                chosen=one.candidate == chosen,
            )
        if turn.own is not None:
            yield _own_step(grown, turn.own)


def _own_step(grown: Solution, own: SubmittedStep) -> Step:
    text = (own.text or "").strip()
    return Step(
        solution=grown, position=own.position, candidate=own.candidate, text=text, origin=Step.Origin.HUMAN, chosen=True
    )


def grade_derived(*, solution_id: int, pool: GradingPool | None = None) -> Solution | None:
    """Ask the verifier about a grown solution's answer. Safe to call again; None when the solution is gone."""
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
