"""Events of the audit log as sentences: for the page with links, for files as text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from string import Formatter
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.accounts.models import AuditEvent
from apps.dashboard.audit.sentences import sentence_of
from apps.dashboard.audit.things import NamedThing, Things
from apps.dashboard.templatetags.numbers import rating_word, step_number

LONGEST = 300
AUTOMATIC = "The system"


@dataclass(frozen=True, slots=True)
class NarratedEvent:
    """`html` is the sentence after its actor, `text` the whole of it. `address` is the actor's e-mail address, `actor_url`
    their page if they are a member.
    """

    event: AuditEvent
    actor: str
    address: str
    html: SafeString
    text: str
    actor_url: str = ""


def narrate(slug: str, events: Sequence[AuditEvent]) -> Iterator[NarratedEvent]:
    things = Things.of(slug, events)
    for event in events:
        actor = str(event.actor) if event.actor else AUTOMATIC
        address = event.actor.email if event.actor else ""
        thing = things.named(event)
        html = _sentence(event, format_html('<a href="{}">{}</a>', thing.url, thing.text) if thing.url else thing.text)
        yield NarratedEvent(event, actor, address, html, f"{actor} {_text(event, thing)}", things.member_url(address))


def _sentence(event: AuditEvent, target: str) -> SafeString:
    return format_html("{}.", SafeString("".join(_parts(event, target, format_html)).rstrip()))


def _text(event: AuditEvent, thing: NamedThing) -> str:
    return "".join(_parts(event, thing.text, str.format)).rstrip() + "."


def _parts(event: AuditEvent, target: str, fill: Callable[..., str]) -> Iterator[str]:
    """The sentence, and each clause that has all its values."""
    sentence, values = sentence_of(event.verb), _values(event) | {"target": target}
    for number, part in enumerate((sentence.text, *sentence.clauses)):
        names = [name for _, name, _, _ in Formatter().parse(part) if name]
        if number == 0 or all(name in values for name in names):
            yield fill(part, **{name: values.get(name, "nothing") for name in names}) if names else part


def _values(event: AuditEvent) -> dict[str, str]:
    """What was recorded, by name: `before` and `after`, or the names within them."""
    values: dict[str, str] = {}
    for name, prefix, recorded in (("before", "was_", event.before), ("after", "", event.after)):
        if isinstance(recorded, Mapping):
            values |= {
                f"{prefix}{key}": _words(key, value) for key, value in recorded.items() if _has_value(key, value)
            }
        elif recorded not in (None, "", []):
            values[name] = _words(name, recorded)
    return values


def _has_value(key: str, value: Any) -> bool:
    if key == "self_reviewed":
        return bool(value)
    # A first error that is not known is a value; an empty note is none.
    return value not in (None, "", []) or key in ("first_error", "rating")


def _words(key: str, value: Any) -> str:
    if key == "self_reviewed":
        return ""
    if key == "first_error":
        return _first_error(value)
    if key == "first_errors" and isinstance(value, list):
        return ", ".join(map(_first_error, value))
    if key == "rating":
        return rating_word(value) if value is not None else "not rated"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    text = f"{value:.2g}" if isinstance(value, float) else str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _first_error(value: Any) -> str:
    if not isinstance(value, int) or value < -1:
        return "unknown"
    return "none" if value == -1 else f"step {step_number(value)}"
