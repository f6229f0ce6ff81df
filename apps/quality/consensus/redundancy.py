"""More labels only where they are needed: a slot more for a task on which people do not agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
from django.db import connection
from django.db.models import F

from apps.corpus.labels import UNKNOWN
from apps.labeling.models import Round, Task
from apps.quality.aggregation import rule_of
from apps.quality.aggregation.merge import Outcomes
from apps.quality.aggregation.processbench import ProcessBench, ProcessBenchOptions, standing
from apps.quality.models import QualityRules

# Only when nobody is at it any more: what they will say may settle it.
_OPEN = """
UPDATE labeling_task t SET open_slots = least(%(wanted)s, %(most)s - %(asked)s - t.extra_slots),
       extra_slots = t.extra_slots + least(%(wanted)s, %(most)s - %(asked)s - t.extra_slots)
WHERE t.id = %(task)s AND t.open_slots = 0 AND t.withdrawn = '' AND t.extra_slots < %(most)s - %(asked)s
  AND NOT EXISTS (SELECT 1 FROM labeling_assignment a WHERE a.task_id = t.id AND a.state IN ('leased', 'returned'))
RETURNING t.open_slots
"""


def open_slots(solution_ids: Sequence[int], outcomes: Outcomes, rules: QualityRules) -> int:
    """Gives the number of slots that were opened. Rounds that name no limit keep their redundancy."""
    tasks = Task.objects.filter(
        solution__in=solution_ids,
        is_gold=False,
        round__status=Round.Status.OPEN,
        round__most_people__isnull=False,
        round__most_people__gt=F("round__redundancy"),
    ).select_related("round")
    waiting: dict[int, list[Task]] = {}
    for task in tasks:
        waiting.setdefault(task.solution_id or 0, []).append(task)
    if not waiting:
        return 0
    settled = outcomes.adjudicated.tolist()
    counts = {
        task: wanted(list(words.values()), rules, task.round.most_people or 0)
        for pk, is_settled, words in zip(outcomes.solutions.tolist(), settled, outcomes.words(), strict=True)
        for task in (waiting.get(pk, ()) if not is_settled else ())
    }
    # Tasks by number, then rounds by number, as whoever retires a problem: nobody then waits for the other.
    opened: Counter[int] = Counter()
    for task in sorted(counts, key=lambda task: task.pk):
        opened[task.round_id] += _open(task, counts[task])
    for round_id, slots in sorted((+opened).items()):
        Round.objects.filter(pk=round_id).update(slot_count=F("slot_count") + slots)
    return opened.total()


def wanted(words: Sequence[int], rules: QualityRules, most: int) -> int:
    """How many labelers more to ask about a solution of which this was said, in this order."""
    if rules.rule == ProcessBench.name:
        options = _limited(rule_of(rules.rule, rules.options), most)
        return standing(words, options).wanted
    known = [word for word in words if word != UNKNOWN]
    if not known:
        return 1
    top = max(known.count(word) for word in set(known))
    return 0 if 2 * top > len(words) else 1


def _limited(rule: Any, most: int) -> ProcessBenchOptions:
    options: ProcessBenchOptions = rule.options
    return msgspec.structs.replace(options, limit=max(options.agreeing, min(options.limit, most)))


def _open(task: Task, count: int) -> int:
    if not count:
        return 0
    round_ = task.round
    asked = {"task": task.pk, "wanted": count, "most": round_.most_people, "asked": round_.redundancy}
    with connection.cursor() as cursor:
        cursor.execute(_OPEN, asked)
        row = cursor.fetchone()
    return int(row[0]) if row else 0
