"""How a prefix is put to the model. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from apps.inference.types import Prompt

VERSION = 1
# Sent to completers where nobody has chosen other stop texts: they go on with a question of their own. OpenAI takes four.
DEFAULT_STOPS = ("\nQuestion:", "\nQ:", "\nProblem:", "\nHuman:")


@dataclass(frozen=True, slots=True)
class Template:
    """Frozen in a run. `problem` holds {problem}; `end` follows the last step of a prefix."""

    problem: str = "{problem}\n\n"
    system: str = ""
    end: str = ""
    version: int = VERSION

    def prompt(self, statement: str, steps: Sequence[str], separator: str) -> Prompt:
        """The problem and these steps. Without white space at its end where `end` does not ask for it: a token
        that begins with a space could not follow."""
        prefix = separator.join(steps).rstrip() + self.end if steps else ""
        return Prompt(self.problem.replace("{problem}", statement), prefix, self.system)


def seed_of(run_seed: int, step_id: int, ordinal: int) -> int:
    """A repeated request is the same request. In [0, 2^31 - 2^12): servers add the index of a choice to it."""
    material = f"{run_seed}:{step_id}:{ordinal}".encode()
    return int.from_bytes(blake2b(material, digest_size=8).digest(), "big") % (2**31 - 2**12)


def joined(prefix: str, completion: str, separator: str) -> str:
    """A solution from its prefix and what the model wrote after it."""
    if not prefix or not completion or completion[0].isspace() or prefix[-1].isspace():
        return prefix + completion
    return prefix + separator + completion
