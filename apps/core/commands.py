"""The base of the management commands: `--json`, and errors as sentences."""

from __future__ import annotations

import gc
import sys
from abc import abstractmethod
from argparse import ArgumentParser
from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandError

from apps.core.errors import DomainError

Result = dict[str, Any]


class JsonCommand(BaseCommand):
    """`perform` does the work and returns the result; `--json` prints it as one object, last."""

    # Django's checks load every page, the API and the admin. `make check` and `manage.py check` run them.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="Print one JSON object last.")

    def handle(self, *args: Any, **options: Any) -> None:
        # A command may read millions of rows: freeze the loaded objects, so that the collector skips them.
        gc.freeze()
        try:
            result = self.perform(**options)
        except DomainError as error:
            details = "; ".join(f"{name}: {text}" for name, text in error.fields.items())
            raise CommandError(f"{error.message} ({details})" if details else error.message) from error
        if options["json"]:
            self.stdout.write(msgspec.json.encode(result).decode())
        else:
            self.report(result)

    @abstractmethod
    def perform(self, **options: Any) -> Result:
        """Do the work and return the result."""

    def report(self, result: Result) -> None:
        """Print the result for people."""
        for name, value in result.items():
            self.stdout.write(f"{name.replace('_', ' ')}: {value}")

    def note(self, message: str) -> None:
        """Show progress on standard error, if that is a terminal."""
        if sys.stderr.isatty():
            self.stderr.write(f"\r\x1b[K{message}", ending="")
