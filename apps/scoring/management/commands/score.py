"""score --project SLUG --endpoint NAME [--kind K] [--reducer R] [--wait]"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from apps.core.commands import JsonCommand, Result
from apps.core.errors import DomainError
from apps.core.json_input import read_json_object
from apps.inference.grants import endpoint_named_by_operator
from apps.inference.scorers import SCORERS
from apps.inference.scorers.prompt import PRESETS
from apps.projects.models import Project
from apps.runs.selection import ANSWERS
from apps.scoring.reducers import Reducer
from apps.scoring.reward_model import adopt_run
from apps.scoring.services import start_scoring
from apps.scoring.worker.run import run_scoring_slice


class Command(JsonCommand):
    help = "Score the steps of a project's solutions by a reward model. With --wait, also work on it in this process."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--project", required=True, help="Slug of the project.")
        parser.add_argument(
            "--endpoint", default="", help="Name of the endpoint; by default the project's reward model."
        )
        parser.add_argument(
            "--kind",
            default=None,
            choices=sorted(SCORERS),
            help="How the endpoint is asked; by default as the project's reward model, else token_probability.",
        )
        parser.add_argument("--preset", default="", choices=sorted(PRESETS), help="A prompt by its name.")
        parser.add_argument("--prompt", default="{}", help="The prompt's parts, as a JSON object.")
        parser.add_argument("--options", default="{}", help="Options of the kind, as a JSON object.")
        parser.add_argument(
            "--reducer",
            default=Reducer.PRODUCT.value,
            choices=[reducer.value for reducer in Reducer],
            help="How the steps' scores become the solution's.",
        )
        parser.add_argument(
            "--answers", default="any", choices=sorted(ANSWERS), help="Only solutions with right, or wrong, answers."
        )
        parser.add_argument("--source", default="", help="Only solutions that this model or person wrote.")
        parser.add_argument(
            "--replace-imported", action="store_true", help="Replace scores of solutions that came with a file."
        )
        parser.add_argument(
            "--default", action="store_true", help="Make the endpoint, so asked, the project's reward model."
        )
        parser.add_argument("--wait", action="store_true", help="Work on the run until it ends.")

    def perform(self, **options: Any) -> Result:
        project = Project.objects.named(options["project"])
        endpoint = endpoint_named_by_operator(options["endpoint"], project) if options["endpoint"] else None
        prompt = read_json_object(options["prompt"], field="prompt")
        scorer: dict[str, Any] = {
            "kind": options["kind"],
            "options": read_json_object(options["options"], field="options"),
            "prompt": prompt | ({"preset": options["preset"]} if options["preset"] else {}),
        }
        selection = {"answers": options["answers"], "source": options["source"]}
        run = start_scoring(
            project=project,
            endpoint=endpoint,
            selection=selection,
            reducer=options["reducer"],
            replaces_imported=options["replace_imported"],
            **scorer,
        )
        if options["default"]:
            adopt_run(run=run)
        if options["wait"]:
            # Workers, if there are any, do their part.
            with self.watching(run, unit="solutions"):
                while run_scoring_slice(run_id=run.pk):
                    pass
            run.refresh_from_db()
        result: Result = {"run": run.pk, "number": run.number, "status": run.status, "solutions": run.total}
        if options["wait"]:
            names = ("steps", "missing", "failed", "requests", "tokens")
            result |= {"solutions": run.done} | {name: getattr(run, name) for name in names}
            result["seconds"] = round(run.seconds or 0, 3)
        if run.can_be_resumed:
            raise DomainError(f"Run {run.number} is {run.status}: {run.error}")
        return result
