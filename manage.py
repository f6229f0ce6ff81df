#!/usr/bin/env python
"""Annotate's commands. Starts the embedded servers for its own time when they are needed and not up."""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext

# These look at code and files only.
NEEDS_NO_SERVER = {"help", "version", "collectstatic", "spectacular", "--help", "-h", "--version", "check"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotate.settings")
    from django.core.management import execute_from_command_line
    from django.db import OperationalError

    from annotate.embedded import EmbeddedError, servers

    words = set(sys.argv[1:2]) | (set(sys.argv[2:]) & {"--help", "-h"}) or {"help"}
    try:
        with nullcontext() if words & NEEDS_NO_SERVER else servers():
            execute_from_command_line(sys.argv)
    except EmbeddedError as error:
        sys.exit(f"annotate: {error}")
    except OperationalError as error:
        sys.exit(f"annotate: PostgreSQL says: {' '.join(str(error).split())}")


if __name__ == "__main__":
    main()
