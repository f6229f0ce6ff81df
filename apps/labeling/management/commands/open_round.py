"""open_round --project SLUG --protocol P [--redundancy R] [--gold-share G] [--select S]"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from apps.accounts.models import User
from apps.core.commands import JsonCommand, Result
from apps.core.errors import DomainError
from apps.core.json_input import read_json, read_json_object
from apps.inference.grants import endpoint_named_by_operator
from apps.labeling.models import Round
from apps.labeling.protocols import PROTOCOLS
from apps.labeling.rounds.config import PASS_MARK
from apps.labeling.rounds.selection import TERMS
from apps.labeling.rounds.services import create_round, open_round
from apps.projects.models import Project


def _setting(text: str) -> tuple[str, Any]:
    """`candidates=6` is a number, `writes=false` a truth, everything else a text."""
    name, found, value = text.partition("=")
    if not found:
        raise DomainError(f"A setting is KEY=VALUE, not {text!r}.", fields={"options": f"not KEY=VALUE: {text}"})
    try:
        return name, read_json(value, field=name)
    except DomainError:
        return name, value


class Command(JsonCommand):
    help = "Open a round of labeling over a project's solutions."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--project", required=True, help="Slug.")
        parser.add_argument("--protocol", required=True, choices=sorted(PROTOCOLS))
        parser.add_argument("--redundancy", type=int, default=1, help="People per task.")
        parser.add_argument("--most-people", type=int, help="Where people do not agree, up to so many are asked.")
        parser.add_argument("--gold-share", type=float, default=0.0, help="Share of gold tasks served, 0 to 1.")
        parser.add_argument("--select", default="all", help=f"Comma-separated terms: {TERMS}.")
        parser.add_argument("--name", default="")
        parser.add_argument("--lease-minutes", type=int, default=20)
        parser.add_argument(
            "--options",
            nargs="+",
            default=[],
            metavar="KEY=VALUE",
            help="The protocol's settings: candidates=6 writes=false, or one JSON object.",
        )
        parser.add_argument("--hide-reference", action="store_true", help="Labelers don't see the reference answer.")
        parser.add_argument("--endpoint", default="", help="Name of the endpoint that continues prefixes.")
        parser.add_argument("--guideline", type=int, help="Version; else the newest.")
        parser.add_argument("--mode", default=Round.Mode.BLIND, choices=Round.Mode.values)
        parser.add_argument("--labeler", action="append", default=[], metavar="EMAIL", help="Only those named so.")
        parser.add_argument("--skill", action="append", default=[], help="Only members who have it.")
        parser.add_argument("--needs-screening", action="store_true", help="Only who has passed the screening.")
        parser.add_argument("--screening", action="store_true", help="A test over gold, before real work.")
        parser.add_argument("--pass-mark", type=float, help=f"Of a screening: share of agreement, else {PASS_MARK}.")
        parser.add_argument("--tries", type=int, default=1, help="Of a screening.")
        parser.add_argument("--no-corrections", action="store_true", help="What was submitted stands.")
        parser.add_argument("--draft", action="store_true", help="Only draft it.")

    def perform(self, **options: Any) -> Result:
        project = Project.objects.named(options["project"])
        make = create_round if options["draft"] else open_round
        round_ = make(
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
            is_screening=options["screening"],
            pass_mark=options["pass_mark"],
            tries=options["tries"],
            allows_corrections=not options["no_corrections"],
            **_pointed_at(project, options),
        )
        return {"number": round_.number, "tasks": round_.task_count}


def _pointed_at(project: Project, options: dict[str, Any]) -> dict[str, Any]:
    """What is given by name. Raises DomainError naming what there is not."""
    found: dict[str, Any] = {"options": _options(options["options"])}
    if options["endpoint"]:
        found["endpoint"] = endpoint_named_by_operator(options["endpoint"], project)
    if options["guideline"] is not None:
        found["guideline"] = project.guidelines.filter(version=options["guideline"]).first()
        if found["guideline"] is None:
            raise DomainError("There are no guidelines of this version.", fields={"guideline": "unknown"})
    emails = [email.lower() for email in options["labeler"]]
    found["labelers"] = list(User.objects.filter(email__in=emails))
    if unknown := sorted(set(emails) - {user.email for user in found["labelers"]}):
        raise DomainError("Nobody is known so.", fields={"labeler": f"unknown: {', '.join(unknown)}"})
    return found


def _options(words: Sequence[str]) -> dict[str, Any]:
    """`candidates=6 writes=false`, or one JSON object."""
    if len(words) != 1 or not words[0].lstrip().startswith("{"):
        return dict(_setting(word) for word in words)
    return read_json_object(words[0], field="options")
