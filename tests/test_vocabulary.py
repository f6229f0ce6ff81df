"""The code keeps to the words of docs/glossary.md, and one class name is one class."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULES = {
    str(path.relative_to(ROOT)): ast.parse(path.read_text())
    for folder in ("apps", "annotate")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if "migrations" not in path.parts
}

# Parts of names that the glossary replaces, and the modules in which the word has another, ordinary meaning.
BANNED: dict[str, tuple[str, ...]] = {
    "turn": ("apps/corpus/imports/readers/", "apps/exports/labels/prompts.py"),  # of a dialogue
    "turns": ("apps/corpus/imports/readers/", "apps/exports/labels/prompts.py"),
    "seat": (),
    "seats": (),
    "sheet": (),
    "sink": (),
    "sinks": (),
    "mend": (),
    "mended": (),
    "anew": (),
    "voice": (),
    "voices": (),
    "stands": (),
    "standing": (),
    "stood": (),
    "spoken": (),
    "heard": (),
    "told": (),
    "said": (),
    "sayings": (),
    "aftermath": (),
    "stamina": (),
    "hindrance": (),
    "sitting": (),
    "doorway": (),
    "landed": (),
    "landing": (),
}
# Registered plug-ins are named after what they implement, in each registry.
PLUG_INS = re.compile(
    r"apps/(corpus/imports/readers|exports/formats|estimation/strategies|quality/aggregation|labeling/protocols|verifiers"
    r"|judging/(kinds|parsers))/"
)
DJANGOS_OWN = {"Meta", "Command", "Media"}


def names_of(tree: ast.Module) -> set[str]:
    """Every name that a module defines: classes, functions, arguments, variables and attributes."""
    names = {
        name.name for name in ast.walk(tree) if isinstance(name, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    }
    names |= {argument.arg for argument in ast.walk(tree) if isinstance(argument, ast.arg)}
    names |= {name.id for name in ast.walk(tree) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)}
    names |= {
        name.attr for name in ast.walk(tree) if isinstance(name, ast.Attribute) and isinstance(name.ctx, ast.Store)
    }
    return names


def words_of(name: str) -> set[str]:
    """`lock_seat` and `LockedSeat` both have the word `seat`."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}


def test_names_use_the_words_of_the_glossary() -> None:
    found = [
        f"{module}: {name}"
        for module, tree in MODULES.items()
        for name in sorted(names_of(tree))
        for word in words_of(name) & set(BANNED)
        if not any(module.startswith(folder) for folder in BANNED[word])
    ]
    assert found == []


def test_a_class_name_is_one_class() -> None:
    """Nested classes aside: Django's `Meta` and a model's choices are named within their model."""
    modules: defaultdict[str, list[str]] = defaultdict(list)
    for module, tree in MODULES.items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and node.name not in DJANGOS_OWN and not PLUG_INS.match(module):
                modules[node.name].append(module)
    assert {name: found for name, found in modules.items() if len(found) > 1} == {}


def test_modules_are_nouns_or_verb_and_object() -> None:
    terms = {
        "labeling",
        "judging",
        "grading",
        "sampling",
        "splitting",
        "seeding",
        "branching",
        "screening",
        "scoring",
        "throttling",
        "training",
    }
    gerunds = [module for module in MODULES if (stem := Path(module).stem).endswith("ing") and stem not in terms]
    assert gerunds == []


def test_the_formatter_has_no_exceptions() -> None:
    skips = [module for module in MODULES if re.search(r"#\s*fmt:\s*(skip|off)", (ROOT / module).read_text())]
    assert skips == []
