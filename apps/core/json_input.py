"""JSON that somebody sent: read within bounds, or refused by a sentence that names the place. The one home of that rule.

What passes here can be stored: no NUL and no half of a surrogate pair, which PostgreSQL takes in no text, no number
that no column holds, and no nesting that code which walks the value would run out of stack on.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

from apps.core.errors import DomainError

MOST_DEPTH = 64
BIGGEST_INTEGER = 2**63 - 1
_FORBIDDEN = re.compile("[\x00\ud800-\udfff]")


def read_json(content: str | bytes, *, field: str = "") -> Any:
    """The value. Raises DomainError with the path of what is wrong; `field` names the input that the JSON stands in."""
    try:
        text = content if isinstance(content, str) else content.decode()
        value = json.loads(text, parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise _error(field, f"not UTF-8 from byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise _error(field, f"not JSON: {error}") from error
    except RecursionError as error:
        raise _error(field, f"nests deeper than {MOST_DEPTH} levels") from error
    except ValueError as error:
        raise _error(field, f"not JSON: {error}") from error
    check_values(value, field=field)
    return value


def read_json_object(content: str | bytes, *, field: str = "") -> dict[str, Any]:
    """As `read_json`; raises DomainError also where the value is not an object."""
    value = read_json(content, field=field)
    if not isinstance(value, dict):
        raise _error(field, f"should be a JSON object, not {_kind(value)}")
    return value


def check_values(value: Any, *, field: str = "") -> None:
    """Raises DomainError with the path of the first value that cannot be stored."""
    places: list[tuple[str, Any, int]] = [(field, value, 0)]
    while places:
        path, value, depth = places.pop()
        if isinstance(value, dict | list):
            if depth == MOST_DEPTH:
                raise _error(path, f"nests deeper than {MOST_DEPTH} levels")
            places.extend((below, item, depth + 1) for below, item in _items(path, value))
        elif (reason := _reason_against(value)) is not None:
            raise _error(path, reason)


def text_problem(text: str) -> str | None:
    """Why this text cannot be stored; None when it can."""
    found = _FORBIDDEN.search(text)
    if found is None:
        return None
    return "holds a NUL character" if found.group() == "\x00" else "holds half of a surrogate pair"


def _items(path: str, value: dict[str, Any] | list[Any]) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list):
        yield from ((f"{path}[{index}]", item) for index, item in enumerate(value))
        return
    for key, item in value.items():
        if problem := text_problem(key):
            raise _error(path, f"has a key that {problem}")
        yield f"{path}.{key}" if path else key, item


def _reason_against(value: Any) -> str | None:
    if isinstance(value, str):
        return text_problem(value)
    if isinstance(value, int) and abs(value) > BIGGEST_INTEGER:
        return f"should be a whole number from -{BIGGEST_INTEGER} to {BIGGEST_INTEGER}"
    if isinstance(value, float) and not math.isfinite(value):
        return "should be a finite number"
    return None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _kind(value: Any) -> str:
    kinds = {list: "a list", str: "a text", bool: "a boolean", int: "a number", float: "a number"}
    return kinds.get(type(value), "null")


def _error(path: str, reason: str) -> DomainError:
    return DomainError(f"{path or 'The body'}: {reason}.", fields={path or "body": reason})
