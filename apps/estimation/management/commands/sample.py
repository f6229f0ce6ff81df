"""sample --project SLUG --endpoint NAME [--per-problem K] [--temperature T] [--seed S] [--wait]"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from apps.core.commands import JsonCommand, Result
from apps.core.errors import DomainError
from apps.estimation.sampling.services import run_sampling, start_sampling
from apps.inference.grants import endpoint_named_by_operator
from apps.projects.models import Project


class Command(JsonCommand):
    help = "Sample new solutions of a project's problems from a model. They are split into steps and graded."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--project", required=True, help="Slug of the project.")
        parser.add_argument("--endpoint", required=True, help="Name of the endpoint.")
        parser.add_argument("--per-problem", type=int, default=4, help="Solutions per problem.")
        parser.add_argument("--temperature", type=float, default=1.0)
        parser.add_argument("--max-tokens", type=int, default=1024)
        parser.add_argument(
            "--split", default="newline", help="How a text is split into steps: newline, blank_line or numbered."
        )
        parser.add_argument(
            "--keep-repeated",
            action="store_true",
            help="Store a repeated text as a solution of its own, as votes and best-of-N need.",
        )
        parser.add_argument("--seed", type=int, default=None)
        parser.add_argument("--wait", action="store_true", help="Work on the run in this process until it ends.")

    def perform(self, **options: Any) -> Result:
        project = Project.objects.named(options["project"])
        run = start_sampling(
            project=project,
            endpoint=endpoint_named_by_operator(options["endpoint"], project),
            per_problem=options["per_problem"],
            sampling={"temperature": options["temperature"], "max_tokens": options["max_tokens"]},
            split=options["split"],
            seed=options["seed"],
            keeps_repeated=options["keep_repeated"],
            enqueue=not options["wait"],
        )
        if options["wait"]:
            with self.watching(run, unit="problems"):
                run = run_sampling(run_id=run.pk)
        if run.can_be_resumed:
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
