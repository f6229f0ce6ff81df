"""push_export EXPORT --repository OWNER/NAME [--public]"""

from __future__ import annotations

import os
from argparse import ArgumentParser
from typing import Any

from apps.core.commands import JsonCommand, Result
from apps.core.errors import DomainError, NotFound
from apps.core.jobs.model import JobStatus
from apps.core.terminal import ask_secret
from apps.exports.hub.services import push_export, run_push
from apps.exports.models import Export


class Command(JsonCommand):
    help = (
        "Push the files of a finished export to a dataset repository of the Hub. The token is read from HF_TOKEN, or the "
        "terminal asks for it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("export", type=int, help="Number of the export.")
        parser.add_argument("--repository", required=True, help="OWNER/NAME; it is made if there is none.")
        parser.add_argument("--public", action="store_true", help="For everyone; by default the repository is private.")

    def perform(self, **options: Any) -> Result:
        export = Export.objects.filter(pk=options["export"]).first()
        if export is None:
            raise NotFound(f"There is no export {options['export']}.")
        token = os.environ.get("HF_TOKEN") or ask_secret("Token of the Hub", field="token", option="HF_TOKEN")
        push = push_export(
            export=export,
            repository=options["repository"],
            token=token,
            is_private=not options["public"],
            enqueue=False,
        )
        with self.stage(f"Pushing {push.total or 0:,} bytes to {push.repository}"):
            push = run_push(push_id=push.pk)
        if push.status != JobStatus.FINISHED:
            raise DomainError(push.error or f"The push is {push.status}.")
        return {"push": push.pk, "repository": push.repository, "commit": push.commit, "url": push.url}
