"""open_round --project SLUG --protocol P [--redundancy R] [--gold-share G] [--select S]"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

import msgspec

from apps.core.commands import JsonCommand, Result
from apps.core.errors import DomainError
from apps.inference.models import Endpoint
from apps.labeling.protocols import PROTOCOLS
from apps.labeling.selection import TERMS
from apps.labeling.services import open_round
from apps.projects.models import Project


def _setting(text: str) -> tuple[str, Any]:
    """`candidates=6` is a number, `writes=false` a truth, everything else a text."""
    name, found, value = text.partition("=")
    if not found:
        raise DomainError(f"A setting is KEY=VALUE, not {text!r}.", fields={"options": f"not KEY=VALUE: {text}"})
    try:
        return name, msgspec.json.decode(value)
    except msgspec.DecodeError:
        return name, value


class Command(JsonCommand):
    help = "Open a round of labeling over a project's solutions."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--project", required=True, help="Slug.")
        parser.add_argument("--protocol", required=True, choices=sorted(PROTOCOLS))
        parser.add_argument("--redundancy", type=int, default=1, help="People per task.")
        parser.add_argument("--gold-share", type=float, default=0.0, help="Share of gold tasks served, 0 to 1.")
        parser.add_argument("--select", default="all", help=f"Comma-separated terms: {TERMS}.")
        parser.add_argument("--name", default="")
        parser.add_argument("--lease-minutes", type=int, default=20)
        parser.add_argument(
            "--options",
            nargs="+",
            default=[],
            metavar="KEY=VALUE",
            help="The protocol's settings: candidates=6 writes=false.",
        )
        parser.add_argument("--endpoint", help="Name of the endpoint that writes candidates.")
        parser.add_argument("--hide-reference", action="store_true", help="Labelers don't see the reference answer.")

    def perform(self, **options: Any) -> Result:
        project, endpoint = Project.objects.named(options["project"]), options["endpoint"]
        round_ = open_round(
            project=project,
            protocol=options["protocol"],
            redundancy=options["redundancy"],
            gold_share=options["gold_share"],
            select=options["select"],
            name=options["name"],
            lease_minutes=options["lease_minutes"],
            show_reference=not options["hide_reference"],
            options=dict(_setting(one) for one in options["options"]),
            endpoint=Endpoint.objects.named(endpoint, project) if endpoint else None,
        )
        return {"number": round_.number, "tasks": round_.task_count}
