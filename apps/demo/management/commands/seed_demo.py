"""seed_demo: create the demo project and its accounts."""

from __future__ import annotations

from typing import Any

from apps.accounts.models import User
from apps.core.commands import JsonCommand, Result
from apps.demo.seeding import ACCOUNTS, PASSWORD, seed_demo


class Command(JsonCommand):
    help = "Create the demo project and its accounts, if they do not exist yet."

    def perform(self, **options: Any) -> Result:
        line = self.progress_line
        try:
            project = seed_demo(report=line.show)
        finally:
            line.clear()
        emails = [account.email for account in ACCOUNTS]
        existing = set(User.objects.filter(email__in=emails).values_list("email", flat=True))
        accounts = [
            {"email": account.email, "password": PASSWORD, "role": account.role.value}
            for account in ACCOUNTS
            if account.email in existing
        ]
        return {"project": project.slug, "solutions": project.solutions.count(), "accounts": accounts}

    def report(self, result: Result) -> None:
        for account in result["accounts"]:
            self.stdout.write(f"{account['role']:<9} {account['email']:<24} {account['password']}")
