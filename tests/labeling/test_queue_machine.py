"""The queue under any order of actions, by a state machine, and under concurrent ones, by threads."""

from __future__ import annotations

import os
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from apps.accounts.models import User
from apps.core.errors import Conflict, NotAllowed
from apps.corpus.models import Step
from apps.labeling.assignments.drafts import save_draft
from apps.labeling.assignments.submit import submit
from apps.labeling.models import Assignment, GoldLabel, Round, Task
from apps.labeling.protocols.submission import Submission, SubmittedStep
from apps.labeling.queue.claim import HELD_AT_ONCE, NoTask, claim
from apps.labeling.queue.leases import expire_leases, release, renew, skip
from apps.labeling.rounds.services import open_round, set_round_status
from apps.projects.models import Membership, Project, Role
from apps.projects.permissions import project_for
from apps.projects.services import add_member, create_project, reinstate_member, remove_member
from tests.cast import make_problem, make_solution, make_user
from tests.labeling.accounts import LIVE, SUBMITTED, balance, left_for

pytestmark = pytest.mark.slow

State = Assignment.State
SAID = {
    rating: Submission(
        steps=[SubmittedStep(position=0, rating=rating)], finish_reason="found_error" if rating < 0 else "solution"
    )
    for rating in (-1, 0, 1)
}
EXAMPLES = int(os.environ.get("QUEUE_EXAMPLES", "25"))
_numbers = count(1)


def found(tasks: int, redundancy: int, gold: int) -> tuple[Project, Round, list[User]]:
    """A round of one-step tasks, some of them gold, and three labelers."""
    number = next(_numbers)
    owner = make_user(f"owner{number}")
    project = create_project(slug=f"queue-{number}", owner=owner)
    for _ in range(tasks + gold):
        make_solution(make_problem(project), ["One."])
    for step in Step.objects.filter(solution__project=project).order_by("id")[:gold]:
        GoldLabel.objects.create(step=step, rating=1)
    round_ = open_round(
        project=project, protocol="first_error", redundancy=redundancy, gold_share=0.3 if gold else 0, lease_minutes=20
    )
    labelers = [make_user(f"labeler{number}-{one}") for one in range(3)]
    for labeler in labelers:
        add_member(project=project, user=labeler, role=Role.LABELER)
    return project, round_, labelers


class Queue(RuleBasedStateMachine):
    """Each action works on rows as they were read when the assignment began, as a slow page's request would."""

    def __init__(self) -> None:
        super().__init__()
        # What an example did is undone with it: thousands of savepoints in one transaction would crawl.
        self.undo = transaction.atomic()
        self.undo.__enter__()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.undo.__exit__(None, None, None)

    who = st.integers(0, 2)
    which = st.integers(0, 10_000)

    @initialize(tasks=st.integers(1, 4), redundancy=st.integers(1, 3), gold=st.integers(0, 2))
    def begin(self, tasks: int, redundancy: int, gold: int) -> None:
        self.project, self.round, self.labelers = found(tasks, redundancy, gold)
        self.owner = self.project.memberships.get(role=Role.OWNER).user
        self.assignments: list[Assignment] = []
        self.now: datetime = timezone.now().replace(hour=12)

    def assignment(self, which: int) -> Assignment:
        return self.assignments[which % len(self.assignments)]

    def stored(self, assignment: Assignment) -> Assignment:
        return Assignment.objects.select_related("task").get(pk=assignment.pk)

    def has_assignments(self) -> bool:
        return bool(getattr(self, "assignments", None))

    @rule(who=who, ahead=st.booleans(), seed=st.integers(0, 99))
    def claim(self, who: int, ahead: bool, seed: int) -> None:
        labeler = self.labelers[who]
        member = Membership.objects.get(project=self.project, user=labeler)
        if member.status == Membership.Status.SUSPENDED:
            with pytest.raises(NotAllowed):
                project_for(labeler, self.project.slug, "label")
            return
        before = {
            assignment.pk: assignment.task_id
            for assignment in Assignment.objects.filter(labeler=labeler, state=State.LEASED)
        }
        spoken = set(Assignment.objects.filter(labeler=labeler, state__in=SUBMITTED).values_list("task_id", flat=True))
        # The page may still hold what has lapsed behind its back.
        in_hand = (
            [assignment for assignment in self.assignments if assignment.labeler_id == labeler.pk][-2:] if ahead else []
        )
        holding = [assignment.pk for assignment in in_hand if self.stored(assignment).state not in SUBMITTED]
        given = claim(
            round=Round.objects.get(pk=self.round.pk),
            labeler=labeler,
            holding=holding,
            now=self.now,
            dice=random.Random(seed),
        )
        if isinstance(given, NoTask):
            self.check_reason(given, labeler, before, holding)
            return
        assert given.task_id not in {assignment.task_id for assignment in in_hand if assignment.pk in holding}
        stored = self.stored(given)
        assert (stored.state, stored.labeler_id) == (State.LEASED, labeler.pk)
        assert stored.leased_until == self.now + timedelta(minutes=20)
        if given.pk not in before:
            assert self.status() == Round.Status.OPEN
            assert given.task_id not in spoken | set(before.values())
            assert len(before) < HELD_AT_ONCE
        given.labeler = labeler
        self.assignments.append(given)

    def check_reason(self, given: NoTask, labeler: User, before: dict[int, int], holding: list[int]) -> None:
        if given.code == "holding_enough":
            assert len(before) >= HELD_AT_ONCE
        elif self.status() != Round.Status.OPEN:
            assert given.code == f"round_{self.status()}"
        else:
            assert left_for(self.round, labeler.pk, holding) == 0, "there was something to give"
            waiting = Task.objects.filter(round=self.round, is_gold=False, open_slots__gt=0).exists()
            others = Assignment.objects.filter(round=self.round, state=State.LEASED).exclude(labeler=labeler).exists()
            assert given.code == ("done_by_you" if waiting else "all_leased" if others else "all_done")

    @precondition(has_assignments)
    @rule(which=which, rating=st.sampled_from(sorted(SAID)))
    def hand_in(self, which: int, rating: int) -> None:
        """On time, late, again, or with other labels than before."""
        assignment, said = self.assignment(which), SAID[rating]
        before = self.stored(assignment)
        if before.state in SUBMITTED and before.digest != said.digest():
            with pytest.raises(Conflict):
                submit(assignment=assignment, submission=said, now=self.now)
            return
        others = Assignment.objects.filter(task=assignment.task_id, labeler=assignment.labeler_id).exclude(
            pk=assignment.pk
        )
        counts = before.state == State.LEASED or (
            not others.filter(state=State.SUBMITTED).exists()
            and (before.task.open_slots > 0 or others.filter(state=State.LEASED).exists())
        )
        submit(assignment=assignment, submission=said, now=self.now)
        after = self.stored(assignment)
        if before.state in SUBMITTED:
            assert (after.state, after.submitted_at) == (before.state, before.submitted_at)
        else:
            assert after.state == (State.SUBMITTED if counts else State.EXTRA)

    @precondition(has_assignments)
    @rule(which=which)
    def keep(self, which: int) -> None:
        assignment = self.assignment(which)
        if self.stored(assignment).state == State.LEASED:
            assert renew(assignment=assignment, now=self.now).leased_until == self.now + timedelta(minutes=20)
        else:
            with pytest.raises(Conflict):
                renew(assignment=assignment, now=self.now)

    @precondition(has_assignments)
    @rule(which=which)
    def draft(self, which: int) -> None:
        assignment = self.assignment(which)
        before = self.stored(assignment)
        if before.state in SUBMITTED:
            with pytest.raises(Conflict):
                save_draft(assignment=assignment, version=before.draft_version, draft={"steps": []})
        else:
            save_draft(assignment=assignment, version=before.draft_version, draft={"steps": []})

    @precondition(has_assignments)
    @rule(which=which)
    def give_back(self, which: int) -> None:
        assignment = self.assignment(which)
        before = self.stored(assignment).state
        release(assignment=assignment)
        assert self.stored(assignment).state == (State.RELEASED if before == State.LEASED else before)

    @precondition(has_assignments)
    @rule(which=which)
    def put_off(self, which: int) -> None:
        assignment = self.assignment(which)
        before = self.stored(assignment).state
        if before in SUBMITTED:
            with pytest.raises(Conflict):
                skip(assignment=assignment, now=self.now)
        else:
            skip(assignment=assignment, now=self.now)
            assert self.stored(assignment).state not in LIVE

    @rule(minutes=st.sampled_from([1, 19, 21]))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule()
    def beat(self) -> None:
        expire_leases(now=self.now)
        lapsed = Assignment.objects.filter(round=self.round, state="leased", leased_until__lte=self.now)
        assert not lapsed.exists()

    @rule(status=st.sampled_from(["open", "open", "paused", "closed"]))
    def turn_to(self, status: str) -> None:
        set_round_status(round=Round.objects.get(pk=self.round.pk), status=status, actor=self.owner)

    @rule(who=who)
    def suspend_or_reinstate(self, who: int) -> None:
        member = Membership.objects.get(project=self.project, user=self.labelers[who])
        change = reinstate_member if member.status == Membership.Status.SUSPENDED else remove_member
        change(membership=member, actor=self.owner)

    def status(self) -> str:
        return Round.objects.values_list("status", flat=True).get(pk=self.round.pk)

    @invariant()
    def the_books_balance(self) -> None:
        if hasattr(self, "round"):
            balance(self.round)


def test_any_order_of_actions_keeps_the_counts_consistent(db: None) -> None:
    run_state_machine_as_test(
        Queue,
        settings=settings(
            max_examples=EXAMPLES, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


class Hand:
    """One tab of one labeler: does at random whatever a page can do, over a connection of its own."""

    def __init__(self, round_: Round, labeler: User, seed: int, clock: list[datetime]) -> None:
        self.round, self.labeler, self.dice, self.clock = round_, labeler, random.Random(seed), clock
        self.assignments: list[Assignment] = []

    def work(self, start: threading.Barrier, acts: int) -> None:
        try:
            start.wait()
            for _ in range(acts):
                with suppress(Conflict):
                    self.act()
        finally:
            connection.close()

    def act(self) -> None:
        kind = self.dice.random()
        if kind < 0.4 or not self.assignments:
            given = claim(round=self.round, labeler=self.labeler, holding=self.holding(), now=self.clock[0])
            if isinstance(given, Assignment):
                given.labeler = self.labeler
                self.assignments.append(given)
            return
        assignment = self.dice.choice(self.assignments)
        if kind < 0.7:
            submit(assignment=assignment, submission=SAID[self.dice.choice([-1, 0, 1])], now=self.clock[0])
        elif kind < 0.78:
            release(assignment=assignment)
        elif kind < 0.86:
            renew(assignment=assignment, now=self.clock[0])
        elif kind < 0.94:
            self.other(assignment)
        else:
            self.clock[0] += timedelta(minutes=self.dice.choice([1, 21]))
            expire_leases(now=self.clock[0])

    def other(self, assignment: Assignment) -> None:
        if self.dice.random() < 0.5:
            skip(assignment=assignment, now=self.clock[0])
        else:
            save_draft(assignment=assignment, version=self.dice.randrange(3), draft={"steps": []})

    def holding(self) -> list[int]:
        return [assignment.pk for assignment in self.assignments[-2:]] if self.dice.random() < 0.5 else []


@pytest.mark.parametrize(("redundancy", "gold"), [(1, 0), (2, 2), (3, 1)])
def test_concurrent_actions_keep_the_counts_consistent(transactional_db: None, redundancy: int, gold: int) -> None:
    _, round_, labelers = found(6, redundancy, gold)
    clock = [timezone.now()]
    # Two tabs for each of them.
    hands: list[Any] = [Hand(round_, labeler, seed, clock) for seed, labeler in enumerate(labelers * 2)]
    start = threading.Barrier(len(hands))
    with ThreadPoolExecutor(len(hands)) as pool:
        for done in [pool.submit(hand.work, start, 60) for hand in hands]:
            done.result()
    balance(round_)
    # And the round can still be brought to its end.
    clock[0] += timedelta(days=1)
    expire_leases(now=clock[0])
    for labeler in labelers:
        while not isinstance(given := claim(round=round_, labeler=labeler, now=clock[0]), NoTask):
            submit(assignment=given, submission=SAID[1], now=clock[0])
        assert left_for(round_, labeler.pk) == 0
    balance(round_)
