"""The keys of our canonical row, each with its place: what a mapping may name, and what nobody reads. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from apps.corpus.imports.readers.base import Row
from apps.corpus.imports.readers.fields import is_blank
from apps.corpus.records import RowError

# None: a value. An object: its keys. A list with one object: the keys of each object in it. ANYTHING: kept as it is.
ANYTHING: dict[str, Any] = {}
_PLACE = {"position": None, "candidate": None}
_SOLUTION = {
    "external_id": None,
    "source": None,
    "final_answer": None,
    "is_correct": None,
    "verifier_score": None,
    "separator": None,
    "text": None,
    "steps": [{**_PLACE, "text": None, "origin": None, "chosen": None}],
    "extras": ANYTHING,
}
_PERSON = {
    "labeler": None,
    "round": None,
    "protocol": None,
    "finish_reason": None,
    "reason": None,
    "submitted_at": None,
    "active_ms": None,
    "is_quality_control": None,
    "is_screening": None,
    "is_suspended": None,
    "role": None,
    "corrects": None,
    "corrected_by": None,
    "self_reviewed": None,
    "steps": [{**_PLACE, "rating": None, "unsure": None, "chosen": None}],
    "preference": {"choice": None, "margin": None, "rationale": None},
    "progress": None,
    "critiques": [
        {
            **_PLACE,
            "text": None,
            "origin": None,
            "source": None,
            "rating": None,
            "unsure": None,
            "chosen": None,
            "is_own": None,
        }
    ],
    "extras": ANYTHING,
}
ROW: dict[str, Any] = {
    "problem": {
        "external_id": None,
        "statement": None,
        "reference_answer": None,
        "reference_solution": None,
        "verifier": None,
        "subject": None,
        "level": None,
        "split": None,
        "extras": ANYTHING,
    },
    "solution": _SOLUTION,
    "comparison": {
        "left": _SOLUTION,
        "right": _SOLUTION,
        "left_step": _PLACE,
        "right_step": _PLACE,
        "external_id": None,
        "extras": ANYTHING,
    },
    "people": [_PERSON],
    "gold": {"steps": [{"position": None, "rating": None, "self_reviewed": None}]},
    "monte_carlo": [
        {
            "run": None,
            "completer": None,
            "strategy": None,
            "steps": [{"position": None, "rollouts": None, "successes": None, "missing": None, "hard": None}],
        }
    ],
    "judges": [
        {
            "judge": None,
            "version": None,
            "run": None,
            "steps": [{**_PLACE, "rating": None, "confidence": None, "reason": None}],
        }
    ],
    "first_error": None,
    "error_steps": None,
    "labels": None,
}


def unread_paths(row: Row) -> list[str]:
    """The paths of the row that hold something and that nobody reads: `problem.subjct`, `solution.steps[].note`."""
    return list(dict.fromkeys(_unread(row, ROW, "")))


def _unread(value: Mapping[str, Any], known: Mapping[str, Any], above: str) -> Iterator[str]:
    for name, inner in value.items():
        if name not in known:
            if not is_blank(inner):
                yield f"{above}{name}"
            continue
        keys = known[name]
        if isinstance(keys, list) and isinstance(inner, list):
            for item in inner:
                # Most steps hold what is known alone: these cost one comparison.
                if isinstance(item, dict) and (not item.keys() <= keys[0].keys() or not _is_flat(keys[0])):
                    yield from _unread(item, keys[0], f"{above}{name}[].")
        elif isinstance(keys, dict) and keys and isinstance(inner, dict):
            yield from _unread(inner, keys, f"{above}{name}.")


def _is_flat(keys: Mapping[str, Any]) -> bool:
    return all(value is None for value in keys.values())


def check_targets(targets: Collection[str]) -> None:
    """Raises RowError for a target that is no field of the canonical row, or that another one holds already."""
    for target in targets:
        if not _is_known(target.split("."), ROW):
            known = ", ".join(_all_targets(ROW, ""))
            raise RowError("mapping", f"there is no field {target!r} to map to; there are {known}")
        holder = next((other for other in targets if target.startswith(f"{other}.")), None)
        if holder is not None:
            raise RowError("mapping", f"{target!r} is a part of {holder!r}: map one of them")


def _is_known(names: list[str], keys: Any) -> bool:
    if not names or keys is ANYTHING:
        return all(names)
    return isinstance(keys, dict) and names[0] in keys and _is_known(names[1:], keys[names[0]])


def _all_targets(keys: Mapping[str, Any], above: str) -> Iterator[str]:
    for name, inner in keys.items():
        if isinstance(inner, dict) and inner:
            yield from _all_targets(inner, f"{above}{name}.")
        else:
            yield f"{above}{name}"
