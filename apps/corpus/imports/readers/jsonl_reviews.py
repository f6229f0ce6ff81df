"""Which people of a canonical row can land as labelers: a reviewer's correction, and what it corrects, cannot. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from apps.corpus.imports.readers.fields import Fields

CORRECTED = "people[] (ratings that a reviewer corrected)"
CORRECTION = "people[] (a reviewer's correction)"
SUSPENDED = "people[].is_suspended (the labels count here)"
SELF_REVIEWED = "people[].self_reviewed"  # Said of a reviewer's correction: of whom it is a labeler's, nobody reads it.


def labelers_of(people: Iterable[Fields]) -> tuple[list[Fields], list[str]]:
    """The people whose labels land, and what is told as ignored.

    A correction counts in place of what it corrects. As labels of two labelers the two would stand beside each other,
    and the wrong one would count as much as the right one: neither lands.
    """
    landing: list[Fields] = []
    ignored: list[str] = []
    for person in people:
        if person.row.get("role") == "reviewer":
            ignored.append(CORRECTION)
        elif person.row.get("corrected_by") is not None:
            ignored.append(CORRECTED)
        else:
            landing.append(person)
            ignored += [SUSPENDED] if person.maybe_bool("is_suspended") else []
            ignored += [SELF_REVIEWED] if person.maybe_bool("self_reviewed") else []
    return landing, list(dict.fromkeys(ignored))
