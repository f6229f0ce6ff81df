"""A round under way: what can be changed while people label, what cannot, and what follows from a change."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from apps.accounts.models import AuditEvent, User
from apps.core.errors import Conflict, DomainError
from apps.labeling.assignments.submit import submit
from apps.labeling.models import Assignment, Round, RoundProgress, Task
from apps.labeling.problems import bring_back, retire_problem
from apps.labeling.queue.claim import claim
from apps.labeling.queue.leases import release
from apps.labeling.rounds.open_edits import FIXED
from apps.labeling.rounds.services import edit_round, open_round, set_round_status
from apps.projects.models import Project
from apps.projects.services import publish_guidelines
from apps.quality.models import StaleSolution
from apps.quality.trust.blind_rounds import open_blind_round
from tests.at_once import elsewhere, while_uncommitted
from tests.cast import make_gold, make_problem, make_round, make_screening, make_solution, make_user
from tests.labeling.test_queue import GOOD, nothing, take


def edited(round_: Round, actor: User, add: str = "", **changes: Any) -> Round:
    return edit_round(round=round_, actor=actor, changes=changes, add=add)


def refused(round_: Round, actor: User, add: str = "", **changes: Any) -> dict[str, str]:
    with pytest.raises(DomainError) as told:
        edited(round_, actor, add, **changes)
    return told.value.fields


def open_slots(round_: Round) -> list[int]:
    tasks = Task.objects.filter(round=round_, is_gold=False).order_by("pk")
    return list(tasks.values_list("open_slots", flat=True))


def consistent(round_: Round) -> bool:
    """Every slot is open, held or filled, and the round counts all of them."""
    round_ = Round.objects.get(pk=round_.pk)
    wanted = 0
    for task in Task.objects.filter(round=round_, is_gold=False, withdrawn=""):
        used = task.assignments.filter(state__in=["leased", "submitted", "returned"]).count()
        if used + task.open_slots != round_.redundancy + task.extra_slots:
            return False
        wanted += round_.redundancy + task.extra_slots
    return wanted == round_.slot_count and round_.task_count == Task.objects.filter(round=round_, is_gold=False).count()


def test_more_people_per_task_open_slots_in_finished_tasks_too(project: Project, alice: User, bob: User) -> None:
    round_ = make_round(project, tasks=2)
    submit(assignment=take(round_, bob), submission=GOOD)
    StaleSolution.objects.all().delete()
    edited(round_, alice, redundancy=3)
    round_.refresh_from_db()
    assert (open_slots(round_), round_.slot_count) == ([2, 3], 6)
    assert StaleSolution.objects.count() == 1, "what one person settled is thin now"
    assert consistent(round_)


def test_slots_that_a_disagreement_opened_count_among_the_new_people(project: Project, alice: User) -> None:
    round_ = make_round(project, tasks=2, most_people=4)
    Task.objects.filter(pk=Task.objects.order_by("pk")[0].pk).update(extra_slots=1, open_slots=2)
    Round.objects.filter(pk=round_.pk).update(slot_count=3)
    edited(round_, alice, redundancy=2)
    assert list(Task.objects.order_by("pk").values_list("open_slots", "extra_slots")) == [(2, 0), (2, 0)]
    assert consistent(round_)


def test_a_retired_problem_comes_back_with_the_new_number_of_people(project: Project, alice: User) -> None:
    round_ = make_round(project, tasks=2)
    problem = project.problems.order_by("pk")[0]
    retire_problem(problem=problem, reason="wrong", actor=alice)
    edited(round_, alice, redundancy=2)
    assert (open_slots(round_), Round.objects.get().slot_count) == ([0, 2], 2)
    bring_back(problem=problem, actor=alice)
    assert (open_slots(round_), Round.objects.get().slot_count) == ([2, 2], 4)


def test_fewer_people_are_refused_with_the_allowed_range(project: Project, alice: User) -> None:
    round_ = make_round(project, redundancy=2)
    assert refused(round_, alice, redundancy=1)["redundancy"].startswith("must be between 2 and 100")
    assert "between 1 and 100" in refused(round_, alice, redundancy=101)["redundancy"]
    assert refused(round_, alice, most_people=1) == {"most_people": "must be between the redundancy, 2, and 100"}
    assert refused(make_round(project, most_people=2), alice, redundancy=3).keys() == {"most_people"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("protocol", "every_step"),
        ("options", {"critiques": True}),
        ("select", "wrong"),
        ("mode", "verify"),
        ("show_reference", False),
        ("fresh_eyes", True),
    ],
)
def test_what_would_harm_the_work_is_refused_with_its_reason(
    project: Project, alice: User, name: str, value: object
) -> None:
    round_ = make_round(project)
    errors = refused(round_, alice, **{name: value, "name": "Other"})
    assert errors == {name: f"cannot be changed once the round is open: {FIXED[name]}"}
    assert Round.objects.get().name == "", "nothing of a refused change is stored"


def test_values_that_stay_the_same_are_no_changes(project: Project, alice: User) -> None:
    round_ = make_round(project)
    edited(round_, alice, protocol="first_error", options={}, select="all", mode="blind", redundancy=1)
    assert not AuditEvent.objects.filter(verb="round.edited").exists()


def test_the_audit_log_has_what_changed_from_and_to(project: Project, alice: User, bob: User) -> None:
    round_ = make_round(project)
    edited(round_, alice, name="Second try", labelers=[bob], lease_minutes=45, redundancy=1)
    event = AuditEvent.objects.get(verb="round.edited")
    assert event.before == {"name": "", "lease_minutes": 20, "labelers": []}
    assert event.after == {"name": "Second try", "lease_minutes": 45, "labelers": ["bob@lab.example"]}


def test_people_can_be_named_while_the_round_is_open(project: Project, alice: User, bob: User, rita: User) -> None:
    round_ = make_round(project, tasks=3)
    held = take(round_, bob)
    round_ = edited(round_, alice, labelers=[rita])
    submit(assignment=held, submission=GOOD)
    assert nothing(round_, bob) == "not_named"
    release(assignment=take(round_, rita))
    assert nothing(edited(round_, alice, skills=["Lean"]), rita) == "skills_missing"
    round_ = edited(round_, alice, labelers=[], skills=[])
    take(round_, bob)


def test_corrections_and_the_lease_follow_at_once(project: Project, alice: User, bob: User) -> None:
    round_ = edited(make_round(project), alice, allows_corrections=False, lease_minutes=60)
    held = take(round_, bob)
    assert held.leased_until is not None
    assert held.leased_at is not None
    assert (held.leased_until - held.leased_at).total_seconds() == 3600
    assert not Round.objects.get().allows_corrections


def test_each_assignment_keeps_the_version_of_the_guidelines_it_was_labeled_under(
    project: Project, alice: User, bob: User
) -> None:
    first = publish_guidelines(project=project, text="One.", author=alice)
    round_ = make_round(project, tasks=3)
    done = submit(assignment=take(round_, bob), submission=GOOD)
    held = take(round_, bob)
    second = publish_guidelines(project=project, text="Two.", author=alice)
    round_ = edited(round_, alice, guideline=second)
    assert Assignment.objects.get(pk=held.pk).guideline == first, "the open page still shows the first version"
    prepared = take(round_, bob, holding=[held.pk])
    assert Assignment.objects.get(pk=prepared.pk).guideline == second
    assert take(round_, bob).pk == held.pk
    assert Assignment.objects.get(pk=held.pk).guideline == second, "the page was loaded again"
    assert Assignment.objects.get(pk=done.pk).guideline == first


def test_more_solutions_become_tasks_without_doubles(project: Project, alice: User, bob: User) -> None:
    round_ = make_round(project, tasks=2, redundancy=2)
    submit(assignment=take(round_, bob), submission=GOOD)
    for _ in range(3):
        make_solution(make_problem(project, reference_answer="42"), is_correct=False)
    round_ = edited(round_, alice, add="wrong,sample:2")
    assert (round_.task_count, round_.slot_count) == (4, 8)
    round_ = edited(round_, alice, add="all")
    assert (round_.task_count, round_.slot_count) == (5, 10)
    assert [(added["select"], added["tasks"]) for added in round_.selection["added"]] == [
        ("wrong,sample:2", 2),
        ("all", 1),
    ]
    assert refused(round_, alice, "wrong") == {"add": "matches no solution"}
    assert refused(round_, alice, "colour:blue") == {"add": "unknown: colour:blue"}
    for _ in range(4):
        submit(assignment=take(round_, bob), submission=GOOD)
    assert nothing(round_, bob) == "done_by_you"
    assert consistent(round_)


def test_problems_are_added_to_a_round_that_starts_from_problems(project: Project, alice: User) -> None:
    make_problem(project)
    round_ = open_round(project=project, protocol="branching", options={"starts_from": "problems"})
    make_problem(project)
    assert edited(round_, alice, add="all").task_count == 2
    assert refused(round_, alice, "all") == {"add": "matches no problem"}


def test_pairs_are_added_to_a_round_of_comparisons(project: Project, alice: User) -> None:
    for _ in range(2):
        problem = make_problem(project)
        for is_correct in (True, False):
            make_solution(problem, ["It is.", str(is_correct)], is_correct=is_correct)
    first, last = project.problems.order_by("pk")
    last.subject = "Algebra"
    last.save()
    first.subject = "Poetry"
    first.save()
    round_ = open_round(
        project=project, protocol="comparison", options={"pairs": "right_wrong"}, select="subject:Poetry"
    )
    assert edited(round_, alice, add="all").task_count == 2
    assert refused(round_, alice, "all") == {"add": "matches nothing new"}


def test_gold_comes_in_with_the_share_and_only_if_there_is_some(project: Project, alice: User) -> None:
    round_ = make_round(project, tasks=2)
    assert refused(round_, alice, gold_share=0.5) == {"gold_share": "must be 0: no gold yet"}
    make_gold(make_solution(make_problem(project)), 1, -1)
    edited(round_, alice, gold_share=0.5)
    assert Task.objects.filter(round=round_, is_gold=True).count() == 1
    edited(round_, alice, gold_share=0)
    edited(round_, alice, gold_share=0.25)
    assert Task.objects.filter(round=round_, is_gold=True).count() == 1
    assert consistent(round_)


def test_a_screening_keeps_its_test(project: Project, alice: User) -> None:
    round_ = make_screening(project)
    assert refused(round_, alice, "all").keys() == {"add"}
    assert refused(round_, alice, pass_mark=0.5).keys() == {"pass_mark"}
    assert edited(round_, alice, name="Entrance", lease_minutes=5).name == "Entrance"


def test_a_blind_sample_takes_no_other_solutions(project: Project, alice: User) -> None:
    for _ in range(3):
        make_solution(make_problem(project))
    round_ = open_blind_round(project=project, size=2, actor=alice).round
    assert round_ is not None
    assert "drawn at random" in refused(round_, alice, "all")["add"]
    assert edited(round_, alice, redundancy=2).slot_count == 4


def test_closed_rounds_are_not_edited_and_paused_ones_are(project: Project, alice: User) -> None:
    round_ = make_round(project)
    set_round_status(round=round_, status="paused", actor=alice)
    assert edited(round_, alice, name="Later").name == "Later"
    set_round_status(round=round_, status="closed", actor=alice)
    with pytest.raises(Conflict):
        edited(round_, alice, name="Never")


# --- while people work ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("transactional_db")
@pytest.mark.parametrize("is_first_claim", [True, False])
def test_a_claim_waits_for_an_edit_and_then_finds_a_task(
    project: Project, alice: User, bob: User, *, is_first_claim: bool
) -> None:
    round_ = make_round(project, tasks=2)
    if not is_first_claim:
        release(assignment=take(round_, bob))
    taken = while_uncommitted(lambda: edited(round_, alice, redundancy=2), lambda: claim(round=round_, labeler=bob))
    assert isinstance(taken, Assignment), "the labeler was told that nothing is left"
    assert consistent(round_)


@pytest.mark.usefixtures("transactional_db")
@pytest.mark.parametrize("is_first_claim", [True, False])
def test_an_edit_waits_for_a_claim(project: Project, alice: User, bob: User, *, is_first_claim: bool) -> None:
    round_ = make_round(project, tasks=2)
    if not is_first_claim:
        release(assignment=take(round_, bob))
    while_uncommitted(lambda: claim(round=round_, labeler=bob), lambda: edited(round_, alice, redundancy=2))
    assert (sorted(open_slots(round_)), Round.objects.get().slot_count) == ([1, 2], 4)
    assert consistent(round_)


@pytest.mark.usefixtures("transactional_db")
def test_a_submission_under_way_is_stored_before_an_edit(project: Project, alice: User, bob: User) -> None:
    round_ = make_round(project)
    held = take(round_, bob)
    while_uncommitted(lambda: submit(assignment=held, submission=GOOD), lambda: edited(round_, alice, redundancy=2))
    assert RoundProgress.objects.get().submitted == 1
    assert consistent(round_)


@pytest.mark.usefixtures("transactional_db")
def test_claims_go_on_while_people_and_solutions_are_added(project: Project, alice: User) -> None:
    labelers = [make_user(f"labeler{number}") for number in range(4)]
    for labeler in labelers:
        project.memberships.create(user=labeler)
    round_ = make_round(project, tasks=12)

    def work(labeler: User) -> int:
        """Everything that is served to the labeler, until nothing was for a while."""
        done = empty = 0
        while empty < 40:
            current = Round.objects.select_related("project").get(pk=round_.pk)
            taken = claim(round=current, labeler=labeler)
            if not isinstance(taken, Assignment):
                empty += 1
                continue
            submit(assignment=taken, submission=GOOD)
            done += 1
        return done

    with ThreadPoolExecutor(4) as pool:
        working = [elsewhere(pool, lambda labeler=labeler: work(labeler)) for labeler in labelers]  # type: ignore[misc]
        for redundancy in (2, 3):
            edited(round_, alice, redundancy=redundancy)
            for _ in range(3):
                make_solution(make_problem(project, reference_answer="42"))
            edited(round_, alice, add="all")
        for each in working:
            each.result(120)
    round_.refresh_from_db()
    assert (round_.task_count, round_.slot_count, round_.redundancy) == (18, 54, 3)
    assert consistent(round_)
    assert Assignment.objects.filter(state="extra").count() == 0
    pairs = Assignment.objects.filter(state="submitted").values_list("task", "labeler")
    assert len(set(pairs)) == len(pairs)
