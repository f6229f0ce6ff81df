"""judge --project SLUG --endpoint NAME --kind K [--votes K] [--wait]"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from apps.core.commands import JsonCommand, Result
from apps.core.errors import DomainError
from apps.core.json_input import read_json_object
from apps.inference.grants import endpoint_named_by_operator
from apps.judging.judges import save_judge
from apps.judging.kinds import KINDS
from apps.judging.models import JudgeRun
from apps.judging.runs.services import start_judging
from apps.judging.worker.run import run_judging_slice
from apps.labeling.rounds.pairs import PAIR_RULES
from apps.projects.models import Project
from apps.runs.selection import ANSWERS


class Command(JsonCommand):
    help = (
        "Have a judge model judge a project's solutions or comparisons. With --wait, also work on the run in this process "
        "until it ends."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--project", required=True, help="Slug of the project.")
        parser.add_argument("--endpoint", required=True, help="Name of the endpoint.")
        parser.add_argument("--kind", required=True, choices=list(KINDS))
        parser.add_argument("--judge", default="", help="Name of the judge; by default that of the endpoint.")
        parser.add_argument("--prompt", default=None, help="Name of the prompt; by default the kind's usual one.")
        parser.add_argument("--votes", type=int, default=None, help="Replies for each item, of which most decide.")
        parser.add_argument("--temperature", type=float, default=None, help="0 for one vote, 1 for several.")
        parser.add_argument("--max-tokens", type=int, default=None, help="Tokens of a reply; by default the prompt's.")
        parser.add_argument("--options", default="{}", help="Other options of the kind, as a JSON object.")
        parser.add_argument("--attempts", type=int, default=None, help="How often an unreadable reply is asked for.")
        parser.add_argument(
            "--answers", default="any", choices=sorted(ANSWERS), help="Only solutions with right, or wrong, answers."
        )
        parser.add_argument("--source", default="", help="Only solutions of this source.")
        parser.add_argument(
            "--pairs", default=None, choices=["existing", *PAIR_RULES], help="What is compared; default: existing."
        )
        parser.add_argument("--each", type=int, default=None, help="Pairs of each problem, at most.")
        parser.add_argument("--seed", type=int, default=None)
        parser.add_argument("--wait", action="store_true", help="Work on the run until it ends.")

    def perform(self, **options: Any) -> Result:
        project = Project.objects.named(options["project"])
        kind_options = read_json_object(options["options"], field="options") | _given(
            options, "votes", "temperature", "max_tokens"
        )
        judge = save_judge(
            project=project,
            endpoint=endpoint_named_by_operator(options["endpoint"], project),
            kind=options["kind"],
            name=options["judge"],
            prompt=options["prompt"],
            options=kind_options,
        )
        run = start_judging(
            judge=judge,
            options=_given(options, "attempts"),
            selection={"answers": options["answers"], "source": options["source"]} | _given(options, "pairs", "each"),
            seed=options["seed"],
        )
        if options["wait"]:
            self._work_on(run)
        if run.can_be_resumed:
            raise DomainError(f"Run {run.number} is {run.status}: {run.error}")
        result: Result = {"run": run.pk, "number": run.number, "judge": str(judge), "status": run.status}
        return result | ({"total": run.total} if not options["wait"] else _counts(run))

    def _work_on(self, run: JudgeRun) -> None:
        """Workers, if there are any, do their part."""
        with self.watching(run, unit="items"):
            while run_judging_slice(run_id=run.pk):
                pass
        run.refresh_from_db()


def _given(options: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: options[name] for name in names if options[name] is not None}


def _counts(run: JudgeRun) -> Result:
    names = ("verdicts", "undecided", "refusals", "unreadable", "new_solutions", "requests", "tokens", "cost")
    counts = {name: getattr(run, name) for name in names}
    return {"items": run.done, **counts, "seconds": round(run.seconds or 0, 3)}
