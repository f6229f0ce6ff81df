"""seed_demo: the demo project, once."""

from __future__ import annotations

from typing import Any

from apps.accounts.models import User
from apps.core.commands import JsonCommand, Result
from apps.demo.seeding import ACCOUNTS, PASSWORD, seed_demo


class Command(JsonCommand):
    help = "Make the demo project with its accounts. Where it stands already, nothing changes."

    def perform(self, **options: Any) -> Result:
        project = seed_demo()
        known = set(User.objects.values_list("email", flat=True).filter(email__in=[one.email for one in ACCOUNTS]))
        accounts = [
            {"email": one.email, "password": PASSWORD, "role": one.role.value} for one in ACCOUNTS if one.email in known
        ]
        return {"project": project.slug, "solutions": project.solutions.count(), "accounts": accounts}

    def report(self, result: Result) -> None:
        for account in result["accounts"]:
            self.stdout.write(f"{account['role']:<9} {account['email']:<24} {account['password']}")
