"""evaluate --project SLUG --kind K [--scorer NAME] [--options JSON] [--wait]"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from apps.core.commands import JsonCommand, Result
from apps.core.errors import DomainError
from apps.core.jobs.model import JobStatus
from apps.core.json_input import read_json_object
from apps.evaluation.kinds import KINDS
from apps.evaluation.run import run_evaluation
from apps.evaluation.services import create_evaluation
from apps.projects.models import Project


class Command(JsonCommand):
    help = "Evaluate a project's raters and scorers. With --wait, in this process, and print the result."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--project", required=True, help="Slug of the project.")
        parser.add_argument("--kind", required=True, choices=sorted(KINDS))
        parser.add_argument(
            "--scorer", default="", help="One scorer: a model, `run N` or `verifier_score`; by default all."
        )
        parser.add_argument("--options", default="{}", help="Other options, as a JSON object; see docs/evaluation.md.")
        parser.add_argument("--wait", action="store_true", help="Compute it in this process.")

    def perform(self, **options: Any) -> Result:
        values = read_json_object(options["options"], field="options")
        if options["scorer"]:
            values["scorer"] = options["scorer"]
        evaluation = create_evaluation(
            project=Project.objects.named(options["project"]),
            kind=options["kind"],
            options=values,
            enqueue=not options["wait"],
        )
        if not options["wait"]:
            return {"evaluation": evaluation.pk, "status": evaluation.status}
        with self.watching(evaluation, unit="parts"):
            evaluation = run_evaluation(evaluation_id=evaluation.pk)
        if evaluation.status != JobStatus.FINISHED:
            raise DomainError(evaluation.error or f"The evaluation is {evaluation.status}.")
        return {
            "evaluation": evaluation.pk,
            "status": evaluation.status,
            "seconds": round(evaluation.seconds or 0, 3),
            "options": evaluation.options,
            "result": evaluation.result,
        }
