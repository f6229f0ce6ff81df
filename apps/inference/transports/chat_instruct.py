"""`/chat/completions` of closed APIs, which cannot continue a message: the model is asked to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from apps.inference.transports.base import Body, sampling_fields, text_of
from apps.inference.types import Prompt, Sampling, Server

GO_ON = (
    "\n\nHere is the beginning of a solution. Go on from exactly where it ends, in the same manner, without repeating "
    "or correcting it, up to the final answer.\n\n"
)


class ChatInstruct:
    """The model may start anew or correct what it was given, so what follows is of a lower grade."""

    name: ClassVar = "chat-instruct"
    title: ClassVar = "chat, asked to go on"
    about: ClassVar = (
        "For closed APIs: the model is asked to go on. It may restart, so its labels are of a lower grade."
    )
    path: ClassVar = "/chat/completions"
    prefills: ClassVar = False

    def body(self, server: Server, prompt: Prompt, sampling: Sampling, *, n: int, seed: int) -> Body:
        messages = [{"role": "system", "content": prompt.system}] if prompt.system else []
        asked = prompt.problem + (GO_ON + prompt.prefix if prompt.prefix else "")
        messages.append({"role": "user", "content": asked})
        return {"messages": messages} | sampling_fields(server, sampling, n=n, seed=seed)

    def text(self, choice: Mapping[str, Any]) -> str:
        return text_of(choice["message"].get("content"))
