"""Migrates the database and seeds the demo: everything that needs Django before the web server starts.

    python -m annotate.local.prepare [--reasoner-url URL --prm-url URL --critic-url URL]

One process does both, as importing the project takes most of a short command's time. Prints the output of
seed_demo, or nothing where the demo is not wanted.
"""

from __future__ import annotations

import argparse
import os
import sys

import django
from django.core.management import call_command
from django.db import DatabaseError, connection

from annotate.env import load


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotate.settings")
    django.setup()
    parser = argparse.ArgumentParser()
    parser.add_argument("--reasoner-url", default="", help="Where the bundled model is served in this run.")
    parser.add_argument("--prm-url", default="", help="Where the bundled reward model is served in this run.")
    parser.add_argument("--critic-url", default="", help="Where the bundled critic is served in this run.")
    arguments = parser.parse_args()
    try:
        prepare(arguments.reasoner_url, arguments.prm_url, arguments.critic_url)
    except DatabaseError as error:
        sys.exit(f"annotate: PostgreSQL reports: {' '.join(str(error).split())}")


def refuse_unknown_migrations() -> None:
    """Older code on a newer database would write rows that the newer code takes for complete."""
    from apps.core.db.migration_state import unknown_migrations

    if unknown := unknown_migrations(connection):
        sys.exit(
            f"annotate: The database was made by another Annotate: it has {', '.join(unknown[:3])}"
            f"{' and more' if len(unknown) > 3 else ''}, which this version does not know. "
            "If that Annotate is newer, start it instead. If it is a development version from before 0.1, export its projects "
            "with it (`export --format annotate`) and import them into a new database. Nothing was changed."
        )


def prepare(reasoner_url: str, prm_url: str, critic_url: str) -> None:
    from apps.demo.seeding import register_critic, register_prm, register_reasoner

    refuse_unknown_migrations()
    call_command("migrate", verbosity=0)
    for register, url in ((register_reasoner, reasoner_url), (register_prm, prm_url), (register_critic, critic_url)):
        if url:
            register(url=url)
    if load().wants_demo:
        call_command("seed_demo", json=True)
        if reasoner_url:
            from apps.demo.seeding import create_word_problems
            from apps.demo.tasks import sample_demo_solutions

            create_word_problems()
            sample_demo_solutions.delay()


if __name__ == "__main__":
    main()
