"""What can be deleted or archived: one class for each kind, which says what goes with it and what holds it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from django.db import models
from django.db.models import QuerySet

from apps.accounts.models import User
from apps.projects.models import Project

M = TypeVar("M", bound=models.Model)


def all_rows(model: type[M]) -> QuerySet[M]:
    return QuerySet(model)


@dataclass(frozen=True, slots=True)
class Loss:
    """So many of something that goes with what is deleted."""

    count: int
    noun: str


@dataclass(frozen=True, slots=True)
class Progress:
    """What a deletion in the background has done so far, of how much."""

    done: int
    total: int


class Kind(Generic[M]):
    """A kind of object. `needs` is the action that its deletion requires (`projects/permissions.py`).

    Where `in_background`, a worker deletes it in batches, each in a transaction of its own; otherwise `remove` runs in the
    transaction of the request.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    needs: ClassVar[str]
    model: type[M]
    in_background: ClassVar[bool] = False
    is_archivable: ClassVar[bool] = False
    # Whether nobody can open it once its deletion has begun: a deletion that fails is then continued, not asked for again.
    ends_access: ClassVar[bool] = False
    # What happens to it that counts do not say.
    note: ClassVar[str] = ""

    def rows(self, project: Project) -> QuerySet[M]:
        """Those of the project."""
        return all_rows(self.model).filter(project=project)

    def title_of(self, row: M) -> str:
        return str(row)

    def parts(self, row: M) -> list[Loss]:
        """What goes with it; nothing that is not there."""
        return []

    def holds(self, row: M) -> list[str]:
        """Why it cannot be deleted, each as a clause; empty where it can."""
        return []

    def archive_holds(self, row: M) -> list[str]:
        """Why it cannot be archived, each as a clause."""
        return []

    def lock(self, row: M) -> None:
        """Lock what may come to hold it, until the transaction ends."""

    @property
    def verb(self) -> str:
        """The first word of its events in the audit log."""
        return str(getattr(self.model, "verb", self.name))

    def prepare(self, row: M, actor: User) -> None:
        """What has to stop at once, in the transaction of the request, before a worker deletes the rest."""

    def remove(self, row: M) -> None:
        """Delete it. Called within a transaction, once nothing holds it."""
        row.delete()

    def remove_in_batches(self, row: M) -> Iterator[Progress]:
        """Delete it batch by batch. It may be called again at any time, and continues then."""
        raise NotImplementedError

    def values_of(self, row: M) -> Any:
        """What the audit log keeps of it."""
        return {part.noun: part.count for part in self.parts(row)}


def counted(*parts: tuple[int, str]) -> list[Loss]:
    return [Loss(count, noun) for count, noun in parts if count]


def clause(count: int, singular: str, plural: str = "") -> list[str]:
    """`3 submissions` and the like, as a list: empty where there are none."""
    if not count:
        return []
    return [f"{count:,} {singular if count == 1 else plural or f'{singular}s'}"]
