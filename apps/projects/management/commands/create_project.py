"""create_project SLUG [--name N] [--owner EMAIL]"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from apps.accounts.models import User
from apps.core.commands import JsonCommand, Result
from apps.core.errors import DomainError
from apps.projects.services import create_project


class Command(JsonCommand):
    help = "Create a project."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("slug")
        parser.add_argument("--name", default="", help="Display name; the slug by default.")
        parser.add_argument("--owner", help="E-mail address of the owner's account.")

    def perform(self, **options: Any) -> Result:
        owner = None
        if options["owner"]:
            owner = User.objects.filter(email__iexact=options["owner"]).first()
            if owner is None:
                raise DomainError(f"No account has the e-mail address {options['owner']}.", fields={"owner": "unknown"})
        project = create_project(slug=options["slug"], name=options["name"], owner=owner)
        return {"slug": project.slug, "name": project.name, "owner": owner.email if owner else None}
