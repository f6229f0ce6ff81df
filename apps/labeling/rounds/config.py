"""The configuration of a round: its settings with their bounds, and the checks before it is stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from apps.accounts.models import User
from apps.core.errors import DomainError
from apps.core.structs import limit_errors
from apps.inference.models import Endpoint
from apps.labeling.models import Protocol, Round
from apps.labeling.protocols import PROTOCOLS, options_of
from apps.labeling.rounds.selection import Selection
from apps.projects.models import Guideline, Membership, Project

# PRM800K admitted labelers who agreed with 75 % of its gold.
PASS_MARK = 0.75
# The protocols of screenings and of training: those that have gold labels.
SCORED = (Protocol.FIRST_ERROR, Protocol.EVERY_STEP)
ALL_GOLD = (Round.Kind.SCREENING, Round.Kind.TRAINING)


class RoundConfig(msgspec.Struct, frozen=True, kw_only=True):
    """All settings of a round. Serializers, forms and commands take bounds, defaults and descriptions from here.

    Without a `guideline`, the round takes the newest one when it opens. Without `labelers`, it is open to everyone who
    may label in the project.
    """

    protocol: str
    redundancy: Annotated[int, Meta(ge=1, le=100, description="People per task.")] = 1
    most_people: Annotated[
        Annotated[int, Meta(ge=1, le=100)] | None,
        Meta(description="Where labelers disagree, the most people per task; empty: no more than the redundancy."),
    ] = None
    gold_share: Annotated[float, Meta(ge=0, le=1, description="Share of gold tasks among the tasks served.")] = 0.0
    select: str = "all"
    name: Annotated[str, Meta(max_length=200, description="The name that labelers see.")] = ""
    show_reference: Annotated[bool, Meta(description="Labelers see the reference answer.")] = True
    lease_minutes: Annotated[
        int,
        Meta(ge=1, le=1440, description="A task returns to the queue after this many minutes without activity."),
    ] = 20
    options: Mapping[str, Any] = {}
    endpoint: Annotated[
        Endpoint | None,
        Meta(description="Samples candidates while labelers work, where the protocol uses them."),
    ] = None
    guideline: Guideline | None = None
    mode: str = Round.Mode.BLIND.value
    labelers: Annotated[
        tuple[User, ...],
        Meta(description="Only these labelers may work; empty: everyone who may label in the project."),
    ] = ()
    skills: Annotated[
        tuple[Annotated[str, Meta(max_length=40)], ...],
        Meta(description="Only members who have all these skills may work."),
    ] = ()
    needs_screening: Annotated[bool, Meta(description="Only for labelers who have passed the screening.")] = False
    kind: Annotated[
        str,
        Meta(
            description="work; screening, a test on the selected solutions that have gold labels; or training on them, "
            "which shows gold after each submission."
        ),
    ] = Round.Kind.WORK.value
    pass_mark: Annotated[
        Annotated[float, Meta(ge=0, le=1)] | None,
        Meta(description=f"In a screening: the agreement with gold that passes; empty: {PASS_MARK}."),
    ] = None
    tries: Annotated[int, Meta(ge=1, le=100, description="In a screening: the number of attempts allowed.")] = 1
    allows_corrections: Annotated[
        bool, Meta(description="Labelers may correct what they submitted while the round is open.")
    ] = True
    fresh_eyes: Annotated[
        bool, Meta(description="Labelers do not get solutions that they have labeled in other rounds.")
    ] = False

    @classmethod
    def of(cls, round_: Round) -> RoundConfig:
        """The configuration of a stored round."""
        columns = {name: getattr(round_, name) for name in _COLUMNS}
        return cls(
            **columns | {"skills": tuple(round_.skills)},
            select=round_.selection.get("select", "all"),
            labelers=tuple(round_.labelers.all()),
        )

    def changed(self, changes: Mapping[str, Any]) -> RoundConfig:
        return msgspec.structs.replace(self, **changes)

    def normalized(self) -> RoundConfig:
        """Without settings that do not apply. Screenings and training are all gold, blind, and cannot be corrected."""
        skills = tuple(dict.fromkeys(skill.strip() for skill in self.skills if skill.strip()))
        labelers = tuple(self.labelers)
        common: dict[str, Any] = {"skills": skills, "labelers": labelers}
        if self.kind == Round.Kind.SCREENING:
            common["pass_mark"] = PASS_MARK if self.pass_mark is None else self.pass_mark
        else:
            common |= {"pass_mark": None, "tries": 1}
        if self.kind not in ALL_GOLD:
            return msgspec.structs.replace(self, **common)
        return msgspec.structs.replace(
            self,
            **common,
            gold_share=1.0,
            redundancy=1,
            most_people=None,
            mode=Round.Mode.BLIND.value,
            allows_corrections=False,
            fresh_eyes=False,
        )

    def columns(self) -> dict[str, Any]:
        """The values of the round's columns."""
        return {name: getattr(self, name) for name in _COLUMNS} | {
            "options": msgspec.to_builtins(options_of(self.protocol, self.options)),
            "selection": {"select": self.select},
            "skills": list(self.skills),
            "is_for_named": bool(self.labelers),
        }


# The settings that a round stores in a column of the same name.
_COLUMNS = tuple(name for name in RoundConfig.__struct_fields__ if name not in ("select", "labelers"))


def check_config(project: Project, config: RoundConfig) -> None:
    """Raises DomainError that names every invalid setting."""
    errors = config_errors(project, config)
    if errors:
        raise DomainError("Some round settings are invalid.", fields=errors)
    options_of(config.protocol, config.options)
    Selection.parse(config.select)


def config_errors(project: Project, config: RoundConfig) -> dict[str, str]:
    """The error of each invalid setting, by its name."""
    return limit_errors(config) | _choice_errors(config) | _reference_errors(project, config)


def _choice_errors(config: RoundConfig) -> dict[str, str]:
    """Settings that must be one of several, and settings that exclude each other."""
    errors: dict[str, str] = {}
    if config.most_people is not None and config.most_people < config.redundancy:
        errors["most_people"] = f"must be between the redundancy, {config.redundancy}, and 100"
    if config.protocol not in PROTOCOLS:
        later = " (known, but not available yet)" if config.protocol in Protocol.values else ""
        errors["protocol"] = f"must be one of {', '.join(PROTOCOLS)}{later}"
    elif config.kind in ALL_GOLD and config.protocol not in SCORED:
        errors["protocol"] = (
            f"must be {' or '.join(SCORED)} in a {config.kind} round: other protocols have no gold labels"
        )
    if config.kind not in Round.Kind.values:
        errors["kind"] = f"must be one of {', '.join(Round.Kind.values)}"
    if config.mode not in Round.Mode.values:
        errors["mode"] = f"must be one of {', '.join(Round.Mode.values)}"
    if config.kind == Round.Kind.SCREENING and config.needs_screening:
        errors["needs_screening"] = "a screening cannot require a screening"
    return errors


def _reference_errors(project: Project, config: RoundConfig) -> dict[str, str]:
    """Errors of objects that the round refers to, which must belong to its project."""
    errors: dict[str, str] = {}
    if config.endpoint is not None and not config.endpoint.is_usable_in(project):
        errors["endpoint"] = "must belong to this project or be granted to it"
    if config.guideline is not None and config.guideline.project_id != project.pk:
        errors["guideline"] = "must belong to this project"
    active = Membership.objects.filter(project=project, status=Membership.Status.ACTIVE, user__in=config.labelers)
    members = set(active.values_list("user_id", flat=True)) if config.labelers else set()
    strangers = [labeler.email for labeler in config.labelers if labeler.pk not in members]
    if strangers:
        errors["labelers"] = f"not active in this project: {', '.join(strangers)}"
    return errors
