"""estimate --project SLUG --endpoint NAME --strategy S [--rollouts N] [--temperature T] [--seed S] [--wait]"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from apps.core.commands import JsonCommand, Result
from apps.core.errors import DomainError
from apps.core.json_input import read_json_object
from apps.estimation.runs.services import start_run
from apps.estimation.strategies import STRATEGIES
from apps.estimation.worker.run import run_estimation_slice
from apps.inference.grants import endpoint_named_by_operator
from apps.projects.models import Project
from apps.runs.selection import ANSWERS


class Command(JsonCommand):
    help = "Start an estimation run over a project's solutions. With --wait, also work on it in this process until it ends."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--project", required=True, help="Slug of the project.")
        parser.add_argument("--endpoint", required=True, help="Name of the endpoint.")
        parser.add_argument("--strategy", required=True, choices=sorted(STRATEGIES))
        parser.add_argument(
            "--rollouts", type=int, default=None, help="Rollouts per step; the exact meaning depends on the strategy."
        )
        parser.add_argument("--options", default="{}", help="Other options of the strategy, as a JSON object.")
        parser.add_argument("--temperature", type=float, default=None)
        parser.add_argument("--max-tokens", type=int, default=None)
        parser.add_argument("--seed", type=int, default=None)
        parser.add_argument(
            "--answers", default="any", choices=sorted(ANSWERS), help="Only solutions with right, or wrong, answers."
        )
        parser.add_argument(
            "--roll-out-right-answers", action="store_true", help="Roll out solutions with a right answer too."
        )
        parser.add_argument("--keep-rollouts", action="store_true", help="Store the texts of rollouts.")
        parser.add_argument("--wait", action="store_true", help="Work on the run until it ends.")

    def perform(self, **options: Any) -> Result:
        project = Project.objects.named(options["project"])
        strategy_options = read_json_object(options["options"], field="options")
        if options["rollouts"] is not None:
            strategy_options["rollouts"] = options["rollouts"]
        sampling = {name: options[name] for name in ("temperature", "max_tokens") if options[name] is not None}
        run = start_run(
            project=project,
            endpoint=endpoint_named_by_operator(options["endpoint"], project),
            strategy=options["strategy"],
            options=strategy_options,
            sampling=sampling,
            selection={"answers": options["answers"]},
            seed=options["seed"],
            answers_suffice=not options["roll_out_right_answers"],
            keeps_rollouts=options["keep_rollouts"],
        )
        if options["wait"]:
            # Workers, if there are any, do their part.
            with self.watching(run, unit="solutions"):
                while run_estimation_slice(run_id=run.pk):
                    pass
            run.refresh_from_db()
        result: Result = {"run": run.pk, "number": run.number, "status": run.status, "total": run.total}
        if options["wait"]:
            names = ("steps", "rollouts", "missing", "requests", "tokens", "failed", "by_answer")
            result |= {name: getattr(run, name) for name in names}
            result["seconds"] = round(run.seconds or 0, 3)
        if run.can_be_resumed:
            raise DomainError(f"Run {run.number} is {run.status}: {run.error}")
        return result
