"""A project's own prompts: texts of the box that somebody edited. They are stored with the judges that use them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from apps.judging.models import Judge
from apps.judging.prompts import PROMPTS, JudgePrompt, checked_prompt
from apps.projects.models import Project

_SUFFIX = "-own"


def own_prompts(project: Project) -> list[JudgePrompt]:
    """Prompts of the project's judges that are not in the box, by name, the newest version first. One query."""
    stored = Judge.objects.filter(project=project).exclude(prompt={}).order_by().values_list("prompt", flat=True)
    prompts = [checked_prompt(values) for values in stored.distinct()]
    own = [prompt for prompt in prompts if (prompt.name, prompt.version) not in PROMPTS]
    return sorted(own, key=lambda prompt: (prompt.name, -prompt.version))


def edited_prompt(project: Project, base: JudgePrompt, texts: Mapping[str, str]) -> JudgePrompt:
    """The prompt with these texts, by the names of their fields: the base if they are its own, else an own prompt.

    A text that the project has already keeps its version; a new one is the next version of its name. Raises DomainError
    with the field and the placeholder that is missing or unknown.
    """
    if all(getattr(base, field) == text for field, text in texts.items()):
        return base
    is_boxed = (base.name, base.version) in PROMPTS
    name = f"{base.name}{_SUFFIX}" if is_boxed else base.name
    versions = [prompt for prompt in own_prompts(project) if prompt.name == name]
    values: dict[str, Any] = msgspec.to_builtins(base) | dict(texts) | {"name": name}
    if is_boxed:
        values["title"] = f"{base.title}, own text"
    for prompt in versions:
        if prompt == checked_prompt(values | {"version": prompt.version}):
            return prompt
    return checked_prompt(values | {"version": max((prompt.version for prompt in versions), default=0) + 1})
