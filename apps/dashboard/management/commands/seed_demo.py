"""seed_demo: the demo project, once."""

from __future__ import annotations

from typing import Any

from apps.core.commands import JsonCommand, Result
from apps.dashboard.seeding import ACCOUNTS, PASSWORD, seed_demo


class Command(JsonCommand):
    help = "Make the demo project with its three accounts. Where it stands already, nothing changes."

    def perform(self, **options: Any) -> Result:
        project = seed_demo()
        accounts = [{"email": one.email, "password": PASSWORD, "role": one.role.value} for one in ACCOUNTS]
        return {"project": project.slug, "solutions": project.solutions.count(), "accounts": accounts}

    def report(self, result: Result) -> None:
        for account in result["accounts"]:
            self.stdout.write(f"{account['role']:<9} {account['email']:<24} {account['password']}")
