"""Brings the database up to date and seeds the demo: all that needs Django before the servers start.

    python -m annotate.prepare

One process for both, as most of a short command's time is importing the project. Prints what seed_demo
prints, or nothing where the demo is not wanted.
"""

from __future__ import annotations

import os

import django
from django.core.management import call_command

from annotate.env import load


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotate.settings")
    django.setup()
    call_command("migrate", verbosity=0)
    if load().wants_demo:
        call_command("seed_demo", json=True)


if __name__ == "__main__":
    main()
