"""The prompts in the box, one file for each prompt and version. A new one is a file; a changed text is a new version."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

from apps.core.errors import DomainError
from apps.judging.prompts.check import checked_prompt
from apps.judging.prompts.prompt import JudgePrompt

__all__ = ["PROMPTS", "JudgePrompt", "checked_prompt", "newest_prompts", "prompt_of"]


def _read(path: Path) -> JudgePrompt:
    values = tomllib.loads(path.read_text(encoding="utf-8"))
    if "schema" in values:
        values["schema"] = json.loads(values["schema"])
    return checked_prompt(values)


_FILES = sorted(Path(__file__).parent.glob("*.toml"))
PROMPTS: dict[tuple[str, int], JudgePrompt] = {(prompt.name, prompt.version): prompt for prompt in map(_read, _FILES)}


def prompt_of(name: str, version: int | None = None) -> JudgePrompt:
    """The prompt of this name, by default its newest version. Raises DomainError for one that does not exist."""
    versions = [number for known, number in PROMPTS if known == name]
    if not versions:
        names = ", ".join(sorted({known for known, _ in PROMPTS}))
        raise DomainError(f"Unknown prompt {name!r}.", fields={"prompt": f"must be one of {names}"})
    if version is not None and version not in versions:
        known = ", ".join(map(str, sorted(versions)))
        raise DomainError(f"The prompt {name} has no version {version}.", fields={"version": f"must be one of {known}"})
    return PROMPTS[name, max(versions) if version is None else version]


def newest_prompts(kind: str | None = None) -> list[JudgePrompt]:
    """The newest version of each prompt, of one kind or of all."""
    names = sorted({name for name, _ in PROMPTS})
    return [prompt for prompt in map(prompt_of, names) if kind in {None, prompt.kind}]
