"""Parsers read the replies of judges. A new one is a file and a line here. Pure."""

from __future__ import annotations

from apps.judging.parsers.base import CUT, Parser, Reply, Shown
from apps.judging.parsers.boxed import Boxed
from apps.judging.parsers.pass_fail import PassFail
from apps.judging.parsers.preference import Preference
from apps.judging.parsers.ratings import Ratings
from apps.judging.parsers.reply_text import opens_as_refusal, refuses, storable, visible_text
from apps.judging.parsers.text import Revision, WholeText
from apps.judging.verdicts import Reading, refused, unreadable

__all__ = ["PARSERS", "Parser", "Reply", "Shown", "read_reply"]

_ALL: tuple[Parser, ...] = (Boxed(), Ratings(), PassFail(), Preference(), WholeText(), Revision())
PARSERS: dict[str, Parser] = {parser.name: parser for parser in _ALL}
# A refusal that is a reply of its own is short; a critique may begin with the same words and go on.
_LONGEST_REFUSAL = 1000


def read_reply(name: str, reply: Reply, shown: Shown) -> Reading:
    """The reading of a reply by the parser of this name. Never raises, whatever the reply holds.

    A usual sentence of refusal counts only where there is no verdict: a judge may begin with it and judge all the same.
    """
    if reply.refusal.strip():
        return refused(f"The model refuses: {storable(reply.refusal.strip())[:300]}")
    if refuses(reply.finish_reason):
        return refused(f"The server ended the reply as refused: {storable(reply.finish_reason)[:60]}.")
    text = visible_text(reply.text)
    if not text:
        return unreadable(_empty_reason(reply))
    is_refusal = opens_as_refusal(text)
    if is_refusal and name == WholeText.name and len(text) <= _LONGEST_REFUSAL:
        return refused(f"The model refuses: {text[:300]}")
    reading = PARSERS[name].parse(text, shown, is_cut=reply.is_cut)
    if reading.state == "unreadable" and is_refusal:
        return refused(f"The model refuses: {text[:300]}")
    return reading


def _empty_reason(reply: Reply) -> str:
    if not reply.text.strip():
        return CUT if reply.is_cut else "The reply is empty."
    return (
        "The reply ends within the model's reasoning."
        if reply.is_cut
        else "The reply holds only the model's reasoning."
    )
