"""grant_endpoint NAME --project SLUG ... [--revoke] | --all"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from apps.core.commands import JsonCommand, Result
from apps.core.errors import DomainError
from apps.inference.grants import grant_endpoint, revoke_endpoint, share_endpoint
from apps.inference.models import Endpoint
from apps.projects.models import Project


class Command(JsonCommand):
    help = "Grant projects the use of an endpoint of the installation, or revoke the grant."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("name")
        parser.add_argument("--project", action="append", default=[], help="Slug of a project; repeatable.")
        parser.add_argument("--all", action="store_true", help="Every project, including future ones.")
        parser.add_argument("--revoke", action="store_true", help="Revoke the grants of these projects, or of all.")

    def perform(self, **options: Any) -> Result:
        endpoint = Endpoint.objects.filter(project=None, name=options["name"]).first()
        if endpoint is None:
            raise DomainError(
                f"The installation has no endpoint {options['name']!r}.", code="not_found", fields={"name": "unknown"}
            )
        if not options["project"] and not options["all"]:
            raise DomainError("Pass --project or --all.", fields={"project": "missing"})
        projects = [Project.objects.named(slug) for slug in options["project"]]
        change = revoke_endpoint if options["revoke"] else grant_endpoint
        change(endpoint=endpoint, projects=projects)
        if options["all"]:
            share_endpoint(endpoint=endpoint, with_all=not options["revoke"])
        return {
            "name": endpoint.name,
            "all": endpoint.for_all,
            "projects": sorted(endpoint.granted_to.values_list("slug", flat=True)),
        }
