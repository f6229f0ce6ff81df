"""What can be deleted, what holds the rest, and what is left afterwards: nothing of it, and everything else."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.core.files.base import ContentFile
from django.db import connection

from apps.accounts.models import AuditEvent, User
from apps.core.db.locks import try_advisory_lock
from apps.core.errors import Conflict, DomainError
from apps.corpus.imports.run import run_import
from apps.corpus.models import Comparison, ImportBatch, Problem, Solution, Step
from apps.corpus.models.imports import IMPORT_LOCK
from apps.corpus.services import create_import, queue_again
from apps.estimation.models import EstimationRun, SolutionEstimate, StepEstimate
from apps.exports.files.storage import export_folder
from apps.exports.models import Export, HubPush
from apps.exports.run import run_export
from apps.exports.services import create_export
from apps.inference.services import add_endpoint
from apps.judging.judges import save_judge, usual_constitution
from apps.judging.models import StepVerdict
from apps.labeling.models import Assignment, Reservation, Round, RoundProgress, StepLabel, Task
from apps.labeling.queue.leases import release
from apps.labeling.queue.reservations import reserve
from apps.labeling.rounds.services import open_round, set_round_status
from apps.projects.models import Project
from apps.projects.permissions import membership_of
from apps.projects.services import create_project
from apps.quality.models import QualityRules, StaleSolution
from apps.quality.trust.blind_rounds import open_blind_round
from apps.removal.kinds import KINDS
from apps.removal.models import Deletion
from apps.removal.run import run_deletion
from apps.removal.services import archive, bring_back, delete, preview_deletion
from apps.scoring.models import StepScore
from tests.at_once import elsewhere
from tests.cast import make_gold, make_problem, make_round, make_solution, signed_in
from tests.labeling.test_queue import take
from tests.world import ROW, World, rate

LABELED = (
    b'{"problem": {"statement": "What is %d + 1?", "reference_answer": "2"}, "solution": {"steps": ["One and one.", "2"]}, '
    b'"people": [{"labeler": "ann", "round": 1, "finish_reason": "solution", '
    b'"steps": [{"position": 0, "rating": 1}, {"position": 1, "rating": 1}]}]}\n'
)


STEPS = [{"position": 0}, {"position": 1}]
MONTE_CARLO = {"run": 1, "completer": "c", "steps": [step | {"rollouts": 8, "successes": 3} for step in STEPS]}
VERDICTS = {"judge": "critic", "version": 1, "run": 1, "steps": [step | {"rating": 1} for step in STEPS]}
SCORES = {"scorer": "prm", "run": 1, "steps": [step | {"score": 0.5} for step in STEPS]}


def removed(name: str, row: Any, actor: User, **more: Any) -> Deletion | None:
    project = row if isinstance(row, Project) else row.project
    deletion = delete(kind=KINDS[name], row=row, project=project, actor=actor, **more)
    return run_deletion(deletion_id=deletion.pk) if deletion is not None else None


def held(name: str, row: Any, actor: User) -> str:
    with pytest.raises(Conflict) as told:
        delete(kind=KINDS[name], row=row, project=row.project, actor=actor)
    assert told.value.code == "held"
    assert type(row).objects.filter(pk=row.pk).exists()
    return told.value.fields["holds"]


def imported(project: Project, actor: User, rows: bytes, name: str = "one.jsonl") -> ImportBatch:
    batch = create_import(
        project=project, file=ContentFile(rows), filename=name, format="jsonl", uploaded_by=actor, enqueue=False
    )
    batch = run_import(batch_id=batch.pk)
    assert (batch.status, batch.rejected) == ("finished", 0), list(batch.findings.values_list("reason", flat=True))
    return batch


def make_comparison(left: Solution, right: Solution, batch: ImportBatch) -> Comparison:
    return Comparison.objects.create(
        project=left.project, problem=left.problem, left=left, right=right, digest=uuid4(), batch=batch
    )


def rows_of(project: Project) -> dict[str, int]:
    """The number of rows of every table that leads to the project, by its own key or by another row's."""
    counts = {}
    for model in apps.get_models():
        for field in model._meta.get_fields():
            if getattr(field, "related_model", None) is Project and field.concrete and not field.many_to_many:
                counts[f"{model.__name__}.{field.name}"] = model._default_manager.filter(
                    **{field.name: project}
                ).count()
    return counts


# --- solutions and problems -------------------------------------------------------------------------------


def test_a_solution_that_nobody_has_used_goes_with_its_steps(project: Project, alice: User) -> None:
    problem = make_problem(project)
    kept, gone = make_solution(problem), make_solution(problem, ["Another."])
    assert removed("solution", gone, alice) is None
    assert list(Solution.objects.all()) == [kept]
    assert set(Step.objects.values_list("solution", flat=True)) == {kept.pk}
    event = AuditEvent.objects.get(verb="solution.deleted")
    assert (event.actor, event.before) == (alice, {"steps": 1})


def test_what_people_and_models_made_of_a_solution_holds_it(project: Project, alice: User, bob: User) -> None:
    solution = make_solution(make_problem(project))
    round_ = make_round(project)
    assert held("solution", solution, alice) == "1 task of a round"
    rate(round_, bob, 1, 1, 1)
    assert "1 person's assignment" in held("solution", solution, alice)
    other = make_solution(make_problem(project))
    make_gold(other, 1)
    assert held("problem", other.problem, alice) == "1 gold label made here"


def test_a_solution_of_a_blind_sample_or_of_its_pool_is_never_deleted(project: Project, alice: User) -> None:
    solutions = [make_solution(make_problem(project)) for _ in range(3)]
    sample = open_blind_round(project=project, size=1, actor=alice)
    drawn = sample.solutions.get().solution_id
    assert sample.round is not None
    with pytest.raises(Conflict):
        removed("solution", Solution.objects.get(pk=drawn), alice)
    for solution in solutions:
        assert "pool of a blind sample" in held("solution", solution, alice)


def test_results_of_a_run_hold_what_they_are_about(project: Project, alice: User) -> None:
    solution = make_solution(make_problem(project))
    run = EstimationRun.objects.create(project=project, number=1, strategy="all-steps", status="finished")
    SolutionEstimate.objects.create(run=run, solution=solution)
    assert held("solution", solution, alice) == "1 result of an estimation run"
    run.solutions.all().delete()
    # Of a solution that was not finished, a cancelled run has results on steps alone.
    StepEstimate.objects.create(run=run, step=solution.steps.earliest("position"), rollouts=8, successes=3)
    assert held("solution", solution, alice) == "1 result of an estimation run"
    run.delete()
    EstimationRun.objects.create(project=project, number=2, strategy="all-steps", status="running")
    assert "is under way" in held("solution", solution, alice)


# --- imports ----------------------------------------------------------------------------------------------


def test_an_import_goes_with_all_that_it_brought_and_with_its_file(project: Project, alice: User) -> None:
    own = make_solution(make_problem(project))
    batch = imported(project, alice, b"".join(LABELED % number for number in range(5)))
    path = Path(batch.file.path)
    assert (path.exists(), Problem.objects.count(), StepLabel.objects.count()) == (True, 6, 10)
    deletion = removed("import", batch, alice)
    assert deletion is not None
    assert (deletion.status, deletion.done, deletion.total) == ("finished", 15, 15)
    assert list(Solution.objects.all()) == [own]
    for model in (StepLabel, Assignment, Task, RoundProgress, ImportBatch):
        assert not model.objects.exists(), model
    assert (path.exists(), Round.objects.count()) == (False, 0)


def test_comparisons_of_an_import_go_from_the_solutions_of_another(project: Project, alice: User) -> None:
    problem = make_problem(project)
    left, right = make_solution(problem), make_solution(problem, ["Another."])
    batch = imported(project, alice, ROW)
    comparison = make_comparison(left, right, batch)
    deletion = removed("import", batch, alice)
    assert deletion is not None
    assert (deletion.status, deletion.done, deletion.total) == ("finished", 3, 3)
    assert not Comparison.objects.filter(pk=comparison.pk).exists()
    assert set(Solution.objects.all()) == {left, right}


def test_a_comparison_that_a_round_uses_holds_its_import(project: Project, alice: User) -> None:
    problem = make_problem(project)
    left, right = make_solution(problem), make_solution(problem, ["Another."])
    batch = imported(project, alice, ROW)
    make_comparison(left, right, batch)
    open_round(project=project, protocol="comparison")
    assert held("import", batch, alice) == "1 task of a round"


def test_a_comparison_of_another_import_holds_both_of_its_sides(project: Project, alice: User) -> None:
    first, second = imported(project, alice, ROW), imported(project, alice, LABELED % 7, name="two.jsonl")
    left = Solution.objects.get(batch=first)
    right = make_solution(left.problem, ["Another."])
    Solution.objects.filter(pk=right.pk).update(batch=first)
    comparison = make_comparison(left, right, second)
    assert held("import", first, alice) == "1 comparison of another import"
    assert held("solution", right, alice) == "1 comparison of another import"
    assert preview_deletion(KINDS["problem"], left.problem).holds == []
    removed("import", second, alice)
    assert not Comparison.objects.filter(pk=comparison.pk).exists()
    removed("import", first, alice)
    assert not Solution.objects.exists()


def test_labels_of_one_import_go_from_the_solutions_of_another(project: Project, alice: User) -> None:
    first = imported(project, alice, ROW)
    again = imported(project, alice, LABELED % 1, name="two.jsonl")
    assert (again.solutions, again.labels) == (0, 2)
    assert "submission of another import" in held("import", first, alice)
    removed("import", again, alice)
    assert (Solution.objects.count(), Assignment.objects.count(), Task.objects.count()) == (1, 0, 0)
    assert StaleSolution.objects.exists()
    removed("import", first, alice)
    assert not Problem.objects.exists()


def test_what_another_file_brought_on_the_solutions_of_an_import_is_counted(project: Project, alice: User) -> None:
    batch = imported(project, alice, LABELED % 1)
    row = json.loads(LABELED % 1)
    row["gold"] = {"steps": [{"position": 0, "rating": 1}, {"position": 1, "rating": 1}]}
    del row["people"]
    imported(project, alice, json.dumps(row).encode(), "gold.jsonl")
    told = {loss.noun: loss.count for loss in preview_deletion(kind=KINDS["import"], row=batch).parts}
    assert told["gold labels of files"] == 2
    solution = Solution.objects.get(batch=batch)
    told = {loss.noun: loss.count for loss in preview_deletion(kind=KINDS["solution"], row=solution).parts}
    assert told["gold labels of files"] == 2


@pytest.mark.parametrize(
    ("name", "said", "noun", "rows"),
    [
        ("monte_carlo", MONTE_CARLO, "estimates of files", StepEstimate),
        ("judges", VERDICTS, "verdicts of files", StepVerdict),
        ("scores", SCORES, "scores of files", StepScore),
    ],
)
def test_results_of_files_are_counted_and_go_with_their_own_import_alone(
    project: Project, alice: User, name: str, said: dict[str, Any], noun: str, rows: Any
) -> None:
    """Files bring results on steps: runs of files have no other rows."""
    first = imported(project, alice, json.dumps(json.loads(LABELED % 1) | {name: [said]}).encode())
    other = imported(project, alice, LABELED % 2, name="two.jsonl")
    told = {loss.noun: loss.count for loss in preview_deletion(kind=KINDS["import"], row=first).parts}
    assert told[noun] == 1
    run = rows.objects.first().run
    removed("import", other, alice)
    assert (rows.objects.count(), type(run).objects.filter(pk=run.pk).exists()) == (2, True)
    removed("import", first, alice)
    assert (rows.objects.count(), type(run).objects.filter(pk=run.pk).exists()) == (0, False)


def test_a_deletion_makes_the_figures_of_the_project_stale(project: Project, alice: User) -> None:
    """What is gone leaves no solution behind that could be marked."""
    batch = imported(project, alice, LABELED % 1)
    solution, problem = make_solution(make_problem(project)), make_problem(project)
    for kind, row in (("solution", solution), ("problem", problem), ("import", batch)):
        QualityRules.objects.update_or_create(project=project, defaults={"figures_are_stale": False})
        removed(kind, row, alice)
        assert QualityRules.objects.get(project=project).figures_are_stale, kind


def test_the_counts_of_a_round_of_files_follow(project: Project, alice: User) -> None:
    imported(project, alice, LABELED % 1)
    second = imported(project, alice, LABELED % 2 + LABELED % 3, name="two.jsonl")
    round_ = Round.objects.get()
    assert (round_.task_count, RoundProgress.objects.get().submitted) == (3, 3)
    removed("import", second, alice)
    round_.refresh_from_db()
    assert (round_.task_count, round_.slot_count, RoundProgress.objects.get().submitted) == (1, 1, 1)


def test_an_import_that_was_used_says_what_holds_it(project: Project, alice: User, bob: User) -> None:
    batch = imported(project, alice, ROW)
    rate(make_round(project), bob, 1, 1)
    holds = held("import", batch, alice)
    assert "1 task of a round" in holds
    assert "1 person's assignment" in holds
    other = make_solution(Problem.objects.get(), ["Elsewhere."])
    assert "1 problem with solutions from elsewhere" in held("import", batch, alice)
    assert Solution.objects.filter(pk=other.pk).exists()


def test_an_import_under_way_is_not_deleted(project: Project, alice: User) -> None:
    batch = create_import(
        project=project, file=ContentFile(ROW), filename="a", format="jsonl", uploaded_by=alice, enqueue=False
    )
    assert held("import", batch, alice) == "it is under way: cancel it first"


def test_an_import_is_not_deleted_while_a_worker_stores_its_last_rows(project: Project, alice: User) -> None:
    batch = imported(project, alice, ROW)
    deletion = delete(kind=KINDS["import"], row=batch, project=project, actor=alice)
    assert deletion is not None
    is_held, is_done = Event(), Event()

    def hold() -> None:
        with try_advisory_lock(IMPORT_LOCK, batch.pk):
            is_held.set()
            is_done.wait(60)

    with ThreadPoolExecutor(1) as pool:
        worker = elsewhere(pool, hold)
        assert is_held.wait(60)
        ended = run_deletion(deletion_id=deletion.pk)
        is_done.set()
        worker.result(60)
    assert (ended.status, "still stores rows" in ended.error) == ("failed", True)
    assert (Solution.objects.count(), ImportBatch.objects.count()) == (1, 1)
    removed("import", batch, alice)
    assert (Solution.objects.count(), ImportBatch.objects.count()) == (0, 0)


def test_an_import_that_was_resumed_meanwhile_is_not_deleted(project: Project, alice: User) -> None:
    batch = imported(project, alice, ROW)
    ImportBatch.objects.filter(pk=batch.pk).update(status="cancelled")
    deletion = delete(kind=KINDS["import"], row=batch, project=project, actor=alice)
    assert deletion is not None
    queue_again(batch=batch)
    assert run_deletion(deletion_id=deletion.pk).status == "failed"
    assert Solution.objects.exists()


def test_what_is_used_during_the_deletion_stays(project: Project, alice: User, bob: User) -> None:
    batch = imported(project, alice, ROW)
    deletion = delete(kind=KINDS["import"], row=batch, project=project, actor=alice)
    assert deletion is not None
    rate(make_round(project), bob, 1, 1)
    ended = run_deletion(deletion_id=deletion.pk)
    assert (ended.status, Solution.objects.count()) == ("failed", 1)
    assert "have been used since: 1 task of a round" in ended.error


def test_one_deletion_of_a_thing_at_a_time(project: Project, alice: User) -> None:
    batch = imported(project, alice, ROW)
    delete(kind=KINDS["import"], row=batch, project=project, actor=alice)
    with pytest.raises(Conflict) as told:
        delete(kind=KINDS["import"], row=batch, project=project, actor=alice)
    assert told.value.code == "being_deleted"


# --- members, rounds, exports, machines -------------------------------------------------------------------


def test_what_was_assigned_to_a_member_who_goes_is_free_for_others(project: Project, alice: User, bob: User) -> None:
    make_solution(make_problem(project))
    round_ = make_round(project)
    task = Task.objects.get(round=round_)
    reserve(project=project, tasks=[task.pk], labeler=bob, actor=alice)
    member = membership_of(bob, project)
    assert [part.noun for part in preview_deletion(KINDS["member"], member).parts] == [
        "tasks that are assigned and not begun"
    ]
    removed("member", member, alice)
    assert membership_of(bob, project) is None
    assert not Reservation.objects.exists()
    assert Task.objects.get(pk=task.pk).open_slots == task.open_slots


def test_a_member_who_has_worked_stays(project: Project, alice: User, bob: User) -> None:
    for _ in range(2):
        make_solution(make_problem(project))
    round_ = make_round(project)
    member = membership_of(bob, project)
    rate(round_, bob, 1, 1, 1)
    assert held("member", member, alice) == "1 assignment of theirs; the member can be suspended"
    rate(round_, bob, 1, 1, 1)
    assert held("member", member, alice) == "2 assignments of theirs; the member can be suspended"


def test_a_round_without_submissions_goes_with_its_leases(project: Project, alice: User, bob: User) -> None:
    round_ = make_round(project, tasks=2)
    take(round_, bob)
    parts = {part.noun: part.count for part in preview_deletion(KINDS["round"], round_).parts}
    assert parts == {"tasks": 2, "leases": 1}
    removed("round", round_, alice)
    assert (Round.objects.count(), Assignment.objects.count(), Solution.objects.count()) == (0, 0, 2)


def test_a_submission_holds_its_round_also_when_it_was_returned(project: Project, alice: User, bob: User) -> None:
    round_ = make_round(project)
    rated = rate(round_, bob, 1, 1, 1)
    assert held("round", round_, alice) == "1 submission"
    Assignment.objects.filter(pk=rated.pk).update(state="returned")
    assert held("round", round_, alice) == "1 submission"


def test_a_released_task_holds_nothing(project: Project, alice: User, bob: User) -> None:
    round_ = make_round(project)
    release(assignment=take(round_, bob))
    removed("round", round_, alice)
    assert not Round.objects.exists()


def test_an_export_goes_with_its_files_and_leaves_its_checksum(
    project: Project, alice: User, django_capture_on_commit_callbacks: Any
) -> None:
    make_solution(make_problem(project))
    export = run_export(export_id=create_export(project=project, format="annotate", enqueue=False).pk)
    folder, sha256 = export_folder(export), export.sha256
    assert folder.is_dir()
    with django_capture_on_commit_callbacks(execute=True):
        removed("export", export, alice)
    assert (folder.exists(), Export.objects.count()) == (False, 0)
    assert AuditEvent.objects.get(verb="export.deleted").before["sha256"] == sha256


def test_a_push_under_way_holds_its_export(project: Project, alice: User) -> None:
    make_solution(make_problem(project))
    export = run_export(export_id=create_export(project=project, format="annotate", enqueue=False).pk)
    push = HubPush.objects.create(export=export, repository="lab/algebra", encrypted_token="x", status="running")
    assert held("export", export, alice) == "it is being pushed to a Hub"
    HubPush.objects.filter(pk=push.pk).update(status="finished", encrypted_token="")
    assert "1 entries of pushes to a Hub" in [
        f"{part.count} {part.noun}" for part in preview_deletion(KINDS["export"], export).parts
    ]
    removed("export", export, alice)
    assert not Export.objects.exists()


def test_a_run_goes_with_its_results_once_it_has_ended(project: Project, alice: User) -> None:
    solution = make_solution(make_problem(project))
    run = EstimationRun.objects.create(project=project, number=1, strategy="all-steps", status="paused")
    SolutionEstimate.objects.create(run=run, solution=solution)
    StepEstimate.objects.create(run=run, step=solution.steps.first(), successes=1, rollouts=2)
    assert held("estimation-run", run, alice) == "it has not ended: cancel it first"
    EstimationRun.objects.update(status="cancelled")
    StaleSolution.objects.all().delete()
    removed("estimation-run", EstimationRun.objects.get(), alice)
    assert (EstimationRun.objects.count(), StepEstimate.objects.count()) == (0, 0)
    assert StaleSolution.objects.count() == 1


def test_what_rests_on_a_run_a_judge_or_an_endpoint_holds_it(world: World, alice: User) -> None:
    EstimationRun.objects.update(status="cancelled")
    world.run.refresh_from_db()
    assert held("estimation-run", world.run, alice) == "1 cascade that rests on it"
    assert held("judge", world.judging.judge, alice) == "1 judge run"
    assert "is under way" in held("endpoint", world.endpoint, alice)


def test_a_judge_and_an_endpoint_without_use_go(project: Project, alice: User) -> None:
    endpoint = add_endpoint(project=project, name="lab", url="http://127.0.0.1:9/v1", model="small")
    judge = save_judge(project=project, endpoint=endpoint, kind="steps", created_by=alice)
    removed("judge", judge, alice)
    removed("endpoint", endpoint, alice)
    assert not project.judges.exists()
    assert not project.endpoints.exists()


# --- projects ---------------------------------------------------------------------------------------------


def test_a_project_is_confirmed_by_its_name(project: Project, alice: User) -> None:
    for confirmation in (None, "", "algebra"):
        with pytest.raises(DomainError) as told:
            delete(kind=KINDS["project"], row=project, project=project, actor=alice, confirmation=confirmation)
        assert told.value.fields == {"confirmation": "must be Algebra"}


def test_a_project_goes_with_everything_and_nothing_of_another(world: World, alice: User) -> None:
    project, other = world.project, create_project(slug="other", name="Other", owner=alice)
    make_solution(make_problem(other))
    usual_constitution(project)
    folders = [export_folder(world.export).parent, Path(world.batch.file.path).parent]
    before = rows_of(other)
    deletion = delete(kind=KINDS["project"], row=project, project=project, actor=alice, confirmation="Algebra")
    assert deletion is not None
    assert membership_of(alice, project) is None, "nobody can open it from now on"
    assert EstimationRun.objects.get(pk=world.run.pk).status == "cancelled", "its workers stop"
    ended = run_deletion(deletion_id=deletion.pk)
    assert (ended.status, ended.error) == ("finished", "")
    ended.refresh_from_db()
    assert ended.project is None
    assert not Project.objects.filter(pk=project.pk).exists()
    connection.check_constraints()
    assert not any(count for name, count in rows_of(project).items() if not name.startswith("Deletion")), rows_of(
        project
    )
    assert rows_of(other) == before
    assert not any(folder.exists() for folder in folders)
    assert AuditEvent.objects.filter(verb="project.deleted", project="algebra").exists()
    assert not Comparison.objects.exists()
    create_project(slug="algebra", owner=alice)


def test_a_new_project_with_the_slug_of_a_deleted_one_has_a_log_of_its_own(
    project: Project, alice: User, bob: User
) -> None:
    removed("project", project, alice, confirmation=project.name)
    new = create_project(slug=project.slug, owner=bob)
    page = signed_in(bob).get(f"/projects/{new.slug}/audit").content.decode()
    assert alice.email not in page
    assert "created the project" in page
    for path in (
        f"/projects/{new.slug}/audit.jsonl",
        f"/projects/{new.slug}/audit.csv",
        f"/api/v1/projects/{new.slug}/audit",
    ):
        assert alice.email.encode() not in signed_in(bob).get(path).getvalue(), path
    assert AuditEvent.objects.filter(project=new.slug, verb="project.deleted", actor=alice).exists()


def test_a_deletion_that_was_interrupted_continues(project: Project, alice: User, monkeypatch: Any) -> None:
    monkeypatch.setattr("apps.removal.kinds.imports.BATCH", 2)
    batch = imported(project, alice, b"".join(LABELED % number for number in range(5)))
    deletion = delete(kind=KINDS["import"], row=batch, project=project, actor=alice)
    assert deletion is not None
    steps = KINDS["import"].remove_in_batches(batch)
    next(steps), next(steps)
    assert 0 < Solution.objects.count() < 5
    ended = run_deletion(deletion_id=deletion.pk)
    assert (ended.status, Solution.objects.count(), ImportBatch.objects.count()) == ("finished", 0, 0)
    assert run_deletion(deletion_id=deletion.pk).status == "finished", "a second call changes nothing"


# --- archiving --------------------------------------------------------------------------------------------


def test_everything_that_can_be_archived_comes_back(world: World, alice: User) -> None:
    Round.objects.filter(pk=world.round.pk).update(status="closed")
    world.round.refresh_from_db()
    ImportBatch.objects.update(status="finished")
    world.batch.refresh_from_db()
    EstimationRun.objects.update(status="cancelled")
    rows = {"project": world.project, "round": world.round, "export": world.export, "import": world.batch}
    rows["judge"] = world.judging.judge  # type: ignore[assignment]
    for name, row in rows.items():
        for _ in range(2):
            archive(kind=KINDS[name], row=row, project=world.project, actor=alice)
        row.refresh_from_db()
        assert row.archived_at is not None, name
        assert AuditEvent.objects.filter(verb=f"{name}.archived").count() == 1
        bring_back(kind=KINDS[name], row=row, project=world.project, actor=alice)
        row.refresh_from_db()
        assert row.archived_at is None


def test_neither_archiving_nor_opening_trusts_what_was_loaded_before(project: Project, alice: User) -> None:
    make_solution(make_problem(project))
    round_ = make_round(project)
    set_round_status(round=round_, status="closed", actor=alice)
    before = Round.objects.get(pk=round_.pk)
    archive(kind=KINDS["round"], row=round_, project=project, actor=alice)
    with pytest.raises(Conflict, match="archived"):
        set_round_status(round=before, status="open", actor=alice)
    bring_back(kind=KINDS["round"], row=round_, project=project, actor=alice)
    closed = Round.objects.get(pk=round_.pk)
    set_round_status(round=round_, status="open", actor=alice)
    with pytest.raises(Conflict, match="it is open"):
        archive(kind=KINDS["round"], row=closed, project=project, actor=alice)


def test_what_is_at_work_is_not_archived(world: World, alice: User) -> None:
    for name, row in (("round", world.round), ("endpoint", world.endpoint), ("import", world.batch)):
        with pytest.raises(Conflict):
            archive(kind=KINDS[name], row=row, project=world.project, actor=alice)
    with pytest.raises(Conflict) as told:
        archive(kind=KINDS["solution"], row=world.solution, project=world.project, actor=alice)
    assert told.value.code == "not_archivable"
