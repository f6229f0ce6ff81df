"""create_user EMAIL [--password P] [--project SLUG --role R]"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.db import transaction

from apps.accounts.services import create_user
from apps.core.commands import JsonCommand, Result
from apps.core.terminal import ask_secret
from apps.projects.models import Project, Role
from apps.projects.services import add_member


class Command(JsonCommand):
    help = "Create an account that can sign in at once, and add it to a project if one is named."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("email")
        parser.add_argument("--password", help="Process lists show it; without this the terminal asks for it.")
        parser.add_argument("--name", default="")
        parser.add_argument("--project", help="Slug of a project to join.")
        parser.add_argument("--role", choices=Role.values, default=Role.LABELER.value)
        parser.add_argument("--staff", action="store_true", help="May open the admin, with all rights.")

    def perform(self, **options: Any) -> Result:
        if options["password"] is None:
            # Before the transaction: a person may take their time.
            options["password"] = ask_secret("Password", field="password", option="--password", repeat=True)
        return self._create(**options)

    @staticmethod
    @transaction.atomic
    def _create(**options: Any) -> Result:
        user = create_user(
            email=options["email"], password=options["password"], name=options["name"], is_staff=options["staff"]
        )
        if options["project"]:
            add_member(project=Project.objects.named(options["project"]), user=user, role=options["role"])
        return {
            "email": user.email,
            "project": options["project"],
            "role": options["role"] if options["project"] else None,
        }
