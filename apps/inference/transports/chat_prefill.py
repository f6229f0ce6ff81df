"""`/chat/completions` with the prefix as the assistant's unfinished message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from apps.inference.transports.base import Body, chat_format, sampling_fields, text_of
from apps.inference.types import CompletionPrompt, SamplingParameters, Server


class ChatPrefill:
    """vLLM and SGLang continue the last message if `continue_final_message` is set; llama.cpp always does."""

    name: ClassVar = "chat-prefill"
    title: ClassVar = "chat, prefilled"
    about: ClassVar = "The model's own chat template, its last message continued: vLLM, SGLang, llama.cpp."
    path: ClassVar = "/chat/completions"
    prefills: ClassVar = True

    def body(
        self, server: Server, prompt: CompletionPrompt, sampling: SamplingParameters, *, n: int, seed: int
    ) -> Body:
        messages = [{"role": "system", "content": prompt.system}] if prompt.system else []
        messages.append({"role": "user", "content": prompt.problem})
        flags: Body = {}
        if prompt.prefix:
            messages.append({"role": "assistant", "content": prompt.prefix})
            # Servers refuse both flags set at once, and a prefilled message with reasoning turned on.
            flags = {
                "add_generation_prompt": False,
                "continue_final_message": True,
                "chat_template_kwargs": {"enable_thinking": False},
            }
        return (
            {"messages": messages} | flags | sampling_fields(server, sampling, n=n, seed=seed) | chat_format(sampling)
        )

    def text(self, choice: Mapping[str, Any]) -> str:
        return text_of(choice["message"].get("content"))
