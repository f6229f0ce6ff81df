r"""Normalizes the spelling of an answer's LaTeX without changing its meaning.

`clean` removes layout (`\left`, `\,`, dollars, `\dfrac`, a `\boxed{}` around the answer) and rewrites what people and
models type instead of LaTeX (`sqrt(8)`, `x**2`, `√61`, `≤`). Base subscripts, units, percent signs and brackets are part
of the answer and stay.
"""

from __future__ import annotations

import re

from apps.verifiers.latex.braces import brace_arguments, rewrite_infix, unbox, unwrap_type
from apps.verifiers.latex.signs import translate_signs

# A longer text is not an answer, and nothing below runs on it.
MAX_CHARACTERS = 4_000
CURRENCY = "$€£¥₹"

# A private-use character replaces \$ while dollars that set mathematics are removed.
_MONEY = "\ue000"

_FUNCTIONS = "arcsin|arccos|arctan|arccot|arcsec|arccsc|sinh|cosh|tanh|sin|cos|tan|cot|sec|csc|log|lg|ln|exp|sqrt|pi"
_FONTS = "bf|it|rm|sf|tt|normal|md|up|sc|sl"
_REWRITES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        # Digit groups: `,\!`, `\,` and `{,}` between digits.
        (r"(?<=\d)\s?(?:\{,\}|,)\s?\\!\s?(?=\d)", ""),
        (r"(?<=\d)(?:\{,\}|\\,)(?=\d{3}(?!\d))", ","),
        (r"(?<!\\)\\[()\[\]]", ""),
        (r"\\(?:left|right|[bB]igg?[lrm]?)(?![A-Za-z])\.?", ""),
        (r"\\(?:displaystyle|textstyle|scriptstyle|limits|nolimits|strut)(?![A-Za-z])", ""),
        (r"\\(?:bf|rm|it|large|Large|small|normalsize)(?![A-Za-z])\s?", ""),
        (r"\\(?:textcolor\s?\{\w+\}|color\s?\{\w+\})", ""),
        (r"\\mathrm\s+([ie])(?![A-Za-z])", r" \1"),
        (r"\\!", ""),
        (r"(?<!\\)\\[,;:>\s]|~|\\q?quad(?![A-Za-z])", " "),
        (r"\\(?:[dtc]frac|[sn]?(?:ice)?frac)(?![A-Za-z])", r"\\frac"),
        (r"\\[dt]binom(?![A-Za-z])", r"\\binom"),
        # Digits and the constants i and e mean the same in any typeface; a bold letter is that letter.
        (r"\\(?:mathrm|mathit|mathnormal|operatorname\*?|text(?:rm|it|normal)?|mathbf)\s?\{\s?([ie])\s?\}", r" \1 "),
        (r"\\(?:mathbf|boldsymbol|bm|pmb|mathit|mathnormal|underline)\s?([A-Za-z\d])", r"\1"),
        (
            rf"\\(?:text(?:{_FONTS})?|mbox|hbox|mathrm|mathsf|mathtt|emph)\s?\{{\s?([-+]?[\d.,/\s]*\d\\?%?)\s?\}}",
            r" \1 ",
        ),
        (rf"\\(?:text(?:{_FONTS}|superscript)|mbox|hbox|mathrm|mathsf|mathtt|emph)(?![A-Za-z])", r"\\text"),
        (rf"\\(?:text|operatorname\*?)\s?\{{\s?({_FUNCTIONS})\s?\}}", r"\\\1 "),
        (
            r"(?:\{\s?\})?_\s?\{?(\w+)\}?\s?C\s?_\s?\{?(\w+)\}?|(?<![A-Za-z\\])C\((\d+),\s?(\d+)\)",
            r"\\binom{\1\3}{\2\4}",
        ),
        (r"\\text\s?\{([.,;:\s]?)\}", r"\1"),
        (r"\\text\s?\{\s*,?\s*(and|or)\s*\}|\\(?:quad)?(?:(?<=\\)l(?=or|and))(or|and)(?![A-Za-z])", r" \1\2 "),
        (r"\\surd(?![A-Za-z])", r"\\sqrt"),
        (r"\+\s?/\s?-|(?:^|(?<==))\s*\+-", r"\\pm "),
        (r"\\vee(?![A-Za-z])", " or "),
        (r"\\wedge(?![A-Za-z])", " and "),
        (r"\{,\}", ","),
        (r"\\%", "%"),
        (
            r"\^\s?(?:\{\s?\\circ\s?\}|\\circ(?![A-Za-z]))|\\degrees?(?![A-Za-z])|\\textdegree|\\(?:deg)(?![A-Za-z])",
            "°",
        ),
        (r"(?<=\d)\s?(?:\\text\s?\{\s?(?:degrees?|deg)\s?\}|degrees?(?![A-Za-z]|\s?[CFcf](?:$|[a-z])))", "°"),
        (r"\^\s?\{?\s?\\text\s?\{\s?(st|nd|rd|th)\s?\}\s?\}?", r"\1"),
        (r"\\lbrace(?![A-Za-z])", r"\\{"),
        (r"\\rbrace(?![A-Za-z])", r"\\}"),
        (r"\\[lr]?vert(?![A-Za-z])", "|"),
        (r"\\colon(?![A-Za-z])", ":"),
        (r"\\(?:leq(?:q|slant)?|leqq)(?![A-Za-z])|<=|=<", r"\\le "),
        (r"\\(?:geq(?:q|slant)?|geqq)(?![A-Za-z])|>=", r"\\ge "),
        (r"\\lt(?![A-Za-z])", "<"),
        (r"\\gt(?![A-Za-z])", ">"),
        (r"\\neq(?![A-Za-z])|!=", r"\\ne "),
        (r"\\(?:varnothing|O)(?![A-Za-z])", r"\\emptyset "),
        (r"\\(?:backslash|smallsetminus)(?![A-Za-z])", r"\\setminus "),
        (r"\\(?:Bbb|mathbf|mathbb)\s?(?:\{\s?R\s?\}|R(?![A-Za-z]))|\\(?:R|reals)(?![A-Za-z])", r"\\mathbb{R}"),
        (r"(?<![A-Za-z\\])(?:infinity|infty|inf)(?![A-Za-z])", r"\\infty "),
        (r"(?<![A-Za-z\\])sqrt\s?(\d+(?:\.\d+)?)", r"\\sqrt{\1}"),
        (r"(?<![A-Za-z\\])cbrt(?![A-Za-z])\s?(?:\(([^()]*)\)|(\d+))", r"\\sqrt[3]{\1\2}"),
        # "sec" may be seconds.
        (rf"(?<![A-Za-z\\])(?!sec(?!\s?[\^(\\]|\s[a-z](?![a-z])))({_FUNCTIONS})(?![A-Za-z])", r"\\\1 "),
        (r"\\sqrt\s?(\d+(?:\.\d+)?)", r"\\sqrt{\1}"),
        (r"\\(pi|infty|cdot|times)(?![A-Za-z])\s*", r"\\\1 "),
        (r"(?<![\w)}\]])(?<![\w)}\]]\s)\+\s?(?=\\infty)", ""),
        # Without braces, LaTeX would raise only the first digit, which is not what 2^10 is meant to say.
        (r"\^\s?([+-]?\s?\d+(?:\.\d+)?|[+-]?\s?[A-Za-z])", r"^{\1}"),
        (r"_\s?(\d+|[A-Za-z])", r"_{\1}"),
        (r"\^\s?\(([^()]*)\)", r"^{\1}"),
        (r"\s+", " "),
    )
)
_POWERS = re.compile(r"(?<![\w.])(?:[\w.]+|\([^()]*\))(?:\s?\*\*\s?(?:[-+]?[\w.]+|\([^()]*\)))+")
_PLAIN = re.compile(r"[-+]?[\d.,/%]*")
_NEEDLESS_SPACE = re.compile(r"(?<![^\W_]) | (?![^\W_])")
_TEXT = re.compile(r"\\text\s?\{((?:[^{}]|\{[^{}]*\})*)\}")
_EMPHASIS = re.compile(r"\*\*([^*]+)\*\*|__([^_]+)__|`([^`]+)`")


def clean(text: str) -> str:
    """One spelling for one answer. Idempotent on its own results up to spaces; linear in `text`."""
    text = text.strip()
    if text.isascii() and _PLAIN.fullmatch(text):
        return _without_stop(text)
    text = translate_signs(text).strip()
    if emphasis := _EMPHASIS.fullmatch(text):
        # Markdown's marks around the whole answer.
        text = (emphasis[1] or emphasis[2] or emphasis[3]).strip()
    text = unbox(text).replace(r"\$", _MONEY)
    # Dollars in pairs set mathematics. A single one is money.
    text = text.replace("$", _MONEY if text.count("$") == 1 else "").replace(_MONEY, "$").strip()
    text = _POWERS.sub(_nested_powers, text).replace("**", "^")
    text = unwrap_type(rewrite_infix(text))
    for pattern, replacement in _REWRITES:
        text = pattern.sub(replacement, text)
    return _without_stop(brace_arguments(text).strip())


def _without_stop(text: str) -> str:
    text = text.rstrip(",;: ")
    return text if text.endswith("...") else text.removesuffix(".").rstrip()


def canonical(cleaned: str) -> str:
    """For comparing character by character: without the spaces that separate nothing. `1 1/2` keeps its space."""
    return _NEEDLESS_SPACE.sub("", cleaned)


def untext(cleaned: str) -> str:
    r"""With the contents of each `\text{}` in its place."""
    return _TEXT.sub(r" \1 ", cleaned).strip()


def _nested_powers(chain: re.Match[str]) -> str:
    """Python's ** binds to the right: 2**3**2 is 2^{3^{2}}."""
    operands = [operand.strip() for operand in chain.group().split("**")]
    return "^{".join(
        [operands[0], *(operand.removeprefix("(").removesuffix(")") for operand in operands[1:])]
    ) + "}" * (len(operands) - 1)
