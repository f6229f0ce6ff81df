"""Solutions that a tree grows, and the rollouts that it is grown from, in PostgreSQL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from django.db import IntegrityError, transaction

from apps.corpus.grading import final_answer, grade_answers
from apps.corpus.identity import solution_digest
from apps.corpus.models import Solution
from apps.corpus.records import SolutionRecord, StepRecord
from apps.corpus.services import add_solutions
from apps.estimation.engine.outcomes import Outcome
from apps.estimation.engine.results import Result
from apps.estimation.engine.solution_state import Batch, Told, Work
from apps.estimation.engine.tree import GrownTree, Kept, TreeNode
from apps.estimation.models import Rollout
from apps.estimation.worker.load import works_of
from apps.estimation.worker.store import RunStore
from apps.estimation.worker.write import Counted, insert, one_transaction


class PostgresTreeStore(RunStore):
    async def plant(self, work: Work, steps: Sequence[str]) -> TreeNode | None:
        return await self.apart(lambda: self._plant(work, steps))

    async def recall(self, step_ids: Iterable[int]) -> Mapping[int, Kept]:
        return await self.apart(lambda: self._recall(list(step_ids)))

    def _plant(self, work: Work, steps: Sequence[str]) -> TreeNode | None:
        """Known again by what it says and whose it is. One that stands for another reason is searched for its own sake."""
        problem = Solution.objects.select_related("problem").get(pk=work.solution_id).problem
        record = SolutionRecord(
            steps=[StepRecord(position=place, text=text) for place, text in enumerate(steps)],
            source=self.run.completer,
            separator=work.separator,
            extras={"grown": {"run": self.run.number, "from": work.solution_id}},
        )
        standing = Solution.objects.filter(problem=problem, digest=solution_digest(record)).select_related("problem")
        if not standing.exists():
            graded = grade_answers([(work.verifier, work.reference, final_answer(record))], pool=self.pool)
            if graded[0].is_correct is not False:
                return None
            try:
                with transaction.atomic():
                    add_solutions(problem=problem, records=[record], graded=graded)
            except IntegrityError:
                # Another tree of the same problem was faster by a moment.
                return None
        solution = standing.get()
        if solution.extras != record.extras:
            return None
        planted = works_of(self.run, [solution])[0]
        # Its requests belong to the solution that it grows from: one worker at a time holds that.
        planted.solution_id = work.solution_id
        return TreeNode(solution.pk, planted)

    def _recall(self, step_ids: list[int]) -> Mapping[int, Kept]:
        rows = Rollout.objects.filter(batch__run=self.run, batch__step__in=step_ids).order_by("batch", "index")
        found: defaultdict[int, defaultdict[int, list[Told]]] = defaultdict(lambda: defaultdict(list))
        for step_id, ordinal, text, answer, outcome in rows.values_list(
            "batch__step_id", "batch__ordinal", "text", "answer", "outcome"
        ):
            found[step_id][ordinal].append(Told(text, answer, Outcome(outcome)))
        return {step_id: {ordinal: tuple(told) for ordinal, told in kept.items()} for step_id, kept in found.items()}

    def _flush(self, batches: Sequence[Batch], results: Sequence[Result]) -> set[int]:
        """First what has grown: the given solution's result says that its tree is done."""
        grown = [other for one in results if isinstance(one, GrownTree) for other in one.others]
        if grown and not self.is_stale:
            with one_transaction():
                counted = insert(self.run, [], grown)
                # They are not among the solutions that the run set out to do.
                Counted({"steps": counted.sums.get("steps", 0)}).add_to(self.run)
        return super()._flush(batches, results)
