"""Templates that turn a problem and a prefix into a prompt. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from apps.inference.types import CompletionPrompt

VERSION = 1
# The default stop texts of completers, which would continue with a problem of their own. OpenAI accepts four.
DEFAULT_STOPS = ("\nQuestion:", "\nQ:", "\nProblem:", "\nHuman:")


@dataclass(frozen=True, slots=True)
class Template:
    """`problem` contains {problem}; `end` follows the last step of a prefix. Frozen in a run."""

    problem: str = "{problem}\n\n"
    system: str = ""
    end: str = ""
    version: int = VERSION

    def prompt(self, statement: str, steps: Sequence[str], separator: str) -> CompletionPrompt:
        """The problem and these steps. Trailing white space is removed before `end`: a token that begins with a space could
        not follow it."""
        prefix = separator.join(steps).rstrip() + self.end if steps else ""
        return CompletionPrompt(self.problem.replace("{problem}", statement), prefix, self.system)


def seed_of(run_seed: int, step_id: int, ordinal: int) -> int:
    """The same seed for a repeated request. In [0, 2^31 - 2^12), because servers add the index of a choice to it."""
    material = f"{run_seed}:{step_id}:{ordinal}".encode()
    return int.from_bytes(blake2b(material, digest_size=8).digest(), "big") % (2**31 - 2**12)
