"""The source `cascade`: labels of the project's applied cascade, and its certificate in manifest and card."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from apps.core.errors import Conflict, DomainError
from apps.core.jobs.model import JobStatus
from apps.corpus.models import Solution
from apps.estimation.models import EstimationRun
from apps.exports.audits.sample import check_models, first_errors
from apps.exports.description.card import dataset_card
from apps.exports.files.parts import cut_parts, write_part
from apps.exports.formats import FORMATS
from apps.exports.lineage import lineage_of
from apps.exports.policy import LabelPolicy, PolicyError
from apps.exports.rows.chunk_rows import rows_by_split
from apps.exports.rows.chunks import chunk_rows
from apps.exports.run import run_export
from apps.exports.services import create_export
from apps.exports.tally import Tally
from apps.projects.models import Project
from apps.quality.cascade.services import apply_cascade, certificate_of, withdraw_cascade
from apps.quality.models import BlindSample, Cascade, CascadeLabel
from apps.quality.models.trust import SampledSolution
from tests.cast import make_comparison, make_gold, make_problem, make_solution
from tests.exports.golden_rows import exported, gold
from tests.exports.test_labels import labels, record
from tests.exports.test_pair_exports import made, rows_of

SOURCE = {"sources": ["cascade"], "after_first_error": "as_rated"}


@pytest.mark.parametrize(
    ("error", "expected"),
    [(-1, [1, 1, 1, 1]), (0, [-1, None, None, None]), (2, [1, 1, -1, None]), (3, [1, 1, 1, -1])],
)
def test_steps_before_the_first_error_are_good_and_none_after_it_is_labeled(error: int, expected: list[Any]) -> None:
    assert labels(record(machine_error=error), **SOURCE) == [expected]


def test_a_first_error_behind_the_last_step_labels_nothing_and_is_counted() -> None:
    beyond, tally = record(machine_error=4), Tally()
    assert labels(beyond, **SOURCE) == []
    assert exported("trl-prm", [beyond], tally, **SOURCE) == []
    assert tally.left_out["ratings: of a step that the solution does not have"] == 1


def test_it_has_its_place_among_the_sources() -> None:
    both = record(machine_error=-1, gold=gold(1, -1))
    assert labels(both, sources=["cascade", "gold"]) == [[1, 1, 1, 1]]
    assert labels(both, sources=["gold", "cascade"]) == [[1, -1, None, None]]
    tally = Tally()
    exported("trl-prm", [both, record(machine_error=1)], tally, sources=["gold", "cascade"])
    assert (tally.sources, tally.by_cascade) == ({"gold": 1, "cascade": 1}, 1)


def test_its_promise_is_of_whole_solutions() -> None:
    for combine in ("step", "votes"):
        with pytest.raises(PolicyError, match="combine: must be solution where sources name cascade"):
            LabelPolicy.from_dict({"sources": ["gold", "cascade"], "combine": combine})


@pytest.mark.parametrize(
    ("format_", "policy"),
    [
        ("trl-prm", {}),
        ("annotate", {}),
        ("processbench", {}),
        ("step-dpo", {}),
        ("sft", {}),
        ("verifier-rl", {}),
        ("verl", {"rewards": "steps"}),
        ("dpo", {"pairs": ["labels"]}),
    ],
)
def test_every_format_counts_the_solutions_that_it_labels(format_: str, policy: dict[str, Any]) -> None:
    assert labeled_by_cascade(format_, sources=["gold", "cascade"], **policy) == 2


@pytest.mark.parametrize(
    ("format_", "policy"), [("orm", {}), ("verl", {}), ("prm800k", {}), ("dpo", {"pairs": ["answers"]})]
)
def test_a_format_that_reads_no_labels_uses_no_cascade(format_: str, policy: dict[str, Any]) -> None:
    assert labeled_by_cascade(format_, sources=["gold", "human", "cascade"], **policy) == 0


def labeled_by_cascade(format_: str, **policy: Any) -> int:
    """Of three solutions, of which the cascade labels two."""
    records = [record(machine_error=-1), record(machine_error=1), record(gold=gold(1, 1, 1, 1), machine_error=0)]
    tally = Tally()
    rows_by_split(records, FORMATS[format_], LabelPolicy.from_dict(policy), tally)
    return tally.by_cascade


# --- through the database ---------------------------------------------------------------------------------


@pytest.fixture
def solutions(project: Project) -> list[Solution]:
    return [make_solution(make_problem(project), is_correct=number != 1) for number in range(4)]


@pytest.fixture
def cascade(project: Project, solutions: list[Solution]) -> Cascade:
    """It labels the first two, and leaves the third to people; the fourth is of its sample."""
    run = EstimationRun.objects.create(project=project, number=1, status=JobStatus.FINISHED, completer="m")
    sample = BlindSample.objects.create(project=project, seed=1, pool=4)
    SampledSolution.objects.create(sample=sample, solution=solutions[3])
    cascade = Cascade.objects.create(
        project=project,
        number=1,
        status=Cascade.Status.GRANTED,
        estimation_run=run,
        sample=sample,
        tau=0.9,
        bound=0.04,
        labels_by_machines=2,
        chosen_at=timezone.now(),
    )
    for solution, error, is_label in zip(solutions, (-1, 1, 0, -1), (True, True, False, False), strict=True):
        CascadeLabel.objects.create(
            cascade=cascade, solution=solution, first_error=error, posterior=0.95, is_label=is_label
        )
    make_gold(solutions[3], 1, 1, 1)
    return cascade


pytestmark = pytest.mark.django_db(transaction=True)
POLICY = {"sources": ["gold", "cascade"]}


def test_the_certificate_travels_in_manifest_and_card(project: Project, cascade: Cascade) -> None:
    apply_cascade(cascade=cascade)
    for format_ in ("trl-prm", "annotate", "processbench"):
        export = made(project, format_, **POLICY)
        assert export.manifest is not None
        assert export.manifest["certificate"] == certificate_of(cascade) | {"solutions": 2}
        card = dataset_card(export.manifest)
        assert (
            "With 95% confidence, at most 5.0% of the solutions that machines label have a wrong first error." in card
        )
        assert "Cascade 1 labels 2 solutions of this export" in card
    assert [row["labels"] for row in rows_of(made(project, "trl-prm", **POLICY))[0]] == [
        [True, True, True],
        [True, False],
        [True, True, True],
    ]
    errors = [row["first_error"] for row in rows_of(made(project, "annotate", **POLICY))[0]]
    assert errors == [-1, 1, None, -1]


def test_an_export_that_uses_no_cascade_carries_no_certificate(project: Project, cascade: Cascade) -> None:
    apply_cascade(cascade=cascade)
    for format_, policy in (("trl-prm", {"sources": ["gold"]}), ("orm", POLICY)):
        export = made(project, format_, **policy)
        assert export.manifest is not None
        assert export.manifest["certificate"] == {}
        assert "Certificate" not in dataset_card(export.manifest)


def test_without_an_applied_cascade_the_policy_is_refused(project: Project, cascade: Cascade) -> None:
    with pytest.raises(DomainError, match="sources: cascade: the project has no applied cascade"):
        create_export(project=project, format="trl-prm", policy=POLICY)
    apply_cascade(cascade=cascade)
    create_export(project=project, format="trl-prm", policy=POLICY)
    withdraw_cascade(cascade=cascade)
    with pytest.raises(DomainError, match="no applied cascade"):
        create_export(project=project, format="trl-prm", policy=POLICY)


@pytest.mark.parametrize("is_applied_again", [False, True])
def test_an_export_fails_whose_cascade_changes_while_it_is_made(
    project: Project, cascade: Cascade, is_applied_again: bool
) -> None:
    apply_cascade(cascade=cascade)
    export = create_export(project=project, format="trl-prm", policy=POLICY)
    (part,) = cut_parts(export)
    export.start()
    write_part(export, part)
    withdraw_cascade(cascade=cascade)
    if is_applied_again:
        apply_cascade(cascade=cascade)
    export = run_export(export_id=export.pk)
    assert (export.status, "was withdrawn or replaced" in export.error) == (JobStatus.FAILED, True)


def test_an_export_fails_whose_promise_rests_on_labels_that_do_not_count_any_more(
    project: Project, cascade: Cascade
) -> None:
    apply_cascade(cascade=cascade)
    export = create_export(project=project, format="trl-prm", policy=POLICY)
    # When tau was chosen, people had named a first error that is not among the labels of the round now.
    SampledSolution.objects.filter(sample=cascade.sample).update(first_error=1)
    export = run_export(export_id=export.pk)
    assert (export.status, "The promise of cascade 1 is void" in export.error) == (JobStatus.FAILED, True)


def test_lineage_and_audits_know_its_labels(project: Project, cascade: Cascade, solutions: list[Solution]) -> None:
    apply_cascade(cascade=cascade)
    export = made(project, "trl-prm", **POLICY)
    found = lineage_of(export, solutions[1], lambda ids: dict.fromkeys(ids, ""))
    assert (found.source, list(found.first_errors)) == ("cascade", [1])
    assert dict(first_errors(export)) == {solutions[0].pk: -1, solutions[1].pk: 1, solutions[3].pk: -1}
    check_models(export)
    withdraw_cascade(cascade=cascade)
    apply_cascade(cascade=cascade)
    with pytest.raises(Conflict, match="Models have made new labels"):
        check_models(export)


def test_an_export_whose_cascade_is_withdrawn_is_not_audited(project: Project, cascade: Cascade) -> None:
    """Its labels are in the file, but not in the database: an audit would pass over them."""
    apply_cascade(cascade=cascade)
    certified = made(project, "trl-prm", **POLICY)
    without = made(project, "orm", **POLICY)
    withdraw_cascade(cascade=cascade)
    with pytest.raises(Conflict, match="Cascade 1, which labels solutions of this export, was withdrawn"):
        check_models(certified)
    check_models(without)


TABLES = {
    "quality_cascadelabel": {"sources": ["gold", "cascade"]},
    "judging_judgereply": {"critiques": ["replies"]},
    "judging_revision": {"solutions": ["revised"]},
    "judging_comparisonverdict": {"preferences": ["judges"], "sources": ["gold"]},
}


@pytest.mark.parametrize("format_", ["trl-prm", "annotate", "dpo", "sft", "verifier-sft", "orm"])
def test_what_a_format_does_not_need_is_not_read(
    project: Project, cascade: Cascade, format_: str, django_assert_max_num_queries: Any
) -> None:
    """Whatever the policy says of others; what it does need, it reads once. Columns come by a connection of their own."""
    readers = {"quality_cascadelabel": {"annotate", "sft", "verifier-sft"}, "judging_judgereply": {"verifier-sft"}} | {
        "judging_revision": {"sft"},
        "judging_comparisonverdict": {"dpo"},
    }
    apply_cascade(cascade=cascade)
    problem = make_problem(project)
    make_comparison(problem, ["One."], ["Two."])
    for table, values in TABLES.items():
        policy = LabelPolicy.from_dict({"critiques": ["people"], **values})
        with django_assert_max_num_queries(100) as queries:
            for _ in chunk_rows(project, FORMATS[format_], policy):
                pass
        reads = sum(f'FROM "{table}"' in query["sql"] for query in queries.captured_queries)
        assert reads == (format_ in readers[table]), (table, reads)
