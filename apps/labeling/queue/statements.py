"""The SQL of the queue. Its cost does not grow with the number of tasks: see `tests/labeling/test_queue_plans.py`."""

from __future__ import annotations

from apps.labeling.assignments.verify_mode import SHOWN

# As a scalar subquery with a limit this stays a look-up of one task. As NOT EXISTS, PostgreSQL may turn it into a join
# that reads all assignments of the labeler.
_HAD = """
        SELECT a.id FROM labeling_assignment a
        WHERE a.task_id = t.id AND a.labeler_id = %(labeler)s
          AND (a.state IN ('leased', 'submitted', 'extra', 'returned') OR a.id = ANY(%(holding)s::bigint[])) LIMIT 1
"""

# A skipped task is not served to its labeler as a new one: it comes back when nothing else is left.
_HAD_OR_SKIPPED = _HAD.replace("'returned'", "'returned', 'skipped'")

# In a round of fresh eyes: what the labeler knows of the task's solution. They submitted it, or a path that became it, or
# verify mode showed them the models' labels of it, whatever they did then.
_KNOWN = f"""
        SELECT a.id FROM labeling_task k JOIN labeling_assignment a ON a.task_id = k.id
        WHERE k.solution_id = t.solution_id AND k.round_id <> t.round_id AND a.labeler_id = %(labeler)s
          AND (a.submitted_at IS NOT NULL OR a.extras ? '{SHOWN}')
        UNION ALL
        SELECT a.id FROM labeling_assignment a
        WHERE a.derived_solution_id = t.solution_id AND a.labeler_id = %(labeler)s
        LIMIT 1
"""
_FRESH = f"(NOT %(fresh_eyes)s::boolean OR ({_KNOWN}) IS NULL)"

# In a round in verify mode: a task of the same solution in one of the rounds that hide the models' labels of it.
_HIDDEN = """
        SELECT k.id FROM labeling_task k
        WHERE k.solution_id = t.solution_id AND k.round_id = ANY(%(hiding)s::bigint[]) LIMIT 1
"""
_NOT_HIDDEN = f"(cardinality(%(hiding)s::bigint[]) = 0 OR ({_HIDDEN}) IS NULL)"

# The solutions that the labeler has been given in a training round of the project: training shows their gold, so no other
# round serves them to this labeler any more, neither as gold nor for work. The subquery runs once per statement.
_TRAINED = """ARRAY(
        SELECT k.solution_id FROM labeling_roundprogress p
        JOIN labeling_round r ON r.id = p.round_id
        JOIN labeling_assignment a ON a.round_id = r.id AND a.labeler_id = p.labeler_id
        JOIN labeling_task k ON k.id = a.task_id
        WHERE p.labeler_id = %(labeler)s AND r.kind = 'training'
          AND r.project_id = (SELECT project_id FROM labeling_round WHERE id = %(round)s)
)"""

# What the labeler has begun in another round and may still submit. Training waits until they have: it shows the answer.
_BEGUN_ELSEWHERE = """
        SELECT a.id FROM labeling_task k JOIN labeling_assignment a ON a.task_id = k.id
        WHERE k.solution_id = t.solution_id AND k.round_id <> t.round_id AND a.labeler_id = %(labeler)s
          AND (a.state IN ('leased', 'returned', 'skipped') OR a.state = 'expired' AND a.draft_version > 0) LIMIT 1
"""
_NOT_REVEALED = f"""(
        CASE WHEN %(training)s::boolean THEN ({_BEGUN_ELSEWHERE}) IS NULL
        ELSE coalesce(t.solution_id, 0) <> ALL ({_TRAINED}) END
)"""

# Any assignment of the task except one of an earlier screening attempt, including released and expired ones.
_HAD_EVER = _HAD.replace("'returned'", "'returned', 'skipped', 'released', 'expired'")

# Takes the slot that `next` has chosen and creates the lease.
_LEASE = """
, taken AS (
    UPDATE labeling_task t SET open_slots = t.open_slots - 1 FROM next WHERE t.id = next.id RETURNING t.id
)
INSERT INTO labeling_assignment
    (task_id, round_id, labeler_id, state, leased_at, leased_until, draft_version, finish_reason, reason, guideline_id,
     is_quality_control, sides_swapped)
SELECT id, %(round)s, %(labeler)s, 'leased', %(now)s, %(until)s, 0, '', '', %(guideline)s::bigint, %(gold)s, %(swapped)s
FROM taken
RETURNING id
"""

LEASE_NEXT = (
    f"""
WITH next AS (
    SELECT t.id, t.priority FROM labeling_task t
    WHERE t.round_id = %(round)s AND t.open_slots > 0 AND NOT t.is_gold
      AND ((t.priority * -1), t.id) > (%(rank)s, %(after)s)
      AND ({_HAD_OR_SKIPPED}) IS NULL AND {_FRESH} AND {_NOT_HIDDEN} AND {_NOT_REVEALED}
    ORDER BY (t.priority * -1), t.id
    LIMIT 1 FOR UPDATE OF t SKIP LOCKED
), moved AS (
    UPDATE labeling_roundprogress s SET cursor_rank = next.priority * -1, cursor_task = next.id
    FROM next WHERE s.id = %(progress)s
)
"""
    + _LEASE
)

_NEW_GOLD = f"""
    SELECT t.id, t.priority FROM labeling_task t
    WHERE t.round_id = %(round)s AND t.open_slots > 0 AND t.is_gold
      AND ({_HAD_EVER}) IS NULL AND {_NOT_HIDDEN} AND {_NOT_REVEALED}
"""

_NEW_AHEAD = f"""
    SELECT t.id FROM labeling_task t
    WHERE t.round_id = %(round)s AND t.open_slots > 0 AND NOT t.is_gold
      AND ((t.priority * -1), t.id) > (%(rank)s, %(after)s)
      AND ({_HAD_EVER}) IS NULL AND {_FRESH} AND {_NOT_HIDDEN} AND {_NOT_REVEALED}
    ORDER BY (t.priority * -1), t.id LIMIT 1
"""

# Gold that the labeler released or let expire comes again after everything else that they could get, as ordinary tasks
# do, which the cursor has passed: a task that came again earlier could only be gold. So it waits until the labeler has
# had every ordinary task available to them after it; the ids of their latest assignments give the order.
_GOLD_AGAIN = f"""
    SELECT t.id, t.priority FROM (
        SELECT a.task_id, max(a.id) AS assignment FROM labeling_assignment a
        WHERE a.labeler_id = %(labeler)s AND a.round_id = %(round)s AND a.submitted_at IS NULL
          AND a.state IN ('released', 'expired')
        GROUP BY a.task_id
    ) latest JOIN labeling_task t ON t.id = latest.task_id
    WHERE t.is_gold AND t.open_slots > 0 AND ({_HAD_OR_SKIPPED}) IS NULL AND {_NOT_HIDDEN} AND {_NOT_REVEALED}
      AND (%(only_gold)s OR (({_NEW_AHEAD}) IS NULL AND (
        SELECT coalesce(min(assignment), 0) FROM (
            SELECT coalesce((
                SELECT max(b.id) FROM labeling_assignment b WHERE b.task_id = t.id AND b.labeler_id = %(labeler)s
            ), 0) AS assignment
            FROM labeling_task t
            WHERE t.round_id = %(round)s AND t.open_slots > 0 AND NOT t.is_gold AND ({_HAD_OR_SKIPPED}) IS NULL
              AND {_FRESH} AND {_NOT_HIDDEN} AND {_NOT_REVEALED}
        ) ordinary
      ) > latest.assignment))
    ORDER BY latest.assignment LIMIT 1 FOR UPDATE OF t SKIP LOCKED
"""

# Starts at a random place and wraps around: a look-up or two, however much gold there is, and each labeler meets the
# gold in another order. Gold is served only where the labeler could have got another new task as well: a task that
# comes after "nothing is left" could only be gold.
LEASE_GOLD = (
    f"""
WITH ends AS (
    SELECT min(id) AS first, max(id) AS last FROM labeling_task WHERE round_id = %(round)s AND is_gold
), start AS (
    SELECT first + ((last - first) * %(place)s::float8)::bigint AS id FROM ends
    WHERE %(only_gold)s OR ({_NEW_AHEAD}) IS NOT NULL
), behind AS MATERIALIZED (
    {_NEW_GOLD} AND t.id >= (SELECT id FROM start) ORDER BY t.id LIMIT 1 FOR UPDATE OF t SKIP LOCKED
), before AS MATERIALIZED (
    {_NEW_GOLD} AND t.id < (SELECT id FROM start) AND NOT EXISTS (SELECT FROM behind)
    ORDER BY t.id LIMIT 1 FOR UPDATE OF t SKIP LOCKED
), again AS MATERIALIZED (
    SELECT * FROM ({_GOLD_AGAIN}) gold
    WHERE NOT EXISTS (SELECT FROM behind) AND NOT EXISTS (SELECT FROM before)
), next AS (
    SELECT * FROM behind UNION ALL SELECT * FROM before UNION ALL SELECT * FROM again
)
"""
    + _LEASE
)

# Whether a claim would find a task: one that the labeler has begun or put off, or a new one.
HAS_TASK = f"""
SELECT EXISTS (
    SELECT FROM labeling_assignment a JOIN labeling_task t ON t.id = a.task_id
    WHERE a.labeler_id = %(labeler)s AND a.round_id = %(round)s AND t.withdrawn = ''
      AND a.state IN ('leased', 'returned')
) OR EXISTS (
    SELECT FROM labeling_reservation v
    WHERE v.labeler_id = %(labeler)s AND v.round_id = %(round)s AND v.assignment_id IS NULL
) OR EXISTS (
    SELECT FROM labeling_task t
    WHERE t.round_id = %(round)s AND t.open_slots > 0 AND (%(only_gold)s OR NOT t.is_gold)
      AND ({_HAD}) IS NULL AND {_FRESH} AND {_NOT_HIDDEN} AND {_NOT_REVEALED}
)
"""

# The labeler's leases, what a reviewer has returned to them, expired leases with ratings in the draft, and whether a
# manager has assigned a task to them.
UNFINISHED = """
SELECT id, state FROM labeling_assignment
WHERE labeler_id = %(labeler)s AND round_id = %(round)s
  AND (state = 'leased' OR state = 'returned' OR state = 'expired' AND draft_version > 0)
UNION ALL (
    SELECT id, 'reserved' FROM labeling_reservation
    WHERE labeler_id = %(labeler)s AND round_id = %(round)s AND assignment_id IS NULL LIMIT 1
)
ORDER BY id
"""

# The oldest of the labeler's reservations that they may have. Tasks are locked before reservations everywhere.
NEXT_RESERVED = f"""
SELECT v.id FROM labeling_reservation v JOIN labeling_task t ON t.id = v.task_id
WHERE v.labeler_id = %(labeler)s AND v.round_id = %(round)s AND v.assignment_id IS NULL AND t.withdrawn = ''
  AND ({_HAD}) IS NULL AND {_FRESH} AND {_NOT_HIDDEN} AND {_NOT_REVEALED}
ORDER BY v.id LIMIT 1 FOR SHARE OF t
"""

# The reserved slot goes to what the labeler has begun on the task before, with its draft, else to a new assignment.
LEASE_RESERVED = """
WITH reserved AS (
    SELECT id, task_id FROM labeling_reservation
    WHERE id = %(reservation)s AND assignment_id IS NULL FOR UPDATE
), begun AS (
    SELECT a.id FROM labeling_assignment a JOIN reserved ON a.task_id = reserved.task_id
    WHERE a.labeler_id = %(labeler)s AND a.state IN ('skipped', 'expired', 'released')
    ORDER BY a.draft_version > 0 DESC, a.id DESC LIMIT 1
), resumed AS (
    UPDATE labeling_assignment SET state = 'leased', leased_at = %(now)s, leased_until = %(until)s,
        guideline_id = %(guideline)s::bigint
    WHERE id = (SELECT id FROM begun) RETURNING id
), leased AS (
    INSERT INTO labeling_assignment
        (task_id, round_id, labeler_id, state, leased_at, leased_until, draft_version, finish_reason, reason,
         guideline_id, is_quality_control, sides_swapped)
    SELECT t.id, %(round)s, %(labeler)s, 'leased', %(now)s, %(until)s, 0, '', '', %(guideline)s::bigint, t.is_gold,
        %(swapped)s
    FROM reserved JOIN labeling_task t ON t.id = reserved.task_id WHERE NOT EXISTS (SELECT FROM begun)
    RETURNING id
), next AS (
    SELECT id FROM resumed UNION ALL SELECT id FROM leased
)
UPDATE labeling_reservation v SET assignment_id = next.id FROM reserved, next WHERE v.id = reserved.id
RETURNING v.assignment_id
"""

# Why tasks of a round cannot be assigned to the labeler, by task: one column for each reason that a claim checks.
WHY_NOT_RESERVED = f"""
SELECT t.id, t.withdrawn <> '', ({_HAD}) IS NOT NULL, NOT {_FRESH}, NOT {_NOT_HIDDEN}, NOT {_NOT_REVEALED},
    EXISTS (
        SELECT FROM labeling_reservation v
        WHERE v.task_id = t.id AND v.labeler_id = %(labeler)s AND v.assignment_id IS NULL
    ), t.open_slots < 1
FROM labeling_task t WHERE t.round_id = %(round)s AND t.id = ANY(%(tasks)s::bigint[])
"""

# The oldest assignment that a reviewer has returned. It has kept its slot.
RESUME_RETURNED = """
UPDATE labeling_assignment SET state = 'leased', leased_at = %(now)s, leased_until = %(until)s,
    guideline_id = %(guideline)s::bigint
WHERE id = (
    SELECT a.id FROM labeling_assignment a JOIN labeling_task t ON t.id = a.task_id
    WHERE a.labeler_id = %(labeler)s AND a.round_id = %(round)s AND a.state = 'returned' AND t.withdrawn = ''
    ORDER BY a.id LIMIT 1 FOR UPDATE OF a FOR SHARE OF t
) RETURNING id
"""

# The latest assignment whose lease expired with ratings in its draft.
RESUME_EXPIRED = f"""
WITH own AS (
    SELECT a.id, a.task_id FROM labeling_assignment a
    WHERE a.labeler_id = %(labeler)s AND a.round_id = %(round)s AND a.state = 'expired' AND a.draft_version > 0
    ORDER BY a.id DESC
), next AS (
    SELECT t.id, own.id AS assignment FROM own JOIN labeling_task t ON t.id = own.task_id
    WHERE t.open_slots > 0 AND ({_HAD}) IS NULL
    ORDER BY own.id DESC
    LIMIT 1 FOR UPDATE OF t SKIP LOCKED
), taken AS (
    UPDATE labeling_task t SET open_slots = t.open_slots - 1 FROM next WHERE t.id = next.id
)
UPDATE labeling_assignment a SET state = 'leased', leased_at = %(now)s, leased_until = %(until)s,
    guideline_id = %(guideline)s::bigint
FROM next WHERE a.id = next.assignment RETURNING a.id
"""

# The assignment that the labeler skipped first, with its draft. Its `leased_until` is the time of the skip.
_RESUME_SKIPPED = f"""
WITH next AS (
    SELECT t.id, a.id AS assignment FROM labeling_assignment a JOIN labeling_task t ON t.id = a.task_id
    WHERE a.labeler_id = %(labeler)s AND a.round_id = %(round)s AND a.state = 'skipped' {{}}
      AND t.open_slots > 0 AND ({_HAD}) IS NULL
    ORDER BY a.leased_until, a.id
    LIMIT 1 FOR UPDATE OF t SKIP LOCKED
), taken AS (
    UPDATE labeling_task t SET open_slots = t.open_slots - 1 FROM next WHERE t.id = next.id
)
UPDATE labeling_assignment a SET state = 'leased', leased_at = %(now)s, leased_until = %(until)s,
    guideline_id = %(guideline)s::bigint
FROM next WHERE a.id = next.assignment RETURNING a.id
"""
RESUME_SKIPPED = _RESUME_SKIPPED.format("")
# The one that the labeler chose.
RESUME_ONE_SKIPPED = _RESUME_SKIPPED.format("AND a.id = %(assignment)s")

# As `TaskQuerySet.add_slots`. The condition is in SET and not in WHERE, so that it is evaluated on the locked row.
_ADD_SLOTS = "open_slots = CASE WHEN t.withdrawn = '' THEN t.open_slots + {} ELSE 0 END"

# The reservations of these leases wait for their labelers again: their slots are not freed.
_WAITING_AGAIN = """
    UPDATE labeling_reservation v SET assignment_id = NULL FROM ended
    WHERE v.assignment_id = ended.id RETURNING ended.id
"""

# The tasks are locked in the order of their ids, so that two transactions that free slots of the same tasks cannot
# deadlock.
EXPIRE = f"""
WITH ended AS (
    UPDATE labeling_assignment SET state = 'expired'
    WHERE id IN (
        SELECT id FROM labeling_assignment
        WHERE state = 'leased' AND leased_until <= %(now)s AND (%(round)s::bigint IS NULL OR round_id = %(round)s)
        ORDER BY leased_until LIMIT 10000 FOR UPDATE SKIP LOCKED)
    RETURNING id, task_id
), waiting AS ({_WAITING_AGAIN}), freed AS (
    SELECT task_id, count(*) AS slots FROM ended WHERE id NOT IN (SELECT id FROM waiting) GROUP BY task_id
), locked AS (
    SELECT t.id, freed.slots FROM labeling_task t JOIN freed ON t.id = freed.task_id ORDER BY t.id FOR UPDATE OF t
)
UPDATE labeling_task t SET {_ADD_SLOTS.format("locked.slots")}
FROM locked WHERE t.id = locked.id
"""

RELEASE = f"""
WITH ended AS (
    UPDATE labeling_assignment SET state = 'released' WHERE id = %(assignment)s AND state = 'leased'
    RETURNING id, task_id
), waiting AS ({_WAITING_AGAIN})
UPDATE labeling_task t SET {_ADD_SLOTS.format(1)}
FROM ended WHERE t.id = ended.task_id AND NOT EXISTS (SELECT FROM waiting)
"""

# For the leases of chosen tasks, which a manager takes back: also what was assigned. What ends keeps its draft. Tasks with
# reservations are locked as well: these end next.
RELEASE_TASKS = f"""
WITH ended AS (
    UPDATE labeling_assignment SET state = 'released'
    WHERE id IN (
        SELECT id FROM labeling_assignment WHERE task_id = ANY(%(tasks)s::bigint[]) AND state = 'leased'
        ORDER BY id FOR UPDATE)
    RETURNING id, task_id
), freed AS (
    SELECT task_id, count(*) AS slots FROM ended GROUP BY task_id
), locked AS (
    SELECT t.id, coalesce(freed.slots, 0) AS slots FROM labeling_task t LEFT JOIN freed ON t.id = freed.task_id
    WHERE t.id = ANY(%(tasks)s::bigint[]) AND (freed.slots > 0 OR EXISTS (
        SELECT FROM labeling_reservation v WHERE v.task_id = t.id AND v.assignment_id IS NULL
    )) ORDER BY t.id FOR UPDATE OF t
), changed AS (
    UPDATE labeling_task t SET {_ADD_SLOTS.format("locked.slots")} FROM locked WHERE t.id = locked.id
)
SELECT id FROM ended ORDER BY id
"""

RENEW = """
UPDATE labeling_assignment SET leased_until = %(until)s
WHERE id = ANY(%(assignments)s::bigint[]) AND state = 'leased'
"""
