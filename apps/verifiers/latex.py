r"""Bringing an answer's LaTeX to one spelling, without changing what it says.

`clean` removes what only lays the answer out (`\left`, `\,`, dollars, `\dfrac`) and rewrites what people and
models type for LaTeX (`sqrt(8)`, `x**2`, `3/4`, `≤`). Base subscripts, units, percent signs and brackets are
part of what the answer says, and stay.
"""

from __future__ import annotations

import re

# A longer answer is not one; nothing below is run on more than this.
MAX_CHARACTERS = 4_000
CURRENCY = "$€£¥₹"

_UNICODE = str.maketrans(
    {
        "−": "-",
        "–": "-",
        "\u00a0": " ",
        "\u2009": " ",
        "\u202f": " ",
        "×": r"\times ",
        "·": r"\cdot ",
        "÷": "/",
        "π": r"\pi ",
        "∞": r"\infty ",
        "√": r"\sqrt ",
        "≤": r"\le ",
        "≥": r"\ge ",
        "≠": r"\ne ",
        "∪": r"\cup ",
        "∩": r"\cap ",
        "∈": r"\in ",
        "±": r"\pm ",
        "≈": r"\approx ",
        "⟨": r"\langle ",
        "⟩": r"\rangle ",
        "∅": r"\emptyset ",
        "ⁿ": "^n",
        "⁰": "^0",
        "¹": "^1",
        "²": "^2",
        "³": "^3",
        "½": " 1/2",
        "⅓": " 1/3",
        "⅔": " 2/3",
        "¼": " 1/4",
        "¾": " 3/4",
        "％": "%",
        "º": "°",
    }
)
# A private-use character stands for \$ while bare dollars are told apart from money.
_MONEY = "\ue000"

_FUNCTIONS = "arcsin|arccos|arctan|sinh|cosh|tanh|sin|cos|tan|cot|log|ln|exp|sqrt|pi"
_REWRITES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        # `,\!` is how LaTeX sets a digit group; `\,` and `{,}` between digits are others.
        (r"(?<=\d)\s?(?:\{,\}|,)\s?\\!\s?(?=\d)", ""),
        (r"(?<=\d)(?:\{,\}|\\,)(?=\d{3}(?!\d))", ","),
        (r"(?<!\\)\\[()\[\]]", ""),
        (r"\\(?:left|right|[bB]igg?[lrm]?)(?![A-Za-z])\.?", ""),
        (r"\\(?:displaystyle|textstyle|limits|nolimits|strut)(?![A-Za-z])", ""),
        (r"\\!", ""),
        (r"(?<!\\)\\[,;:>\s]|~|\\q?quad(?![A-Za-z])", " "),
        (r"\\[dtc]frac(?![A-Za-z])", r"\\frac"),
        (r"\\(?:text(?:bf|it|rm|sf|tt|normal)|mbox|hbox|mathrm|mathit|mathsf)(?![A-Za-z])", r"\\text"),
        (r"\\text\s?\{([.,;:\s]?)\}", r"\1"),
        (r"\\text\s?\{\s*,?\s*(and|or)\s*\}", r" \1 "),
        (r"\{,\}", ","),
        (r"\\%", "%"),
        (r"\^\s?(?:\{\s?\\circ\s?\}|\\circ(?![A-Za-z]))|\\degrees?(?![A-Za-z])|\\textdegree", "°"),
        (r"\\lbrace(?![A-Za-z])", r"\\{"),
        (r"\\rbrace(?![A-Za-z])", r"\\}"),
        (r"\\leq(?:slant)?(?![A-Za-z])|<=", r"\\le "),
        (r"\\geq(?:slant)?(?![A-Za-z])|>=", r"\\ge "),
        (r"\\neq(?![A-Za-z])", r"\\ne "),
        (r"(?<![A-Za-z\\])(?:infinity|infty|inf)(?![A-Za-z])", r"\\infty "),
        (rf"(?<![A-Za-z\\])({_FUNCTIONS})(?![A-Za-z])", r"\\\1 "),
        (r"\\(pi|infty|cdot|times)(?![A-Za-z])\s*", r"\\\1 "),
        (r"(?<![\w)}\]])(?<![\w)}\]]\s)\+\s?(?=\\infty)", ""),
        # Without braces, LaTeX would raise the first digit only; nobody who types 2^10 means that.
        (r"\^\s?([+-]?\s?\d+|[+-]?\s?[A-Za-z])", r"^{\1}"),
        (r"_\s?(\d+|[A-Za-z])", r"_{\1}"),
        (r"\^\s?\(([^()]*)\)", r"^{\1}"),
        (r"\s+", " "),
    )
)
_POWERS = re.compile(r"(?<!\w)\w+(?:\s?\*\*\s?\w+)+")
_PLAIN = re.compile(r"[-+]?[\d.,/%]*")
_COMMAND = re.compile(r"\\(frac|sqrt)(?![A-Za-z])")
_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|.", re.DOTALL)
_INNER_SPACE = re.compile(" ")
_TEXT = re.compile(r"\\text\s?\{([^{}]*)\}")
_CLOSES = {"{": "}", "(": ")", "[": "]"}


def clean(text: str) -> str:
    """One spelling for one answer. Idempotent on its own results up to spaces; linear in `text`."""
    text = text.strip()
    if _PLAIN.fullmatch(text):
        return _without_stop(text)
    text = _bare_dollars(text.translate(_UNICODE).replace(r"\$", _MONEY)).replace(_MONEY, "$").strip()
    text = _POWERS.sub(_nested_powers, text).replace("**", "^")
    for pattern, replacement in _REWRITES:
        text = pattern.sub(replacement, text)
    return _without_stop(brace_arguments(text).strip())


def _without_stop(text: str) -> str:
    return text.rstrip(",;: ").removesuffix(".").rstrip()


def canonical(cleaned: str) -> str:
    """For comparing character by character: no space that could be left out. `1 1/2` keeps its own."""
    return _INNER_SPACE.sub(lambda space: " " if _parts_words(space) else "", cleaned)


def untext(cleaned: str) -> str:
    r"""With the contents of each `\text{}` in its place."""
    return _TEXT.sub(r" \1 ", cleaned).strip()


def _parts_words(space: re.Match[str]) -> bool:
    before, after = space.string[: space.start()][-1:], space.string[space.end() :][:1]
    return before.isalnum() and after.isalnum()


def _bare_dollars(text: str) -> str:
    """Dollars in pairs set mathematics. A single one is money."""
    return text.replace("$", _MONEY) if text.count("$") == 1 else text.replace("$", "")


def _nested_powers(chain: re.Match[str]) -> str:
    """Python's ** binds to the right: 2**3**2 is 2^{3^{2}}."""
    operands = [operand.strip() for operand in chain.group().split("**")]
    return "^{".join(operands) + "}" * (len(operands) - 1)


def brace_arguments(text: str) -> str:
    r"""`\frac12` as `\frac{1}{2}`, `\sqrt8` as `\sqrt{8}`, `\sqrt(8)` as `\sqrt{(8)}`."""
    if "\\frac" not in text and "\\sqrt" not in text:
        return text
    closing = _closings(text)
    inserts: list[tuple[int, str]] = []
    for command in _COMMAND.finditer(text):
        position = command.end()
        if command.group(1) == "sqrt":
            position = _after_option(text, position, closing)
            _brace(text, position, closing, inserts)
        else:
            position = _brace(text, position, closing, inserts)
            _brace(text, position, closing, inserts)
    return _inserted(text, inserts)


def _after_option(text: str, position: int, closing: dict[int, int]) -> int:
    start = _skip(text, position)
    return closing.get(start, start) + 1 if text[start : start + 1] == "[" else position


def _brace(text: str, position: int, closing: dict[int, int], inserts: list[tuple[int, str]]) -> int:
    """Braces the argument that starts at `position`, where it has none. Returns where it ends."""
    start = _skip(text, position)
    if start >= len(text) or text[start] in "})]" or _COMMAND.match(text, start):
        return start
    if text[start] == "{":
        return closing.get(start, start) + 1
    end = closing[start] + 1 if text[start] == "(" and start in closing else _token_end(text, start)
    inserts += [(start, "{"), (end, "}")]
    return end


def _skip(text: str, position: int) -> int:
    while position < len(text) and text[position] == " ":
        position += 1
    return position


def _token_end(text: str, start: int) -> int:
    token = _TOKEN.match(text, start)
    return token.end() if token else start


def _closings(text: str) -> dict[int, int]:
    """Where the bracket that opens at each position closes. Mismatched brackets are left out."""
    closing: dict[int, int] = {}
    stack: list[int] = []
    for token in _TOKEN.finditer(text):
        character = token.group()
        if character in _CLOSES:
            stack.append(token.start())
        elif stack and character == _CLOSES[text[stack[-1]]]:
            closing[stack.pop()] = token.start()
    return closing


def _inserted(text: str, inserts: list[tuple[int, str]]) -> str:
    pieces: list[str] = []
    done = 0
    for position, brace in sorted(inserts, key=lambda insert: insert[0]):
        pieces += [text[done:position], brace]
        done = position
    return "".join([*pieces, text[done:]])
