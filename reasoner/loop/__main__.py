"""`make loop`: prints best-of-N of the reward models that are trained on labels made here, and writes it to a folder."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

FOLDER = Path(".annotate-loop")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m reasoner.loop", description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="For data, files and models; must be new or empty.")
    parser.add_argument(
        "--small", action="store_true", help="Few problems and one seed, to see that it runs; the figures mean nothing."
    )
    parser.add_argument("--selection", action="store_true", help="Also compare ways to choose what is labeled.")
    arguments = parser.parse_args()
    if arguments.small and arguments.selection:
        parser.error("--small has too few solutions for --selection")
    folder = arguments.folder.resolve()
    if folder.exists() and any(folder.iterdir()):
        sys.exit(f"loop: {folder} must be new or empty, so that nothing of an earlier run is used.")
    folder.mkdir(parents=True, exist_ok=True)
    # Before the product is imported, which reads it.
    os.environ["ANNOTATE_HOME"] = str(folder / "home")
    from reasoner.loop.run import run

    # So that it leaves no server behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))

    run(folder, is_small=arguments.small, has_selection=arguments.selection)


if __name__ == "__main__":
    main()
