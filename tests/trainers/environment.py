"""Environments of the trainers: made by uv at first use from exact versions, kept in `.annotate-trainers/`."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
HOME = Path(os.environ.get("ANNOTATE_TRAINERS_HOME", ROOT / ".annotate-trainers"))
UV = ROOT / ".tools" / "bin" / "uv"

# No trainer asks the network for anything: models, tokenizers and data are made here.
QUIET = {
    "AXOLOTL_DO_NOT_TRACK": "1",
    "CUDA_VISIBLE_DEVICES": "",
    "DISABLE_VERSION_CHECK": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "WANDB_MODE": "disabled",
}


class ScriptError(AssertionError):
    """A script ended with an error; the message holds the end of what it printed."""


def python_of(name: str) -> Path:
    """The interpreter of an environment, which is made anew when its exact versions have changed."""
    lock, folder = HERE / "environments" / f"{name}.txt", HOME / name
    stamp, digest = folder / "made-of", hashlib.sha256(lock.read_bytes()).hexdigest()
    python = folder / "bin" / "python"
    if not stamp.exists() or stamp.read_text() != digest:
        shutil.rmtree(folder, ignore_errors=True)
        uv = str(UV if UV.exists() else shutil.which("uv"))
        subprocess.run([uv, "venv", "--quiet", "--python", "3.11", str(folder)], check=True)
        install = [uv, "pip", "install", "--quiet", "--no-deps", "--python", str(python), *_torch_source()]
        subprocess.run([*install, "--requirement", str(lock)], check=True)
        stamp.write_text(digest)
    return python


def _torch_source() -> list[str]:
    """Where the CPU build of torch comes from: pip's own setting for local wheels, else PyTorch's index."""
    setting = [sys.executable, "-m", "pip", "config", "get", "global.find-links"]
    local = os.environ.get("PIP_FIND_LINKS") or subprocess.run(setting, capture_output=True, text=True).stdout.strip()
    return ["--find-links", local] if local else ["--torch-backend", "cpu"]


def run_script(script: str, environment: str, *arguments: str, home: Path, timeout: int = 1800) -> dict[str, Any]:
    """What a script says of itself: the JSON object on the last line that it prints."""
    home.mkdir(parents=True, exist_ok=True)
    python = python_of(environment)
    finished = subprocess.run(
        [str(python), str(HERE / "scripts" / f"{script}.py"), *arguments],
        cwd=home,
        env=os.environ
        | QUIET
        | {"HF_HOME": str(home / "hugging-face"), "PATH": f"{python.parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    (home / f"{script}.log").write_text(finished.stdout + finished.stderr)
    if finished.returncode:
        raise ScriptError(f"{script} ended with {finished.returncode}:\n{(finished.stdout + finished.stderr)[-6000:]}")
    report: dict[str, Any] = json.loads(finished.stdout.rstrip().splitlines()[-1])
    return report
