"""The part of a reply that counts, and whether it refuses. Pure."""

from __future__ import annotations

import re

_NAMES = r"(?:think|thinking|thought|thoughts|seed:think)"
# Reasoning, as the templates of DeepSeek, Qwen, Magistral and Kimi mark it.
_OPENING = re.compile(rf"<{_NAMES}>|\[THINK\]|◁think▷", re.IGNORECASE)
_CLOSING = re.compile(rf"</{_NAMES}>|\[/THINK\]|◁/think▷", re.IGNORECASE)
_FINAL_CHANNEL = re.compile(r"<\|channel\|>\s*final\s*<\|message\|>")
_CHANNEL = re.compile(r"<\|channel\|>")
_SPECIAL = re.compile(r"<\|(?:end|return|im_end|eot_id|endoftext|start|message)\|>|<｜end▁of▁sentence｜>")
_FORBIDDEN = re.compile("[\x00\ud800-\udfff]")

_REFUSED_REASONS = frozenset(
    {"content_filter", "content-filter", "refusal", "safety", "prohibited_content", "blocklist", "spii", "error_toxic"}
)
_SORRY = (
    r"(?:(?:i['’]?m|i am)\s+(?:very |so |really |truly )?sorry|sorry|(?:my )?apologies|i apologi[sz]e|unfortunately"
    r"|as an ai[^.,]{0,80}|thank you for [^.]{0,80}|i understand[^.]{0,80})"
)
_CANNOT = (
    r"i\s*(?:can['’]?t|cannot|can not|won['’]?t|will not|['’]?m (?:not able|unable) to|am (?:not able|unable) to"
    r"|['’]?m not (?:going|comfortable)|am not (?:going|comfortable)|must (?:respectfully )?(?:decline|refuse))"
)
_ACT = (
    r"(?:help|assist|comply|provide|do (?:that|this)|fulfil|continue|engage|answer|discuss|create|generate|write|participate"
    r"|support|share|respond|complete|offer|with that|with this|to (?:judge|review|compare|help|assist|provide)"
    r"|(?:judge|evaluate|review|compare|rate|critique) (?:this|that|these|such))"
)
_REFUSAL = re.compile(
    rf"\W*(?:{_SORRY}[\s,.:;!—–-]*(?:but|however)?[\s,]*)?"
    rf"(?:{_CANNOT}\s+(?:\w+\s+){{0,2}}?{_ACT}\b|i must (?:respectfully )?(?:decline|refuse)\b)"
    r"|\W*(?:很?抱歉|对不起|對不起)[，,、。\s]*(?:但是?)?我(?:无法|不能|不可以|無法)"
    r"|\W*lo siento[,.]?\s+(?:pero\s+)?no puedo|\W*(?:je suis )?désolée?[,.]?\s+(?:mais\s+)?je ne peux"
    r"|\W*(?:es )?tut mir leid[,.]?\s+(?:aber\s+)?(?:ich kann|da(?:bei|mit) kann)",
    re.IGNORECASE,
)


def storable(text: str) -> str:
    """The text with a replacement character for what PostgreSQL cannot store."""
    return _FORBIDDEN.sub("\ufffd", text)


def visible_text(reply: str) -> str:
    """The reply without reasoning and special tokens. A block that is never closed goes on to the end.

    A closing mark without an opening one ends a block that the server's template opened.
    """
    text = storable(reply)
    finals = list(_FINAL_CHANNEL.finditer(text))
    if finals:
        text = text[finals[-1].end() :]
    elif _CHANNEL.search(text):
        return ""
    return _SPECIAL.sub("", _outside_reasoning(text)).strip()


def _outside_reasoning(text: str) -> str:
    marks = sorted([*_OPENING.finditer(text), *_CLOSING.finditer(text)], key=lambda mark: mark.start())
    parts: list[str] = []
    start, is_inside = 0, False
    for mark in marks:
        if _CLOSING.fullmatch(mark.group()):
            if not is_inside:
                parts.clear()
            start, is_inside = mark.end(), False
        elif not is_inside:
            parts.append(text[start : mark.start()])
            is_inside = True
    return "".join(parts) if is_inside else "".join([*parts, text[start:]])


def refuses(finish_reason: str) -> bool:
    """Whether the server gives a refusal, its own or the model's, as the reason of the end."""
    return finish_reason.strip().rpartition(".")[2].lower() in _REFUSED_REASONS


def opens_as_refusal(text: str) -> bool:
    """Whether the text begins with one of the usual sentences of a model that declines to answer."""
    return _REFUSAL.match(text) is not None
