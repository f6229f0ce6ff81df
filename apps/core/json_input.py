"""JSON input: read within bounds, or refused by a sentence that names the path of the invalid value.

Accepted values can be stored: texts hold no NUL and no unpaired surrogate, which PostgreSQL refuses, numbers fit their
columns, and the nesting is too shallow to exhaust the stack of code that walks the value.
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
_KINDS = {list: "a list", str: "a text", bool: "a boolean", int: "a number", float: "a number"}


def read_json(content: str | bytes, *, field: str = "") -> Any:
    """Return the value. Raises DomainError with the path of an invalid value; `field` names the input that holds the JSON."""
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
    """As `read_json`, but raises DomainError also if the value is not an object."""
    value = read_json(content, field=field)
    if not isinstance(value, dict):
        raise _error(field, f"must be a JSON object, not {_KINDS.get(type(value), 'null')}")
    return value


def check_values(value: Any, *, field: str = "") -> None:
    """Raise DomainError with the path of the first value that cannot be stored."""
    pending: list[tuple[str, Any, int]] = [(field, value, 0)]
    while pending:
        path, value, depth = pending.pop()
        if isinstance(value, dict | list):
            if depth == MOST_DEPTH:
                raise _error(path, f"nests deeper than {MOST_DEPTH} levels")
            pending.extend((item_path, item, depth + 1) for item_path, item in _items(path, value))
        elif (problem := _value_problem(value)) is not None:
            raise _error(path, problem)


def text_problem(text: str) -> str | None:
    """Why the text cannot be stored; None if it can."""
    match = _FORBIDDEN.search(text)
    if match is None:
        return None
    return "holds a NUL character" if match.group() == "\x00" else "holds half of a surrogate pair"


def _items(path: str, value: dict[str, Any] | list[Any]) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list):
        yield from ((f"{path}[{index}]", item) for index, item in enumerate(value))
        return
    for key, item in value.items():
        if problem := text_problem(key):
            raise _error(path, f"has a key that {problem}")
        yield f"{path}.{key}" if path else key, item


def _value_problem(value: Any) -> str | None:
    if isinstance(value, str):
        return text_problem(value)
    if isinstance(value, int) and abs(value) > BIGGEST_INTEGER:
        return f"must be a whole number from -{BIGGEST_INTEGER} to {BIGGEST_INTEGER}"
    if isinstance(value, float) and not math.isfinite(value):
        return "must be a finite number"
    return None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _error(path: str, reason: str) -> DomainError:
    return DomainError(f"{path or 'The body'}: {reason}.", fields={path or "body": reason})
