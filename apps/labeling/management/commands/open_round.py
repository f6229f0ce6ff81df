"""open_round --project SLUG --protocol P [--redundancy R] [--gold-share G] [--select S]"""

from __future__ import annotations

import json
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from apps.core.commands import JsonCommand, Result
from apps.labeling.protocols import PROTOCOLS
from apps.labeling.selection import TERMS
from apps.labeling.services import open_round
from apps.projects.models import Project


def settings(text: str) -> dict[str, Any]:
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ArgumentTypeError("expected a JSON object")
    return found


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
        parser.add_argument("--hide-reference", action="store_true", help="Labelers don't see the reference answer.")
        parser.add_argument("--options", type=settings, default="{}", help="The protocol's settings, as JSON.")

    def perform(self, **options: Any) -> Result:
        round_ = open_round(
            project=Project.objects.named(options["project"]),
            protocol=options["protocol"],
            redundancy=options["redundancy"],
            gold_share=options["gold_share"],
            select=options["select"],
            name=options["name"],
            lease_minutes=options["lease_minutes"],
            show_reference=not options["hide_reference"],
            options=options["options"],
        )
        return {"number": round_.number, "tasks": round_.task_count}
