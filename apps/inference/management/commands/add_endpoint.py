"""add_endpoint NAME --url URL --model M [--api-key K | --ask-key] [--max-in-flight N]"""

from __future__ import annotations

import os
from argparse import ArgumentParser
from typing import Any

from django.db import transaction

from apps.core.commands import JsonCommand, Result
from apps.core.terminal import ask_secret
from apps.inference.grants import grant_endpoint, share_endpoint
from apps.inference.models import Endpoint
from apps.inference.services import add_endpoint, check_endpoint
from apps.inference.transports import TRANSPORTS
from apps.projects.models import Project


class Command(JsonCommand):
    help = "Add an OpenAI-compatible endpoint, to one project or to the installation."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("name")
        parser.add_argument("--url", required=True, help="Base URL, as in http://127.0.0.1:8080/v1")
        parser.add_argument("--model", required=True)
        parser.add_argument(
            "--api-key", default=None, help="By default read from ENDPOINT_API_KEY, which process lists do not show."
        )
        parser.add_argument("--ask-key", action="store_true", help="Ask for the API key on the terminal.")
        parser.add_argument(
            "--max-in-flight", type=int, default=64, help="Concurrent requests of all workers together."
        )
        parser.add_argument(
            "--project", default="", help="Slug of the project that owns it; by default the installation."
        )
        parser.add_argument(
            "--grant",
            action="append",
            default=[],
            help="Slug of a project that may use an endpoint of the installation; repeatable. By default each existing "
            "project.",
        )
        parser.add_argument("--for-all", action="store_true", help="Every project may use it, including future ones.")
        parser.add_argument("--transport", default="completions", choices=sorted(TRANSPORTS))
        parser.add_argument("--problem-template", default=None, help="The prompt; must contain {problem}.")
        parser.add_argument(
            "--prefix-end", default=None, help=r"Text after the last step of a prefix; \n is a line end."
        )
        parser.add_argument("--price-in", default=None, help="Price per million prompt tokens.")
        parser.add_argument("--price-out", default=None, help="Price per million completion tokens.")
        parser.add_argument("--check", action="store_true", help="Check it with a request for a few tokens.")

    @staticmethod
    def _grant(endpoint: Endpoint, options: dict[str, Any]) -> list[str]:
        """Grant it to the named projects, or to each existing one: a future project needs a grant of its own."""
        named = [Project.objects.named(slug) for slug in options["grant"]]
        projects = named or ([] if options["for_all"] else list(Project.objects.order_by("slug")))
        grant_endpoint(endpoint=endpoint, projects=projects)
        share_endpoint(endpoint=endpoint, with_all=options["for_all"])
        return [project.slug for project in projects]

    def perform(self, **options: Any) -> Result:
        if options["ask_key"] and options["api_key"] is None:
            # Before the transaction: a person may take their time.
            options["api_key"] = ask_secret("API key", field="api_key", option="ENDPOINT_API_KEY")
        return self._add(**options)

    @transaction.atomic
    def _add(self, **options: Any) -> Result:
        names = ("transport", "max_in_flight", "problem_template", "prefix_end", "price_in", "price_out")
        settings = {name: options[name] for name in names if options[name] is not None}
        for name in ("problem_template", "prefix_end"):
            if name in settings:
                settings[name] = settings[name].replace("\\n", "\n")
        key = options["api_key"] if options["api_key"] is not None else os.environ.get("ENDPOINT_API_KEY", "")
        endpoint = add_endpoint(
            name=options["name"],
            url=options["url"],
            model=options["model"],
            project=Project.objects.named(options["project"]) if options["project"] else None,
            api_key=key,
            settings=settings,
            # The user of the shell is the operator.
            is_vouched=True,
        )
        granted = [] if options["project"] else self._grant(endpoint, options)
        result: Result = {"id": endpoint.pk, "name": endpoint.name, "url": endpoint.url, "model": endpoint.model}
        result["granted_to"] = "all" if endpoint.for_all else granted
        if options["check"]:
            result["check"] = check_endpoint(endpoint=endpoint).check_error or "it works"
        return result
