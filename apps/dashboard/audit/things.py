"""The things that events of the audit log are about, by name and URL: at most three queries for a whole page."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from django.urls import reverse

from apps.accounts.models import AuditEvent
from apps.corpus.models import Step
from apps.dashboard.audit.sentences import sentence_of
from apps.evaluation.models import EvaluationKind
from apps.exports.formats import FORMATS
from apps.labeling.models import Assignment
from apps.projects.models import Membership


@dataclass(frozen=True, slots=True)
class NamedThing:
    """A thing as a sentence names it; `url` is empty where it has no page."""

    text: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Things:
    """The assignments, steps and members of some events, loaded at once. Others are named by what the event has recorded.

    `members` are the ids of memberships by e-mail address, of actors as well.
    """

    slug: str
    assignments: dict[str, tuple[str, int]] = field(default_factory=dict)
    steps: dict[str, tuple[int, int]] = field(default_factory=dict)
    members: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, slug: str, events: Sequence[AuditEvent]) -> Things:
        ids: dict[str, set[int]] = {"assignment": set(), "step": set()}
        for event in events:
            kind = sentence_of(event.verb).refers
            if kind in ids and event.target.isdecimal():
                ids[kind].add(int(event.target))
        assignments, steps = {}, {}
        if ids["assignment"]:
            rows = Assignment.objects.filter(pk__in=ids["assignment"], round__project__slug=slug)
            named = rows.select_related("labeler", "round").only("labeler__name", "labeler__email", "round__number")
            assignments = {str(row.pk): (str(row.labeler), row.round.number) for row in named}
        if ids["step"]:
            places = Step.objects.filter(pk__in=ids["step"], solution__project__slug=slug)
            steps = {str(pk): (place, of) for pk, place, of in places.values_list("pk", "position", "solution")}
        addresses = {event.target for event in events if sentence_of(event.verb).refers == "member"}
        addresses.update(event.actor.email for event in events if event.actor is not None)
        members = Membership.objects.filter(project__slug=slug, user__email__in=addresses)
        return cls(slug, assignments, steps, dict(members.values_list("user__email", "pk")))

    def named(self, event: AuditEvent) -> NamedThing:
        kind = sentence_of(event.verb).refers
        return REFERENCES[kind](self, event.target) if kind in REFERENCES else NamedThing(event.target)

    def member_url(self, address: str) -> str:
        """The page of the member with this address; empty for others."""
        return self.url("person", self.members[address]) if address in self.members else ""

    def url(self, name: str, *args: object) -> str:
        return reverse(name, args=[self.slug, *args])


def _assignment(things: Things, target: str) -> NamedThing:
    if target not in things.assignments:
        return NamedThing(f"submission {target}")
    labeler, number = things.assignments[target]
    return NamedThing(f"the submission of {labeler} in {_round_name(number)}", things.url("assignment", target))


def _step(things: Things, target: str) -> NamedThing:
    if target not in things.steps:
        return NamedThing(f"step {target}")
    position, solution = things.steps[target]
    return NamedThing(f"step {position + 1} of solution {solution}", things.url("solution", solution))


def _round(things: Things, target: str) -> NamedThing:
    number = int(target) if re.fullmatch(r"-?\d{1,9}", target) else None
    return NamedThing(target) if number is None else NamedThing(_round_name(number), things.url("round", number))


def _round_name(number: int) -> str:
    """Screenings have negative numbers."""
    return f"round {number}" if number >= 0 else f"screening {-number}"


def _with_id(noun: str, page: str) -> Callable[[Things, str], NamedThing]:
    """A thing whose event has its number alone: `12` is solution 12."""

    def named(things: Things, target: str) -> NamedThing:
        is_number = target.isdecimal() and len(target) < 19
        return NamedThing(noun.format(target), things.url(page, int(target)) if is_number else "")

    return named


def _numbered(page: str) -> Callable[[Things, str], NamedThing]:
    """A thing whose event has its name with a number at the end: `math-shepherd, run 5`."""

    def named(things: Things, target: str) -> NamedThing:
        found = re.search(r"(\d{1,9})$", target)
        return NamedThing(target, things.url(page, int(found[1])) if found else "")

    return named


def _on(page: str) -> Callable[[Things, str], NamedThing]:
    """A thing that is found on this page of the project."""
    return lambda things, target: NamedThing(target, things.url(page))


def _member(things: Things, target: str) -> NamedThing:
    return NamedThing(target, things.member_url(target) or things.url("people"))


def _evaluation_kind(things: Things, target: str) -> NamedThing:
    text = EvaluationKind(target).label if target in EvaluationKind.values else target
    return NamedThing(text, things.url("evaluation"))


def _format(things: Things, target: str) -> NamedThing:
    return NamedThing(target, reverse("docs-format", args=[target]) if target in FORMATS else "")


REFERENCES: dict[str, Callable[[Things, str], NamedThing]] = {
    "assignment": _assignment,
    "step": _step,
    "round": _round,
    "format": _format,
    "evaluation-kind": _evaluation_kind,
    "solution": _with_id("solution {}", "solution"),
    "problem": _with_id("problem {}", "problem"),
    "export": _with_id("export {}", "export"),
    "evaluation": _with_id("evaluation {}", "evaluation-detail"),
    "guidelines": _with_id("version {} of the guidelines", "guidelines-version"),
    "cascade": _numbered("cascade"),
    "run": _numbered("run"),
    "sampling": _numbered("sampling"),
    "scoring": _numbered("scoring"),
    "judge-run": _numbered("judge-run"),
    "import": _on("imports"),
    "member": _member,
    "people": _on("people"),
    "endpoint": _on("endpoints"),
    "judge": _on("judging"),
    "constitution": _on("constitutions"),
    "policy": _on("export-new"),
    "rules": _on("quality-rules"),
    "reward_model": _on("scoring-runs"),
}
