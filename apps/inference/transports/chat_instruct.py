"""`/chat/completions` of closed APIs, which cannot continue a message: the model is instructed to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from apps.inference.transports.base import Body, chat_format, sampling_fields, text_of
from apps.inference.types import CompletionPrompt, SamplingParameters, Server

CONTINUE = (
    "\n\nHere is the beginning of a solution. Go on from exactly where it ends, in the same manner, without repeating "
    "or correcting it, up to the final answer.\n\n"
)


class ChatInstruct:
    """The model may restart or correct the prefix, so the resulting labels are less reliable."""

    name: ClassVar = "chat-instruct"
    title: ClassVar = "chat, instructed to continue"
    about: ClassVar = (
        "For closed APIs: the model is instructed to continue. It may restart, so its labels are less reliable."
    )
    path: ClassVar = "/chat/completions"
    prefills: ClassVar = False

    def body(
        self, server: Server, prompt: CompletionPrompt, sampling: SamplingParameters, *, n: int, seed: int
    ) -> Body:
        messages = [{"role": "system", "content": prompt.system}] if prompt.system else []
        content = prompt.problem + (CONTINUE + prompt.prefix if prompt.prefix else "")
        messages.append({"role": "user", "content": content})
        return {"messages": messages} | sampling_fields(server, sampling, n=n, seed=seed) | chat_format(sampling)

    def text(self, choice: Mapping[str, Any]) -> str:
        return text_of(choice["message"].get("content"))
