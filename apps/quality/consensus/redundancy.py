"""Opening extra slots for tasks on which labelers disagree, so that more labels are made only where they are needed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec
from django.db import connection
from django.db.models import F

from apps.corpus.labels import UNKNOWN, more_than_half
from apps.labeling.models import Round, Task
from apps.quality.aggregation.merge import Outcomes
from apps.quality.aggregation.processbench import ProcessBench, ProcessBenchOptions, processbench_result
from apps.quality.models import QualityRules

# A task that a labeler still works on, or that waits for one, gets no slot yet: their labels may settle it.
_OPEN = """
UPDATE labeling_task task
SET open_slots = least(%(more)s, round.most_people - round.redundancy - task.extra_slots),
    extra_slots = task.extra_slots + least(%(more)s, round.most_people - round.redundancy - task.extra_slots)
FROM labeling_round round
WHERE task.id = %(task)s AND round.id = task.round_id AND task.open_slots = 0 AND task.withdrawn = ''
  AND task.extra_slots < round.most_people - round.redundancy
  AND NOT EXISTS (SELECT 1 FROM labeling_assignment a WHERE a.task_id = task.id AND a.state IN ('leased', 'returned'))
  AND NOT EXISTS (SELECT 1 FROM labeling_reservation v WHERE v.task_id = task.id AND v.assignment_id IS NULL)
RETURNING task.open_slots
"""


def open_slots(solution_ids: Sequence[int], outcomes: Outcomes, rules: QualityRules) -> int:
    """Returns the number of slots that were opened. Rounds without `most_people` keep their redundancy."""
    tasks = Task.objects.filter(
        solution__in=solution_ids,
        is_gold=False,
        round__status=Round.Status.OPEN,
        round__most_people__isnull=False,
        round__most_people__gt=F("round__redundancy"),
    ).select_related("round")
    tasks_of: dict[int, list[Task]] = {}
    for task in tasks:
        tasks_of.setdefault(task.solution_id or 0, []).append(task)
    if not tasks_of:
        return 0
    slots = {
        task: more_labelers(list(first_errors.values()), rules, task.round.most_people or 0)
        for pk, is_adjudicated, first_errors in zip(
            outcomes.solutions.tolist(),
            outcomes.adjudicated.tolist(),
            outcomes.first_errors_by_labeler(),
            strict=True,
        )
        for task in (tasks_of.get(pk, ()) if not is_adjudicated else ())
    }
    # Tasks by id, then rounds by id, in the order in which retiring a problem locks them: this avoids deadlocks.
    opened: Counter[int] = Counter()
    for task in sorted(slots, key=lambda task: task.pk):
        opened[task.round_id] += _open(task, slots[task])
    for round_id, count in sorted((+opened).items()):
        Round.objects.filter(pk=round_id).update(slot_count=F("slot_count") + count)
    return opened.total()


def more_labelers(first_errors: Sequence[int], rules: QualityRules, most: int) -> int:
    """How many more labelers to ask about a solution with these first errors, in the order of submission."""
    if rules.rule == ProcessBench.name:
        options = msgspec.convert(rules.options, ProcessBenchOptions)
        limit = max(options.agreeing, min(options.limit, most))
        return processbench_result(first_errors, msgspec.structs.replace(options, limit=limit)).more_labelers
    named = Counter(first_error for first_error in first_errors if first_error != UNKNOWN)
    most_agreeing = max(named.values(), default=0)
    return 0 if most_agreeing >= more_than_half(len(first_errors)) else 1


def _open(task: Task, more: int) -> int:
    if not more:
        return 0
    # The lock first, in a statement of its own: an edit of the round that holds it may change what the next one reads.
    Task.objects.filter(pk=task.pk).lock()
    with connection.cursor() as cursor:
        cursor.execute(_OPEN, {"task": task.pk, "more": more})
        row = cursor.fetchone()
    return int(row[0]) if row else 0
