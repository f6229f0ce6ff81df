"""sample --project SLUG --endpoint NAME [--per-problem K] [--temperature T] [--seed S] [--wait]"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from apps.core.commands import JsonCommand, Result
from apps.core.errors import DomainError
from apps.core.jobs import JobStatus
from apps.estimation.sampling.services import run_sampling, start_sampling
from apps.inference.grants import operators_endpoint
from apps.projects.models import Project


class Command(JsonCommand):
    help = "Have a model write new solutions of a project's problems: split into steps, graded, each once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--project", required=True, help="Slug.")
        parser.add_argument("--endpoint", required=True, help="Name.")
        parser.add_argument("--per-problem", type=int, default=4)
        parser.add_argument("--temperature", type=float, default=1.0)
        parser.add_argument("--max-tokens", type=int, default=1024)
        parser.add_argument(
            "--split", default="newline", help="How a text becomes steps: newline, blank_line, numbered."
        )
        parser.add_argument("--seed", type=int, default=None)
        parser.add_argument("--wait", action="store_true", help="Do it here and now, without a worker.")

    def perform(self, **options: Any) -> Result:
        project = Project.objects.named(options["project"])
        run = start_sampling(
            project=project,
            endpoint=operators_endpoint(options["endpoint"], project),
            per_problem=options["per_problem"],
            sampling={"temperature": options["temperature"], "max_tokens": options["max_tokens"]},
            split=options["split"],
            seed=options["seed"],
            enqueue=not options["wait"],
        )
        if options["wait"]:
            run = run_sampling(run_id=run.pk)
        if run.status in (JobStatus.PAUSED, JobStatus.FAILED):
            raise DomainError(f"Run {run.number} is {run.status}: {run.error}")
        names = (
            "number",
            "status",
            "total",
            "done",
            "solutions",
            "right",
            "wrong",
            "duplicates",
            "cut",
            "requests",
            "tokens",
        )
        return {"run": run.pk} | {name: getattr(run, name) for name in names}
