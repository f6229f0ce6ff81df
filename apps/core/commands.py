"""The base of the management commands: `--json`, errors as sentences, and progress on a terminal."""

from __future__ import annotations

import gc
from abc import abstractmethod
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandError

from apps.core.errors import DomainError
from apps.core.jobs.model import Job
from apps.core.terminal import ProgressLine, watching

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

    def watching(self, job: Job, *, unit: str, counter: str = "done") -> AbstractContextManager[None]:
        """Show the progress of a job on standard error, if that is a terminal, until the block ends."""
        return watching(job, self.progress_line, unit=unit, counter=counter)

    @contextmanager
    def stage(self, message: str) -> Iterator[None]:
        """Show on standard error, if that is a terminal, what is being done until the block ends."""
        self.progress_line.show(message)
        try:
            yield
        finally:
            self.progress_line.clear()

    @property
    def progress_line(self) -> ProgressLine:
        return ProgressLine(self.stderr)
