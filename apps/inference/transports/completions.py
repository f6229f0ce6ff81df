"""`/completions`, which continues the prefix verbatim."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from apps.inference.transports.base import Body, sampling_fields
from apps.inference.types import CompletionPrompt, SamplingParameters, Server


class Completions:
    """The prompt is one text: system, problem and prefix. The best transport for rollouts."""

    name: ClassVar = "completions"
    title: ClassVar = "completions"
    about: ClassVar = "Continues the text verbatim: vLLM, SGLang, llama.cpp. The best for rollouts."
    path: ClassVar = "/completions"
    prefills: ClassVar = False

    def body(
        self, server: Server, prompt: CompletionPrompt, sampling: SamplingParameters, *, n: int, seed: int
    ) -> Body:
        text = prompt.system + prompt.problem + prompt.prefix
        # llama.cpp reads `json_schema` here and ignores `response_format`, which it reads on its chat route only.
        schema = {} if sampling.schema is None else {"json_schema": sampling.schema}
        return {"prompt": text} | sampling_fields(server, sampling, n=n, seed=seed) | schema

    def text(self, choice: Mapping[str, Any]) -> str:
        return str(choice["text"] or "")
