#!/usr/bin/env python
"""Annotate's commands. Starts the embedded servers for its own time when a command needs them and they are not up."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import AbstractContextManager, nullcontext

# These read code and files only.
NEED_NO_SERVER = {"help", "version", "--version", "collectstatic", "spectacular", "check"}
HELP = {"-h", "--help"}


def main() -> None:
    # The garbage collector would walk the modules a dozen times while they load.
    gc.set_threshold(50_000)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotate.settings")
    from django.core.management import execute_from_command_line
    from django.db import OperationalError

    from annotate.local.errors import LocalError

    try:
        with servers_for(sys.argv[1:]):
            execute_from_command_line(sys.argv)
    except LocalError as error:
        sys.exit(f"annotate: {error}")
    except OperationalError as error:
        sys.exit(f"annotate: PostgreSQL says: {' '.join(str(error).split())}")


def servers_for(arguments: list[str]) -> AbstractContextManager[object]:
    """The embedded servers where the command needs them and no URL names others. Importing them takes long."""
    if not arguments or arguments[0] in NEED_NO_SERVER or HELP.intersection(arguments):
        return nullcontext()
    from annotate.env import load

    env = load()
    if env.database_url and env.redis_url:
        return nullcontext()
    from annotate.local.servers import servers

    return servers()


if __name__ == "__main__":
    main()
