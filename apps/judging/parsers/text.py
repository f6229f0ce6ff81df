"""Replies that are texts: a critique, or a revision between its tags. Pure."""

from __future__ import annotations

import re
from typing import ClassVar

from apps.judging.parsers.base import Shown
from apps.judging.verdicts import Reading, TextVerdict, read, unreadable

_REVISION = re.compile(r"<revision>(.*?)</revision>", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"</?revision>", re.IGNORECASE)
_FENCED = re.compile(r"```(?:\w*)\n(.*)\n```", re.DOTALL)


class WholeText:
    name: ClassVar = "text"
    title: ClassVar = "The whole reply"
    about: ClassVar = "Takes the whole reply, without the model's reasoning. A reply that was cut off cannot be read."

    def parse(self, text: str, shown: Shown, *, is_cut: bool = False) -> Reading:
        return unreadable("The reply was cut off.") if is_cut else read(TextVerdict(text.strip()))


class Revision:
    name: ClassVar = "revision"
    title: ClassVar = "A revised solution"
    about: ClassVar = (
        "Takes what is between <revision> and </revision>: prefaces and remarks are no part of a solution."
    )

    def parse(self, text: str, shown: Shown, *, is_cut: bool = False) -> Reading:
        revisions = {match.group(1).strip() for match in _REVISION.finditer(text)}
        if not revisions:
            return unreadable(
                "The reply was cut off before the end of the revision."
                if is_cut
                else "The reply has no revision between <revision> and </revision>."
            )
        if len(revisions) > 1 or any(_TAG.search(revision) for revision in revisions):
            return unreadable("The reply has several different revisions.")
        revision = revisions.pop()
        fenced = _FENCED.fullmatch(revision)
        body = (fenced.group(1) if fenced and "```" not in fenced.group(1) else revision).strip()
        return read(TextVerdict(body)) if body else unreadable("The revision of the reply is empty.")
