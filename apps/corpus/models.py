"""Problems, solutions and their steps, and the imports that brought them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.accounts.models import User
from apps.core.jobs import Job
from apps.corpus.identity import BLANK
from apps.projects.models import Project

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager


class Problem(models.Model):
    """A question. Its statement makes it the problem that it is: two files meet on it."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="problems")
    digest = models.UUIDField(help_text="Hash of the statement.")
    external_id = models.TextField(null=True, blank=True)
    statement = models.TextField()
    reference_answer = models.TextField(null=True, blank=True, help_text="May be wrong: the current guess.")
    reference_solution = models.TextField(null=True, blank=True)
    verifier = models.CharField(max_length=20, blank=True, default="", help_text="Empty: the project's.")
    subject = models.TextField(null=True, blank=True)
    level = models.TextField(null=True, blank=True)
    split = models.TextField(null=True, blank=True)
    extras = models.JSONField(
        null=True, blank=True, help_text="What the source's format says and we have no field for."
    )
    created_at = models.DateTimeField(default=timezone.now)
    retired_at = models.DateTimeField(
        null=True, blank=True, help_text="A bad problem: no longer asked, no longer exported."
    )
    retired_reason = models.TextField(blank=True, db_default="")

    if TYPE_CHECKING:
        solutions: RelatedManager[Solution]

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "digest"], name="one_problem_per_statement"),
            models.UniqueConstraint(
                fields=["project", "external_id"],
                name="one_problem_per_external_id",
                condition=Q(external_id__isnull=False),
            ),
        ]
        indexes = [models.Index(fields=["project", "id"], name="problem_by_project")]

    def __str__(self) -> str:
        return self.external_id or self.statement[:60]


class SolutionGrade(models.TextChoices):
    """What the verifier said of a final answer; `UNGRADED` where there is nothing to compare."""

    MATCH = "match", "match"
    NO_MATCH = "no_match", "no match"
    UNPARSED = "unparsed", "could not be read"
    UNGRADED = "ungraded", "not graded"


# In the extras of a solution whose steps were parted anew: the newer version's id.
OLDER = "mended_into"


class SolutionQuerySet(models.QuerySet["Solution"]):
    def written(self) -> Self:
        """Without the blank ones, which rounds that start from problems hand out."""
        return self.exclude(digest=BLANK)

    def older(self) -> Self:
        """Versions in whose place newer ones stand, with their steps parted otherwise."""
        return self.filter(extras__has_key=OLDER)

    def right(self) -> Self:
        return self.filter(is_correct=True)

    def wrong(self) -> Self:
        return self.filter(is_correct=False)

    def differing(self) -> Self:
        """The file claims one thing of the answer, our verifier another. Ungraded, there is nothing to differ."""
        graded = self.filter(claimed_correct__isnull=False).exclude(grade=SolutionGrade.UNGRADED)
        return graded.exclude(is_correct=models.F("claimed_correct"))


class Solution(models.Model):
    """An attempt at a problem.

    `claimed_correct` is the file's word on its answer; `is_correct` our verifier's, and the file's where the problem has
    no reference answer (the verdict is `UNGRADED` then).
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="solutions")
    problem = models.ForeignKey(Problem, on_delete=models.CASCADE, related_name="solutions")
    digest = models.UUIDField(help_text="Hash of what makes two rows the same solution.")
    external_id = models.TextField(null=True, blank=True)
    source = models.TextField(null=True, blank=True, help_text="Who wrote it.")
    final_answer = models.TextField(null=True, blank=True)
    is_correct = models.BooleanField(null=True, blank=True)
    claimed_correct = models.BooleanField(null=True, blank=True)
    grade = models.CharField(max_length=8, choices=SolutionGrade, default=SolutionGrade.UNGRADED)
    graded_by = models.CharField(max_length=40, blank=True, default="", help_text="Verifier and version.")
    verifier_score = models.FloatField(null=True, blank=True)
    step_count = models.PositiveIntegerField(help_text="Positions on its own path.")
    separator = models.TextField(default="\n", help_text="What stood between its steps.")
    extras = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = SolutionQuerySet.as_manager()

    if TYPE_CHECKING:
        steps: RelatedManager[Step]

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["problem", "digest"], name="one_solution_per_content"),
            models.UniqueConstraint(
                fields=["project", "external_id"],
                name="one_solution_per_external_id",
                condition=Q(external_id__isnull=False),
            ),
        ]
        indexes = [models.Index(fields=["project", "id"], name="solution_by_project")]

    def __str__(self) -> str:
        return self.external_id or f"solution {self.pk}"


class Step(models.Model):
    """One candidate at a position, both from 0. `chosen` marks the solution's own path."""

    class Origin(models.TextChoices):
        MODEL = "model", "model"
        HUMAN = "human", "person"

    id = models.BigAutoField(primary_key=True)
    solution = models.ForeignKey(Solution, on_delete=models.CASCADE, related_name="steps", db_index=False)
    position = models.PositiveIntegerField()
    candidate = models.PositiveIntegerField(default=0)
    text = models.TextField()
    origin = models.CharField(max_length=5, choices=Origin, default=Origin.MODEL)
    chosen = models.BooleanField(default=True)

    class Meta:
        ordering = ["position", "candidate"]
        constraints = [
            models.UniqueConstraint(fields=["solution", "position", "candidate"], name="one_step_per_place"),
            models.CheckConstraint(condition=Q(origin__in=["model", "human"]), name="step_origin_is_known"),
        ]

    def __str__(self) -> str:
        return f"step {self.position}.{self.candidate} of solution {self.solution_id}"


class Comparison(models.Model):
    """Two solutions of one problem, side by side; or two candidates for one step after the same prefix.

    Without steps, the solutions are compared from position `shared_steps` on: what comes before is the same in both.
    With steps, only these two are compared, and `shared_steps` is their position.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="comparisons")
    problem = models.ForeignKey(Problem, on_delete=models.CASCADE, related_name="comparisons")
    left = models.ForeignKey(Solution, on_delete=models.CASCADE, related_name="+")
    right = models.ForeignKey(Solution, on_delete=models.CASCADE, related_name="+")
    left_step = models.ForeignKey(Step, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    right_step = models.ForeignKey(Step, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    shared_steps = models.PositiveIntegerField(default=0)
    digest = models.UUIDField(help_text="Hash of the two sides, whichever stands left.")
    external_id = models.TextField(null=True, blank=True)
    extras = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["problem", "digest"], name="one_comparison_per_pair"),
            models.CheckConstraint(
                condition=Q(left_step__isnull=True, right_step__isnull=True)
                | Q(left_step__isnull=False, right_step__isnull=False),
                name="both_sides_are_steps_or_none",
            ),
        ]
        indexes = [models.Index(fields=["project", "id"], name="comparison_by_project")]

    def __str__(self) -> str:
        return self.external_id or f"comparison {self.pk}"


def upload_path(kept: ImportBatch | Upload, filename: str) -> str:
    return f"imports/{kept.project.slug}/{timezone.now():%Y%m%d-%H%M%S}-{filename[-80:]}"


class Upload(models.Model):
    """A file that somebody looks at before they say how to import it. Then it becomes an ImportBatch's."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="uploads")
    uploaded_by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    file = models.FileField(upload_to=upload_path, max_length=300)
    filename = models.CharField(max_length=255)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.filename


class ImportBatch(Job):
    """One file on its way in. `done` counts bytes read of `total`; `line` is where a rerun goes on."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="imports")
    uploaded_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    file = models.FileField(upload_to=upload_path, max_length=300)
    filename = models.CharField(max_length=255)
    format = models.CharField(max_length=30)
    options = models.JSONField(default=dict, blank=True, help_text="Column mapping and step splitting.")
    line = models.BigIntegerField(default=0, help_text="The last line that has landed.")
    rows = models.BigIntegerField(default=0)
    problems = models.BigIntegerField(default=0)
    solutions = models.BigIntegerField(default=0)
    steps = models.BigIntegerField(default=0)
    labels = models.BigIntegerField(default=0)
    rejected = models.BigIntegerField(default=0)
    skipped_existing = models.BigIntegerField(default=0)
    differences = models.BigIntegerField(default=0)
    grading_seconds = models.FloatField(default=0)
    ignored = models.JSONField(default=dict, blank=True, help_text="Parts of rows that have no place yet, counted.")

    if TYPE_CHECKING:
        findings: RelatedManager[ImportFinding]

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.filename} into {self.project}"


class ImportFinding(models.Model):
    """What an import has to say of one line: why it was rejected, or where the file and we differ."""

    class Kind(models.TextChoices):
        REJECTED = "rejected", "rejected"
        DIFFERENCE = "difference", "differs from our verifier"

    batch = models.ForeignKey(ImportBatch, on_delete=models.CASCADE, related_name="findings", db_index=False)
    kind = models.CharField(max_length=10, choices=Kind)
    line = models.BigIntegerField()
    field = models.TextField(blank=True, default="")
    reason = models.TextField()

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["batch", "kind", "id"], name="finding_by_batch")]

    def __str__(self) -> str:
        return f"line {self.line}: {self.field}: {self.reason}"
