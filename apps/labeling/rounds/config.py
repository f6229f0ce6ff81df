"""The terms of a round: everything that is settled before it opens, and what can be wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self

import msgspec

from apps.accounts.models import User
from apps.core.errors import DomainError
from apps.inference.models import Endpoint
from apps.labeling.models import Protocol, Round
from apps.labeling.protocols import PROTOCOLS, options_of
from apps.labeling.rounds.selection import Selection
from apps.projects.models import Guideline, Membership, Project

# PRM800K admitted labelers who agreed with 75 % of its gold.
PASS_MARK = 0.75
# What a screening can score: the protocols for which gold labels are known.
SCORED = (Protocol.FIRST_ERROR, Protocol.EVERY_STEP)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundConfig:
    """`labelers` names those who alone may work; empty lets in everybody who may label here.

    `most_people`: where people do not agree, so many are asked at most; None: nobody more than the redundancy.
    Without a `guideline` the round takes the newest one at the time it opens.
    """

    protocol: str
    redundancy: int = 1
    most_people: int | None = None
    gold_share: float = 0.0
    select: str = "all"
    name: str = ""
    show_reference: bool = True
    lease_minutes: int = 20
    options: Mapping[str, Any] = field(default_factory=dict)
    endpoint: Endpoint | None = None
    guideline: Guideline | None = None
    mode: str = Round.Mode.BLIND.value
    labelers: Sequence[User] = ()
    skills: Sequence[str] = ()
    needs_screening: bool = False
    is_screening: bool = False
    pass_mark: float | None = None
    tries: int = 1
    allows_corrections: bool = True

    @classmethod
    def of(cls, round_: Round) -> Self:
        """As they stand in a round."""
        same = {one.name: getattr(round_, one.name) for one in fields(cls) if one.name not in ("select", "labelers")}
        return cls(**same, select=round_.selection.get("select", "all"), labelers=tuple(round_.labelers.all()))

    def changed(self, changes: Mapping[str, Any]) -> Self:
        return replace(self, **changes)

    def settled(self) -> Self:
        """A screening is all gold, blind, and is not corrected afterwards."""
        skills = tuple(dict.fromkeys(skill.strip() for skill in self.skills if skill.strip()))
        if not self.is_screening:
            return replace(self, skills=skills, pass_mark=None, tries=1)
        mark = PASS_MARK if self.pass_mark is None else self.pass_mark
        return replace(
            self,
            skills=skills,
            pass_mark=mark,
            gold_share=1.0,
            redundancy=1,
            most_people=None,
            mode=Round.Mode.BLIND.value,
            allows_corrections=False,
        )

    def stored(self) -> dict[str, Any]:
        """As the round's own columns."""
        same = {one.name: getattr(self, one.name) for one in fields(self) if one.name not in ("select", "labelers")}
        return same | {
            "options": msgspec.to_builtins(options_of(self.protocol, self.options)),
            "selection": {"select": self.select},
            "skills": list(self.skills),
            "is_for_named": bool(self.labelers),
        }


def check_config(project: Project, terms: RoundConfig) -> None:
    """Raise DomainError naming every field that cannot be so."""
    wrong = _wrong_numbers(terms) | _wrong_words(terms) | _wrong_people(project, terms)
    if wrong:
        raise DomainError("The round cannot be opened so.", fields=wrong)
    options_of(terms.protocol, terms.options)
    Selection.parse(terms.select)


def _wrong_numbers(terms: RoundConfig) -> dict[str, str]:
    wrong: dict[str, str] = {}
    if not 1 <= terms.redundancy <= 100:
        wrong["redundancy"] = "1 to 100 people per task"
    if terms.most_people is not None and not terms.redundancy <= terms.most_people <= 100:
        wrong["most_people"] = "as many as each task is asked of, up to 100"
    if not 0 <= terms.gold_share <= 1:
        wrong["gold_share"] = "a share from 0 to 1"
    if not 1 <= terms.lease_minutes <= 1440:
        wrong["lease_minutes"] = "1 to 1440 minutes"
    if terms.pass_mark is not None and not 0 <= terms.pass_mark <= 1:
        wrong["pass_mark"] = "a share from 0 to 1"  # noqa: S105 - no password
    if not 1 <= terms.tries <= 100:
        wrong["tries"] = "1 to 100 tries"
    return wrong


def _wrong_words(terms: RoundConfig) -> dict[str, str]:
    wrong: dict[str, str] = {}
    if terms.protocol not in PROTOCOLS:
        later = " (known, but it cannot be worked on yet)" if terms.protocol in Protocol.values else ""
        wrong["protocol"] = f"one of {', '.join(PROTOCOLS)}{later}"
    elif terms.is_screening and terms.protocol not in SCORED:
        wrong["protocol"] = f"a screening is {' or '.join(SCORED)}: gold is known for these"
    if len(terms.name) > 200:
        wrong["name"] = "200 characters at most"
    if terms.mode not in Round.Mode.values:
        wrong["mode"] = f"one of {', '.join(Round.Mode.values)}"
    if terms.is_screening and terms.needs_screening:
        wrong["needs_screening"] = "a screening cannot ask for one"
    if any(len(skill) > 40 for skill in terms.skills):
        wrong["skills"] = "40 characters at most for each"
    return wrong


def _wrong_people(project: Project, terms: RoundConfig) -> dict[str, str]:
    """Whatever a round points at has to be of its project."""
    wrong: dict[str, str] = {}
    if terms.endpoint is not None and not terms.endpoint.is_usable_in(project):
        wrong["endpoint"] = "not of this project, nor granted to it"
    if terms.guideline is not None and terms.guideline.project_id != project.pk:
        wrong["guideline"] = "not of this project"
    active = Membership.objects.filter(project=project, status=Membership.Status.ACTIVE, user__in=terms.labelers)
    members = set(active.values_list("user_id", flat=True)) if terms.labelers else set()
    strangers = [one.email for one in terms.labelers if one.pk not in members]
    if strangers:
        wrong["labelers"] = f"not active here: {', '.join(strangers)}"
    return wrong
