"""The sample of a release audit: solutions of an export with the first error that its policy labels, drawn by a hash."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from itertools import islice

from django.db.models import Exists, OuterRef

from apps.core.errors import Conflict, DomainError
from apps.estimation.models import EstimationRun
from apps.exports.contamination import contamination_index
from apps.exports.formats import FORMATS
from apps.exports.labels.batch import batched
from apps.exports.labels.steps import resolve
from apps.exports.load.records import load_problems
from apps.exports.load.spans import solutions_in
from apps.exports.models import Export
from apps.exports.policy import LabelPolicy
from apps.exports.rows.chunk_rows import kept_records
from apps.exports.tally import Tally
from apps.judging.models import StepVerdict
from apps.labeling.models import Assignment
from apps.quality.models import Cascade, Review
from apps.runs.status import counted_run_q

SMALLEST_SAMPLE = 5  # Fewer say nothing about an export.
BATCH = 200
MODEL_SOURCES = {"monte_carlo_hard", "monte_carlo_soft", "judge", "monte_carlo_and_judge", "cascade"}


def draw_sample(export: Export, share: float) -> dict[int, int]:
    """By solution id, the exported first error: a position, or -1 for none; about `share` of the export's solutions.

    Solutions whose first error the export leaves open are not drawn, nor those that people have labeled or reviewed since
    the export was made. Raises DomainError where there are too few, and Conflict where models have made new labels.
    """
    check_models(export)
    labeled = int((export.manifest or {}).get("counts", {}).get("solutions", 0))
    size = max(SMALLEST_SAMPLE, round(labeled * share))
    sample = dict(islice(first_errors(export), size))
    if len(sample) < SMALLEST_SAMPLE:
        raise DomainError(
            f"An audit needs {SMALLEST_SAMPLE} solutions whose first error the export names and whose labels have not changed "
            f"since; there are {len(sample)}.",
            fields={"share": f"draws fewer than {SMALLEST_SAMPLE} solutions"},
        )
    return dict(sorted(sample.items()))


def check_models(export: Export) -> None:
    """Raises Conflict if the policy reads labels of models, and they are not those of the export any more."""
    policy = LabelPolicy.from_dict(export.policy)
    if not MODEL_SOURCES & set(policy.sources):
        return
    runs = EstimationRun.objects.filter(counted_run_q(), project=export.project, finished_at__gt=export.created_at)
    verdicts = StepVerdict.objects.filter(run__project=export.project, run__created_at__gt=export.created_at)
    cascades = Cascade.objects.filter(project=export.project, applied_at__gt=export.created_at)
    if runs.exists() or verdicts.exists() or ("cascade" in policy.sources and cascades.exists()):
        raise Conflict("Models have made new labels since the export. Export again, then audit that.", code="outdated")
    _check_cascade(export)


def _check_cascade(export: Export) -> None:
    """Raises Conflict if the cascade that labels solutions of the export is not the applied one any more."""
    certificate = (export.manifest or {}).get("certificate")
    if not certificate:
        return
    number = certificate["cascade"]
    applied = Cascade.objects.filter(
        project=export.project, number=number, status=Cascade.Status.APPLIED, applied_at__lte=export.created_at
    )
    if not applied.exists():
        raise Conflict(
            f"Cascade {number}, which labels solutions of this export, was withdrawn since. Apply a cascade, or leave it out "
            "of the policy's sources; export again, then audit that.",
            code="outdated",
        )


def first_errors(export: Export) -> Iterator[tuple[int, int]]:
    """Yield solutions in the order of a hash, each with the first error by the export's policy."""
    policy = LabelPolicy.from_dict(export.policy)
    index, needs = contamination_index(policy, export.project), FORMATS[export.format].needs(policy)
    pairs = list(_unchanged(export))
    pairs.sort(key=lambda pair: blake2b(f"{export.sha256}\x1f{pair[0]}".encode(), digest_size=8).digest())
    for start in range(0, len(pairs), BATCH):
        drawn = pairs[start : start + BATCH]
        records_by_problem = load_problems(export.project, {problem for _, problem in drawn}, needs)
        errors: dict[int, int] = {}
        for records in records_by_problem.values():
            ids = {id(record): pk for pk, record in records}
            own = [record for _, record in records]
            with batched(own):
                for record in kept_records(own[0].problem.statement, own, policy, Tally(), index):
                    labeled = resolve(record, policy)
                    error = labeled[0].first_error if len(labeled) == 1 else None
                    if error is not None:
                        errors[ids[id(record)]] = error
        yield from ((pk, errors[pk]) for pk, _ in drawn if pk in errors)


def _unchanged(export: Export) -> Sequence[tuple[int, int]]:
    """Older solutions than the export and their problems, without those that people have labeled or reviewed since."""
    since = export.created_at
    of_solution = Assignment.objects.filter(task__solution=OuterRef("pk"))
    reviewed = Review.objects.filter(assignment__task__solution=OuterRef("pk"), at__gt=since)
    solutions = solutions_in(export.project).filter(created_at__lte=since)
    solutions = solutions.exclude(Exists(of_solution.filter(submitted_at__gt=since)))
    return list(solutions.exclude(Exists(reviewed)).values_list("pk", "problem_id"))
