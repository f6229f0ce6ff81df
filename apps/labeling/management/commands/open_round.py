"""open_round --project SLUG --protocol P [--redundancy R] [--gold-share G] [--select S]"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from apps.accounts.models import User
from apps.core.commands import JsonCommand, Result
from apps.core.errors import DomainError
from apps.core.json_input import read_json, read_json_object
from apps.core.structs import default_of, description_of
from apps.inference.grants import endpoint_named_by_operator
from apps.labeling.models import Round
from apps.labeling.protocols import PROTOCOLS
from apps.labeling.rounds.config import RoundConfig
from apps.labeling.rounds.selection import TERMS
from apps.labeling.rounds.services import create_round, open_round
from apps.projects.models import Project


def _option(text: str) -> tuple[str, Any]:
    """KEY=VALUE: `candidates=6` is a number, `writes=false` a boolean, anything else a string."""
    name, separator, value = text.partition("=")
    if not separator:
        raise DomainError(f"An option must be KEY=VALUE, not {text!r}.", fields={"options": f"not KEY=VALUE: {text}"})
    try:
        return name, read_json(value, field=name)
    except DomainError:
        return name, value


class Command(JsonCommand):
    help = "Open a round of labeling over a project's solutions."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)

        def add_setting(flag: str, name: str, **more: Any) -> None:
            """An argument with the default and the description that `RoundConfig` declares."""
            description = description_of(RoundConfig, name).replace("%", "%%")
            parser.add_argument(flag, default=default_of(RoundConfig, name), help=description, **more)

        parser.add_argument("--project", required=True, help="Slug of the project.")
        parser.add_argument("--protocol", required=True, choices=sorted(PROTOCOLS))
        add_setting("--redundancy", "redundancy", type=int)
        add_setting("--most-people", "most_people", type=int)
        add_setting("--gold-share", "gold_share", type=float)
        parser.add_argument("--select", default="all", help=f"Comma-separated terms: {TERMS}.")
        add_setting("--name", "name")
        add_setting("--lease-minutes", "lease_minutes", type=int)
        parser.add_argument(
            "--options",
            nargs="+",
            default=[],
            metavar="KEY=VALUE",
            help="The protocol's options: candidates=6 writes=false, or one JSON object.",
        )
        parser.add_argument("--hide-reference", action="store_true", help="Labelers do not see the reference answer.")
        parser.add_argument("--endpoint", default="", help="Name of the endpoint that samples candidates.")
        parser.add_argument("--guideline", type=int, help="Version of the guidelines; the newest by default.")
        parser.add_argument("--mode", default=Round.Mode.BLIND, choices=Round.Mode.values)
        parser.add_argument(
            "--labeler",
            action="append",
            default=[],
            metavar="EMAIL",
            help="Only for the labelers named by this option.",
        )
        parser.add_argument("--skill", action="append", default=[], help="Only for members who have this skill.")
        parser.add_argument(
            "--needs-screening", action="store_true", help=description_of(RoundConfig, "needs_screening")
        )
        parser.add_argument(
            "--kind", default=Round.Kind.WORK, choices=Round.Kind.values, help=description_of(RoundConfig, "kind")
        )
        add_setting("--pass-mark", "pass_mark", type=float)
        add_setting("--tries", "tries", type=int)
        parser.add_argument("--no-corrections", action="store_true", help="Labelers cannot correct their submissions.")
        parser.add_argument(
            "--fresh-eyes", action="store_true", help="Nobody gets a solution that they labeled before."
        )
        parser.add_argument("--draft", action="store_true", help="Only draft the round.")

    def perform(self, **options: Any) -> Result:
        project = Project.objects.named(options["project"])
        create = create_round if options["draft"] else open_round
        with self.stage("Drawing the tasks of the round"):
            round_ = create(
                project=project,
                protocol=options["protocol"],
                redundancy=options["redundancy"],
                most_people=options["most_people"],
                gold_share=options["gold_share"],
                select=options["select"],
                name=options["name"],
                lease_minutes=options["lease_minutes"],
                show_reference=not options["hide_reference"],
                mode=options["mode"],
                skills=options["skill"],
                needs_screening=options["needs_screening"],
                kind=options["kind"],
                pass_mark=options["pass_mark"],
                tries=options["tries"],
                allows_corrections=not options["no_corrections"],
                fresh_eyes=options["fresh_eyes"],
                **_references(project, options),
            )
        return {"number": round_.number, "tasks": round_.task_count}


def _references(project: Project, options: dict[str, Any]) -> dict[str, Any]:
    """The settings that are given by name. Raises DomainError naming what does not exist."""
    texts = options["options"]
    is_object = len(texts) == 1 and texts[0].lstrip().startswith("{")
    settings: dict[str, Any] = {
        "options": read_json_object(texts[0], field="options") if is_object else dict(_option(text) for text in texts)
    }
    if options["endpoint"]:
        settings["endpoint"] = endpoint_named_by_operator(options["endpoint"], project)
    if options["guideline"] is not None:
        settings["guideline"] = project.guidelines.filter(version=options["guideline"]).first()
        if settings["guideline"] is None:
            raise DomainError("There are no guidelines of this version.", fields={"guideline": "unknown"})
    emails = [email.lower() for email in options["labeler"]]
    settings["labelers"] = list(User.objects.filter(email__in=emails))
    if unknown := sorted(set(emails) - {user.email for user in settings["labelers"]}):
        raise DomainError("No such user.", fields={"labeler": f"unknown: {', '.join(unknown)}"})
    return settings
