"""set_member EMAIL --project SLUG --role ROLE"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.db import transaction

from apps.accounts.models import User
from apps.core.commands import JsonCommand, Result
from apps.core.errors import DomainError
from apps.projects.models import Membership, Project, Role
from apps.projects.services import add_member, change_role


class Command(JsonCommand):
    help = "Give an account a role in a project, for instance when its owner has left."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("email")
        parser.add_argument("--project", required=True, help="Slug of the project.")
        parser.add_argument("--role", required=True, choices=Role.values)

    @transaction.atomic
    def perform(self, **options: Any) -> Result:
        project, role = Project.objects.named(options["project"]), options["role"]
        user = User.objects.filter(email__iexact=options["email"]).first()
        if user is None:
            raise DomainError(f"No account has the e-mail address {options['email']}.", fields={"email": "unknown"})
        member = Membership.objects.filter(project=project, user=user).first()
        if member is None:
            add_member(project=project, user=user, role=role)
        else:
            change_role(membership=member, role=role, actor=None)
        return {"email": user.email, "project": project.slug, "role": role}
