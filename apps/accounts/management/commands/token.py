"""token EMAIL [--scopes a,b]"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from apps.accounts.models import ApiToken, User
from apps.accounts.services import issue_token
from apps.core.commands import JsonCommand, Result
from apps.core.errors import DomainError


class Command(JsonCommand):
    help = "Print a new API token. It is shown only once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("email")
        parser.add_argument("--scopes", default=",".join(ApiToken.Scope.values), help="Comma-separated.")
        parser.add_argument("--name", default="", help="A name for the token.")

    def perform(self, **options: Any) -> Result:
        user = User.objects.filter(email__iexact=options["email"], is_active=True).first()
        if user is None:
            raise DomainError(f"No account has the e-mail address {options['email']}.", fields={"email": "unknown"})
        scopes = [scope.strip() for scope in options["scopes"].split(",") if scope.strip()]
        token, secret = issue_token(user=user, scopes=scopes, name=options["name"])
        return {"token": secret, "email": user.email, "scopes": token.scopes}

    def report(self, result: Result) -> None:
        self.stdout.write(result["token"])
