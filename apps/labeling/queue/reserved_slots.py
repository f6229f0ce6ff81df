"""The slots that reservations hold: giving them back to the queue, and using one for a late submission."""

from __future__ import annotations

from collections import Counter, defaultdict

from apps.labeling.models import Assignment, Reservation, ReservationQuerySet, Task


def drop_reservations(reservations: ReservationQuerySet) -> list[int]:
    """End those that wait for their labeler, and free their slots; returns the ids of their tasks.

    Only within a transaction. Tasks are locked before reservations everywhere, in the order of their ids.
    """
    waiting = reservations.waiting()
    Task.objects.filter(pk__in=list(waiting.values_list("task_id", flat=True))).lock()
    ended = dict(waiting.order_by("pk").select_for_update(of=("self",)).values_list("pk", "task_id"))
    Reservation.objects.filter(pk__in=ended).delete()
    tasks_by_slots: defaultdict[int, list[int]] = defaultdict(list)
    for task, slots in Counter(ended.values()).items():
        tasks_by_slots[slots].append(task)
    for slots, tasks in tasks_by_slots.items():
        Task.objects.filter(pk__in=tasks).add_slots(slots)
    return sorted(set(ended.values()))


def end_reservations(reservations: ReservationQuerySet) -> None:
    """End them for good: as `drop_reservations`, and those whose task is leased do not wait again when the lease ends.

    Only within a transaction.
    """
    reservations.filter(assignment__state=Assignment.State.LEASED).delete()
    drop_reservations(reservations)


def use_reservation(assignment: Assignment) -> bool:
    """Give the slot that is reserved for its labeler to a late submission; False if there is none."""
    Task.objects.filter(pk=assignment.task_id).lock()
    waiting = Reservation.objects.waiting().filter(task=assignment.task_id, labeler=assignment.labeler_id)
    return bool(waiting.update(assignment=assignment))
