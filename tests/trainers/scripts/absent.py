"""Modules that a trainer imports and that no text needs: their builds in the package index load CUDA's libraries."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


class Absent(ModuleType):
    """Every name can be imported from it. What it stands for fails when it is used."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {"__init__": self._refuse})

    def _refuse(self, *_: Any, **__: Any) -> None:
        raise ImportError(f"{self} is not installed here.")


def pretend(*names: str) -> None:
    for name in names:
        module = Absent(name)
        module.__spec__ = ModuleSpec(name, None)
        module.__path__ = []
        sys.modules[name] = module
