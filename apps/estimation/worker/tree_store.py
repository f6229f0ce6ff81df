"""The store of a worker at a run with the tree strategy: it stores derived solutions and loads rollouts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from django.db import IntegrityError, transaction

from apps.corpus.grading import final_answer, grade_answers
from apps.corpus.identity import solution_digest
from apps.corpus.models import Solution
from apps.corpus.records import SolutionRecord, StepRecord
from apps.corpus.services import add_solutions
from apps.estimation.engine.outcomes import RolloutOutcome
from apps.estimation.engine.results import SolutionResult
from apps.estimation.engine.solution_state import Batch, GradedRollout, SolutionState
from apps.estimation.engine.tree import StoredRollouts, TreeNode, TreeResult
from apps.estimation.models import Rollout
from apps.estimation.worker.load import load_states
from apps.estimation.worker.store import RunStore
from apps.estimation.worker.write import insert
from apps.runs.changes import RunChanges


class PostgresTreeStore(RunStore):
    async def derive(self, state: SolutionState, steps: Sequence[str]) -> TreeNode | None:
        return await self.in_thread(lambda: self._derive(state, steps))

    async def stored_rollouts(self, step_ids: Iterable[int]) -> Mapping[int, StoredRollouts]:
        return await self.in_thread(lambda: self._stored_rollouts(list(step_ids)))

    def _derive(self, state: SolutionState, steps: Sequence[str]) -> TreeNode | None:
        """The derived solution is identified by its text and origin, so a resumed tree finds it again.

        A solution with the same text but another origin is estimated for its own sake, not as part of this tree.
        """
        problem = Solution.objects.select_related("problem").get(pk=state.solution_id).problem
        record = SolutionRecord(
            steps=[StepRecord(position=position, text=text) for position, text in enumerate(steps)],
            source=self.run.completer,
            separator=state.separator,
            extras={"derived_from": {"run": self.run.number, "solution": state.solution_id}},
        )
        existing = Solution.objects.filter(problem=problem, digest=solution_digest(record)).select_related("problem")
        if not existing.exists():
            grades = grade_answers([(state.verifier, state.reference, final_answer(record))], pool=self.pool)
            if grades[0].is_correct is not False:
                return None
            try:
                with transaction.atomic():
                    add_solutions(problem=problem, records=[record], graded=grades)
            except IntegrityError:
                # Another tree of the same problem has just stored it.
                return None
        solution = existing.get()
        if solution.extras != record.extras:
            return None
        derived = load_states(self.run, [solution])[0]
        # Its requests count for the given solution, which one worker at a time holds.
        derived.solution_id = state.solution_id
        return TreeNode(solution.pk, derived)

    def _stored_rollouts(self, step_ids: list[int]) -> Mapping[int, StoredRollouts]:
        rows = Rollout.objects.filter(batch__run=self.run, batch__step__in=step_ids).order_by("batch", "index")
        by_step: defaultdict[int, defaultdict[int, list[GradedRollout]]] = defaultdict(lambda: defaultdict(list))
        for step_id, ordinal, text, answer, outcome in rows.values_list(
            "batch__step_id", "batch__ordinal", "text", "answer", "outcome"
        ):
            by_step[step_id][ordinal].append(GradedRollout(text, answer, RolloutOutcome(outcome)))
        return {
            step_id: {ordinal: tuple(rollouts) for ordinal, rollouts in batches.items()}
            for step_id, batches in by_step.items()
        }

    def _flush(self, batches: Sequence[Batch], results: Sequence[SolutionResult]) -> set[int]:
        """Store the derived solutions' results first: the given solution's result marks its tree as done."""
        derived = [other for result in results if isinstance(result, TreeResult) for other in result.derived]
        if derived and not self.is_stale:
            with transaction.atomic():
                changes = insert(self.run, [], derived)
                # Derived solutions are not among those that the run was started with: only their steps count.
                RunChanges({"steps": changes.sums.get("steps", 0)}).add_to(self.run)
        return super()._flush(batches, results)
