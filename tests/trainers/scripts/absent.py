"""Modules that a trainer imports and that no text needs: their builds in the package index load CUDA's libraries."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType


def pretend(*names: str) -> None:
    """Empty modules in their place, so that importing them succeeds."""
    for name in names:
        module = ModuleType(name)
        module.__spec__ = ModuleSpec(name, None)
        module.__path__ = []
        sys.modules[name] = module
