r"""Pairs of a reference answer and a rewritten one, by rule from real answers: equivalent ones and wrong ones.

Each rule takes an answer and dice, and returns a pair, or None where it does not fit the answer. The rules of EQUIVALENT
change the notation of an answer, those of WRONG its meaning. They are independent of the verifier.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
Written = tuple[str, str] | None
Rule = Callable[[str, random.Random], Written]


class Pair(NamedTuple):
    rule: str
    reference: str
    answer: str


INTEGER = re.compile(r"-?\d{1,9}")
FRACTION = re.compile(r"(-?)\\d?frac\{(\d+)\}\{(\d+)\}")
ROOT = re.compile(r"(-?)(\d*) ?\\sqrt\{(\d+)\}")
TUPLE = re.compile(r"\\left\(\s*(.+), (.+?)\s*\\right\)|\((-?[\w\\{}/.]+),\s?(-?[\w\\{}/.]+)\)")
DEGREES = re.compile(r"(\d+)\^\\circ")
COMPLEX = re.compile(r"(-?\d+) ?([+-]) ?(\d+)i")
BASED = re.compile(r"(\d+)_\{?(\d)\}?")
LIST = re.compile(r"(-?\d+),\s?(-?\d+)((?:,\s?-?\d+)*)")
POLYNOMIAL = re.compile(r"[-+ \dxkpq^]*[xkpq][-+ \dxkpq^]*")
LETTERS = re.compile(r"\\text\{\(([A-J])\)\}")
WORD = re.compile(r"\\text\{([A-Za-z]+)\}")
COLUMN = re.compile(r"\\begin\{pmatrix\} (-?[\d/]+) \\\\ (-?[\d/]+) \\\\ (-?[\d/]+) \\end\{pmatrix\}")
UNITS = {"cm": "m", "kg": "g", "km/h": "m/s", "min": "h", "cm^2": "cm^3", "kW": "W", "mL": "L", "feet": "inches"}
SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
FULL_WIDTH = {ord(digit): ord(digit) + 0xFEE0 for digit in "0123456789"}
ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen "
    "nineteen"
)
TENS = "twenty thirty forty fifty sixty seventy eighty ninety"


def real_answers() -> list[str]:
    """Of MATH-500 and of the first 200 problems of GSM8K's test part, each answer once."""
    math = [json.loads(line)["answer"] for line in (DATA / "math500.jsonl").read_text().splitlines()]
    gsm8k = [
        json.loads(line)["answer"].rpartition("#### ")[2]
        for line in (DATA / "gsm8k_test.jsonl").read_text().splitlines()
    ]
    return list(dict.fromkeys([*math, *gsm8k[:200]]))


def pairs(rules: dict[str, Rule], *, seed: int, per_rule: int) -> Iterator[Pair]:
    """At most `per_rule` of each rule, the answers in an order that the seed and the rule's name decide."""
    answers = real_answers()
    for name, rule in rules.items():
        dice = random.Random(f"{seed} {name}")
        count = 0
        for answer in dice.sample(answers, len(answers)):
            written = rule(answer, dice)
            if written and written[0] != written[1] and count < per_rule:
                count += 1
                yield Pair(name, *written)


def number(answer: str) -> int | None:
    return int(answer) if INTEGER.fullmatch(answer) else None


def of_number(write: Callable[[int, random.Random], str | None]) -> Rule:
    def rule(answer: str, dice: random.Random) -> Written:
        value = number(answer)
        written = write(value, dice) if value is not None else None
        return (answer, written) if written else None

    return rule


def of_match(pattern: re.Pattern[str], write: Callable[[re.Match[str], random.Random], str | None]) -> Rule:
    def rule(answer: str, dice: random.Random) -> Written:
        match = pattern.fullmatch(answer)
        written = write(match, dice) if match else None
        return (answer, written) if written else None

    return rule


def of_any(write: Callable[[str], str | None]) -> Rule:
    def rule(answer: str, _: random.Random) -> Written:
        written = write(answer)
        return (answer, written) if written else None

    return rule


def changed(pattern: str, replacement: str) -> Rule:
    return of_any(lambda answer: re.sub(pattern, replacement, answer))


def in_words(value: int) -> str:
    if value < 20:
        return ONES.split()[value]
    if value < 100:
        ten, unit = divmod(value, 10)
        return TENS.split()[ten - 2] + (f"-{ONES.split()[unit]}" if unit else "")
    if value < 1000:
        hundred, rest = divmod(value, 100)
        return f"{ONES.split()[hundred]} hundred" + (f" and {in_words(rest)}" if rest else "")
    thousand, rest = divmod(value, 1000)
    return f"{in_words(thousand)} thousand" + (f" {in_words(rest)}" if rest else "")


def with_commas(value: int) -> str:
    return f"{value:,}"


def decimal_of(value: Fraction) -> str | None:
    """Exact and short, or None."""
    for places in range(1, 8):
        if (value * 10**places).denominator == 1:
            digits = f"{abs(value * 10**places).numerator:0{places + 1}d}"
            return ("-" if value < 0 else "") + f"{digits[:-places]}.{digits[-places:]}"
    return None


def fraction_of(match: re.Match[str]) -> Fraction:
    return Fraction(int(match[2]), int(match[3])) * (-1 if match[1] else 1)


def over(value: Fraction) -> str:
    return f"{'-' if value < 0 else ''}\\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"


def repeating(match: re.Match[str]) -> str | None:
    top, bottom = int(match[2]), int(match[3])
    whole, rest = divmod(top, bottom)
    digits: list[int] = []
    seen: dict[int, int] = {}
    while rest and rest not in seen and len(digits) < 20:
        seen[rest] = len(digits)
        digit, rest = divmod(rest * 10, bottom)
        digits.append(digit)
    if rest not in seen:
        return None
    ahead, cycle = "".join(map(str, digits[: seen[rest]])), "".join(map(str, digits[seen[rest] :]))
    return f"{match[1]}{whole}.{ahead}\\overline{{{cycle}}}"


def mixed(match: re.Match[str]) -> str | None:
    whole, rest = divmod(int(match[2]), int(match[3]))
    return f"{match[1]}{whole}\\frac{{{rest}}}{{{match[3]}}}" if whole and rest else None


def both(reference: Callable[[int], str], answer: Callable[[int], str]) -> Rule:
    """Both sides are rewritten from the same number."""

    def rule(text: str, _: random.Random) -> Written:
        value = number(text)
        return (reference(value), answer(value)) if value is not None and value > 1 else None

    return rule


def with_unit(text: str, dice: random.Random) -> Written:
    value, unit = number(text), dice.choice(list(UNITS))
    return None if value is None else (f"{value}\\text{{ {unit}}}", f"{value} {unit}")


def with_another_unit(text: str, dice: random.Random) -> Written:
    value, unit = number(text), dice.choice(list(UNITS))
    return None if not value else (f"{value}\\text{{ {unit}}}", f"{value}\\text{{ {UNITS[unit]}}}")


def members(match: re.Match[str]) -> list[str]:
    return [member.strip() for member in match.string.split(",")]


def coordinates(match: re.Match[str]) -> tuple[str, str]:
    return (match[1] or match[3]).strip(), (match[2] or match[4]).strip()


def terms_turned(match: re.Match[str], _: random.Random) -> str | None:
    terms = re.findall(r"[+-]?[^+-]+", match.group().replace(" ", ""))
    signed = [term if term[0] in "+-" else f"+{term}" for term in terms]
    return "".join(reversed(signed)).removeprefix("+") if len(terms) > 1 else None


def sets_of(value: int) -> tuple[str, str]:
    return f"(-\\infty,{value})\\cup({value + 4},\\infty)", f"x<{value} or x>{value + 4}"


EQUIVALENT: dict[str, Rule] = {
    # Layout.
    "dollars": of_any(lambda answer: None if "$" in answer else f"${answer}$"),
    "parentheses of LaTeX": of_any(lambda answer: f"\\({answer}\\)"),
    "box": of_any(lambda answer: f"\\boxed{{{answer}}}"),
    "box in dollars": of_any(lambda answer: None if "$" in answer else f"$\\boxed{{{answer}}}$"),
    "box in a sentence": of_any(lambda answer: None if "$" in answer else f"So the answer is $\\boxed{{{answer}}}$."),
    "full stop": of_any(lambda answer: f"{answer}."),
    "display style": of_any(lambda answer: f"\\displaystyle {answer}"),
    "braces": of_any(lambda answer: f"{{{answer}}}"),
    "spaces": changed(r"([-+,=])", r" \1 "),
    "thin spaces": of_any(lambda answer: None if "\\!" in answer else re.sub(r"(?<=,)", r"\\, ", answer)),
    "left and right": changed(r"(?<!left)(?<!\\)\((.+?)(?<!right)\)", r"\\left(\1\\right)"),
    "big brackets": changed(r"\\left\((.+?)\\right\)", r"\\bigl(\1\\bigr)"),
    "dfrac": changed(r"\\d?frac", r"\\dfrac"),
    "tfrac": changed(r"\\d?frac", r"\\tfrac"),
    "bold by Markdown": of_any(lambda answer: f"**{answer}**"),
    "name before it": of_any(lambda answer: None if "=" in answer else f"x = {answer}"),
    "approximately": of_number(lambda value, _: f"\\approx {value}"),
    # Signs.
    "typed minus": changed("-", "−"),
    "full-width digits": of_number(lambda value, _: str(value).translate(FULL_WIDTH)),
    "typed pi": changed(r"\\pi", "π"),
    "typed root": changed(r"\\sqrt\{?(\d+)\}?", r"√\1"),
    "root with words": changed(r"\\sqrt\{?(\d+)\}?", r"sqrt(\1)"),
    "root as a power": of_match(ROOT, lambda match, _: f"{match[1]}{match[2]}{'*' if match[2] else ''}{match[3]}**0.5"),
    "typed powers": of_any(lambda answer: re.sub(r"\^(\d)", lambda power: power[1].translate(SUPERSCRIPTS), answer)),
    "powers of Python": changed(r"\^(\d)", r"**\1"),
    "typed infinity": changed(r"\\infty", "∞"),
    "full-width brackets": of_match(TUPLE, lambda match, _: "（" + "，".join(coordinates(match)) + "）"),
    # Integers.
    "text": of_number(lambda value, _: f"\\text{{{value}}}"),
    "bold": of_number(lambda value, _: f"\\mathbf{{{value}}}"),
    "upright": of_number(lambda value, _: f"\\mathrm{{{value}}}"),
    "decimal zero": of_number(lambda value, _: f"{value}.0"),
    "decimal zeros": of_number(lambda value, _: f"{value}.00"),
    "over one": of_number(lambda value, _: f"\\frac{{{value}}}{{1}}"),
    "in brackets": of_number(lambda value, _: f"({value})"),
    "sum": of_number(lambda value, dice: f"{value - 7}+7" if dice.random() < 0.5 else f"{value + 12} - 12"),
    "doubled and halved": of_number(lambda value, _: f"\\frac{{{2 * value}}}{{2}}"),
    "halves typed": of_number(lambda value, _: f"{2 * value}/2"),
    "commas": of_number(lambda value, _: with_commas(value) if abs(value) > 999 else None),
    "commas in braces": of_number(
        lambda value, _: with_commas(value).replace(",", "{,}") if abs(value) > 999 else None
    ),
    "commas of LaTeX": of_number(
        lambda value, _: with_commas(value).replace(",", ",\\!") if abs(value) > 999 else None
    ),
    "words": of_number(lambda value, _: in_words(value) if 0 <= value < 100_000 else None),
    "capital words": of_number(lambda value, _: in_words(value).capitalize() if 0 <= value < 100_000 else None),
    "power of ten": of_number(
        lambda value, _: (
            f"{value / 10 ** (len(str(abs(value))) - 1)} \\times 10^{{{len(str(abs(value))) - 1}}}" if value else None
        )
    ),
    "root of the square": of_number(lambda value, _: f"\\sqrt{{{value * value}}}" if value > 0 else None),
    "logarithm": of_number(lambda value, _: f"\\log_2 {2**value}" if 0 < value < 40 else None),
    "logarithm over a number": of_number(
        lambda value, _: f"\\frac{{\\log_2 {4**value}}}{{2}}" if 0 < value < 20 else None
    ),
    "binomial": of_number(lambda value, _: f"{{{value} \\choose 1}}" if value > 0 else None),
    "sine of ninety degrees": of_number(lambda value, _: f"{value}\\sin 90^\\circ" if value > 0 else None),
    "twice the sine of thirty degrees": of_number(lambda value, _: f"{2 * value} \\cdot \\sin(30^{{\\circ}})"),
    "letters that cancel": of_number(lambda value, _: f"{value} + R + r - r - R"),
    "dollars and money": of_number(lambda value, _: f"\\${value}" if value > 0 else None),
    "dollars in words": of_number(lambda value, _: f"{value} dollars" if value > 0 else None),
    "unit of the reference left out": both(lambda value: f"{value}\\text{{ cm}}", str),
    "unit of the reference as text": with_unit,
    "label": of_number(lambda value, _: f"{value} apples" if value > 1 else None),
    "percent sign": both(lambda value: f"{value}\\%", lambda value: f"{value}%"),
    "percent in words": both(lambda value: f"{value}\\%", lambda value: f"{value} percent"),
    "set of one": of_number(lambda value, _: f"\\{{{value}\\}}"),
    "equation of numbers": of_number(lambda value, _: f"{value - 3} + 3 = {value}"),
    # Fractions.
    "slash": of_match(FRACTION, lambda match, _: f"{match[1]}{match[2]}/{match[3]}"),
    "over": of_match(FRACTION, lambda match, _: f"{match[1]}{{{match[2]} \\over {match[3]}}}"),
    "sign above": of_match(FRACTION, lambda match, _: f"\\frac{{-{match[2]}}}{{{match[3]}}}" if match[1] else None),
    "expanded": of_match(
        FRACTION,
        lambda match, dice: f"{match[1]}\\frac{{{int(match[2]) * 6}}}{{{int(match[3]) * 6}}}" if dice else None,
    ),
    "decimal": of_match(FRACTION, lambda match, _: decimal_of(fraction_of(match))),
    "repeating decimal": of_match(FRACTION, lambda match, _: repeating(match)),
    "mixed number": of_match(FRACTION, lambda match, _: mixed(match)),
    "divided": of_match(FRACTION, lambda match, _: f"{match[1]}{match[2]} \\div {match[3]}"),
    "power of minus one": of_match(FRACTION, lambda match, _: f"{match[1]}{match[2]} \\cdot {match[3]}^{{-1}}"),
    "unit fraction": of_match(FRACTION, lambda match, _: f"{match[1]}\\frac{{1}}{{{match[3]}}} \\cdot {match[2]}"),
    "ratio": of_match(FRACTION, lambda match, _: None if match[1] else f"{match[2]}:{match[3]}"),
    "fraction in text": of_match(FRACTION, lambda match, _: f"{match[1]}\\text{{{match[2]}/{match[3]}}}"),
    "fraction of a decimal": of_match(FRACTION, lambda match, _: f"{match[1]}\\frac{{{match[2]}.0}}{{{match[3]}}}"),
    # Roots, polynomials, complex numbers.
    "under the root": of_match(
        ROOT, lambda match, _: f"{match[1]}\\sqrt{{{int(match[2] or 1) ** 2 * int(match[3])}}}" if match[2] else None
    ),
    "root behind": of_match(ROOT, lambda match, _: f"{match[1]}\\sqrt{{{match[3]}}} \\cdot {match[2] or 1}"),
    "terms turned": of_match(POLYNOMIAL, terms_turned),
    "minus the negative": of_match(POLYNOMIAL, lambda match, _: f"-(-({match.group()}))"),
    "over one letter": of_match(POLYNOMIAL, lambda match, _: f"\\frac{{({match.group()})z}}{{z}}"),
    "upright i": of_match(COMPLEX, lambda match, _: f"{match[1]}{match[2]}{match[3]}\\mathrm{{i}}"),
    "i in text": of_match(COMPLEX, lambda match, _: f"{match[1]}{match[2]}{match[3]}\\text{{i}}"),
    "imaginary part first": of_match(COMPLEX, lambda match, _: f"{match[2].strip('+')}{match[3]}i + {match[1]}"),
    # Pairs, lists, matrices.
    "slashes inside": of_match(TUPLE, lambda match, _: re.sub(r"\\frac\{(\d+)\}\{(\d+)\}", r"\1/\2", match.group())),
    "doubled inside": of_match(
        TUPLE, lambda match, _: "(" + ", ".join(f"\\frac{{2({part})}}{{2}}" for part in coordinates(match)) + ")"
    ),
    "turned list": of_match(
        LIST, lambda match, _: ", ".join(reversed(members(match))) if len(match.group()) < 40 else None
    ),
    "list in braces": of_match(LIST, lambda match, _: "\\{" + ", ".join(members(match)) + "\\}"),
    "list with and": of_match(LIST, lambda match, _: " and ".join(members(match))),
    "list with or": of_match(LIST, lambda match, _: " or ".join(f"x = {member}" for member in members(match))),
    "list in dollars": of_match(LIST, lambda match, _: " and ".join(f"${member}$" for member in members(match))),
    "column in square brackets": changed(r"\{pmatrix\}", "{bmatrix}"),
    "doubled column": of_match(
        COLUMN,
        lambda match, _: (
            "\\frac{1}{2}\\begin{pmatrix} "
            + " \\\\ ".join(
                over(2 * Fraction(entry)) if "/" in entry else str(2 * int(entry)) for entry in match.groups()
            )
            + " \\end{pmatrix}"
        ),
    ),
    "column as a triple": of_match(COLUMN, lambda match, _: f"({', '.join(match.groups())})"),
    "plus or minus": both(
        lambda value: f"\\{{{value}\\pm\\sqrt{{7}},-3\\}}",
        lambda value: f"\\{{-3,{value}-\\sqrt{{7}},{value}+\\sqrt{{7}}\\}}",
    ),
    "commas in a pair": both(lambda value: f"({value + 1000}, 5)", lambda value: f"({value + 1000:,}, 5)"),
    "inequalities": lambda text, _: None if number(text) is None else sets_of(int(text)),
    "chained inequality": both(lambda value: f"[-2,{value})", lambda value: f"-2 \\le x < {value}"),
    "two conditions": both(lambda value: f"(1,{value + 3})", lambda value: f"x>1 \\text{{ and }} x<{value + 3}"),
    "set builder": both(lambda value: f"({value},\\infty)", lambda value: f"\\{{x \\mid x > {value}\\}}"),
    "all but one": both(lambda value: f"x \\ne {value}", lambda value: f"(-\\infty,{value})\\cup({value},\\infty)"),
    "ratio of three": both(lambda value: f"{value}:2:5", lambda value: f"{3 * value} : 6 : 15"),
    "ratio with to": both(lambda value: f"{value}:7", lambda value: f"{value} to 7"),
    "feet and inches": both(
        lambda value: f"{value}\\text{{ ft }}2\\text{{ in}}", lambda value: f"{value} feet 2 inches"
    ),
    "hours and minutes": both(lambda value: f"{value}\\text{{ h }}30\\text{{ min}}", lambda value: f"{value}.5 hours"),
    "commas before pi": both(lambda value: f"{value * 1000}\\pi", lambda value: f"{value * 1000:,}\\pi"),
    "small powers": both(lambda value: f"\\frac{{1}}{{2^{{{value + 60}}}}}", lambda value: f"2^{{-{value + 60}}}"),
    "line turned": both(lambda value: f"y = {value}x + 3", lambda value: f"{value}x - y + 3 = 0"),
    # Angles, bases, words, choices.
    "degree sign": changed(r"\^\\circ", "°"),
    "degrees in words": of_match(DEGREES, lambda match, _: f"{match[1]} degrees"),
    "degrees left out": of_match(DEGREES, lambda match, _: match[1]),
    "radians": of_match(DEGREES, lambda match, _: f"\\frac{{{match[1]}\\pi}}{{180}}"),
    "base in braces": of_match(BASED, lambda match, _: f"{match[1]}_{{{match[2]}}}"),
    "base in words": of_match(BASED, lambda match, _: f"{match[1]}_{{\\text{{{in_words(int(match[2]))}}}}}"),
    "base behind": of_match(BASED, lambda match, _: f"{match[1]} base {match[2]}"),
    "word in another case": of_match(WORD, lambda match, _: match[1].swapcase()),
    "word in quotation marks": of_match(WORD, lambda match, _: f'"{match[1]}"'),
    "word in bold": of_match(WORD, lambda match, _: f"\\textbf{{{match[1]}}}"),
    "choice without text": of_match(LETTERS, lambda match, _: f"({match[1]})"),
    "choice in bold": of_match(LETTERS, lambda match, _: f"\\textbf{{({match[1]})}}"),
    "option": of_match(LETTERS, lambda match, _: f"Option {match[1]}"),
}


def digits_turned(value: int, _: random.Random) -> str | None:
    turned = str(abs(value))[::-1]
    return turned if turned != str(abs(value)) and not turned.startswith("0") and value > 0 else None


def letter_case(answer: str, _: random.Random) -> Written:
    match = re.search(r"(?<![\\A-Za-z])[xkpqab](?![A-Za-z])", answer)
    if match is None or "\\text" in answer or "=" in answer:
        return None
    return answer, answer.replace(match.group(), match.group().upper())


WRONG: dict[str, Rule] = {
    "one more": of_number(lambda value, _: str(value + 1)),
    "one less": of_number(lambda value, _: str(value - 1)),
    "negative": of_number(lambda value, _: str(-value) if value else None),
    "ten times": of_number(lambda value, _: str(10 * value) if value else None),
    "a tenth": of_number(lambda value, _: f"{value / 10}" if value % 10 else None),
    "digits turned": of_number(digits_turned),
    "square": of_number(lambda value, _: str(value * value) if abs(value) > 1 else None),
    "nearly": of_number(lambda value, _: f"{value}.01"),
    "in another base": of_number(lambda value, _: f"{value}_{{9}}" if value > 9 and "9" not in str(value) else None),
    "times a letter": of_number(lambda value, _: f"{value}x" if value else None),
    "times i": of_number(lambda value, _: f"{value}i" if value else None),
    "root": of_number(lambda value, _: f"\\sqrt{{{value}}}" if value > 1 else None),
    "two answers": of_number(lambda value, _: f"{value}, {value + 1}"),
    "two answers with and": of_number(lambda value, _: f"${value}$ and ${value + 2}$"),
    "both signs": of_number(lambda value, _: f"\\pm {value}" if value else None),
    "a pair": of_number(lambda value, _: f"({value}, {value})"),
    "another in text": of_number(lambda value, _: f"\\text{{{value + 1}}}"),
    "another in words": of_number(lambda value, _: in_words(value + 1) if 0 <= value < 100_000 else None),
    "another box": of_number(lambda value, _: f"\\boxed{{{value + 10}}}"),
    "cosine": of_number(lambda value, _: f"{value}\\cos 60^\\circ" if value else None),
    "sine without degrees": of_number(lambda value, _: f"{value}\\sin 90" if value else None),
    "inequality": of_number(lambda value, _: f"x > {value}"),
    "interval": of_number(lambda value, _: f"[{value}, \\infty)"),
    "another unit": with_another_unit,
    "percent of another size": both(lambda value: f"{value}\\%", lambda value: f"{10 * value}\\%"),
    "cents for dollars": both(lambda value: f"\\${value}", lambda value: f"{value} cents"),
    "degrees of another scale": both(lambda value: f"{value} °C", lambda value: f"{value} °F"),
    "degrees for radians": both(lambda value: f"{value}^\\circ", lambda value: f"{value}\\text{{ radians}}"),
    "another name": both(lambda value: f"x = {value}", lambda value: f"y = {value}"),
    "inverted": of_match(
        FRACTION, lambda match, _: f"{match[1]}\\frac{{{match[3]}}}{{{match[2]}}}" if match[2] != match[3] else None
    ),
    "numerator one more": of_match(FRACTION, lambda match, _: f"{match[1]}\\frac{{{int(match[2]) + 1}}}{{{match[3]}}}"),
    "denominator one more": of_match(
        FRACTION, lambda match, _: f"{match[1]}\\frac{{{match[2]}}}{{{int(match[3]) + 1}}}"
    ),
    "other sign": of_match(
        FRACTION, lambda match, _: match.group().removeprefix("-") if match[1] else f"-{match.group()}"
    ),
    "rounded": of_match(
        FRACTION,
        lambda match, _: f"{float(fraction_of(match)):.2f}" if (fraction_of(match) * 100).denominator != 1 else None,
    ),
    "numerator alone": of_match(FRACTION, lambda match, _: f"{match[1]}{match[2]}"),
    "ratio turned": of_match(FRACTION, lambda match, _: None if match[1] else f"{match[3]}:{match[2]}"),
    "over another": of_match(FRACTION, lambda match, _: f"{match[1]}{{{match[2]} \\over {int(match[3]) + 2}}}"),
    "radicand one more": of_match(ROOT, lambda match, _: f"{match[1]}{match[2]}\\sqrt{{{int(match[3]) + 1}}}"),
    "coefficient one more": of_match(ROOT, lambda match, _: f"{match[1]}{int(match[2] or 1) + 1}\\sqrt{{{match[3]}}}"),
    "without the root": of_match(ROOT, lambda match, _: f"{match[1]}{match[2] or ''}({match[3]})"),
    "cube root": of_match(ROOT, lambda match, _: f"{match[1]}{match[2]}\\sqrt[3]{{{match[3]}}}"),
    "root of one digit": of_match(ROOT, lambda match, _: f"{match[1]}{match[2]}√{match[3][::-1]}0"),
    "letter in another case": letter_case,
    "another letter": of_match(
        POLYNOMIAL, lambda match, _: re.sub(r"[xkp]", "w", match.group()) if re.search("[xkp]", match.group()) else None
    ),
    "a sign turned": of_match(
        POLYNOMIAL,
        lambda match, _: re.sub(r"(?<=\S)\s?[+-]", lambda sign: "+" if "-" in sign[0] else "-", match.group(), count=1),
    ),
    "constant added": of_match(POLYNOMIAL, lambda match, _: f"{match.group()}+1"),
    "another power": of_match(POLYNOMIAL, lambda match, _: f"({match.group()})^2"),
    "conjugate": of_match(COMPLEX, lambda match, _: f"{match[1]}{'+' if match[2] == '-' else '-'}{match[3]}i"),
    "upright conjugate": of_match(
        COMPLEX, lambda match, _: f"{match[1]}{'+' if match[2] == '-' else '-'}{match[3]}\\mathrm{{i}}"
    ),
    "parts turned": of_match(
        COMPLEX, lambda match, _: f"{match[2].strip('+')}{match[3]}+{match[1]}i" if match[1] != match[3] else None
    ),
    "real part alone": of_match(COMPLEX, lambda match, _: match[1]),
    "pair turned": of_match(
        TUPLE, lambda match, _: "({1}, {0})".format(*coordinates(match)) if len(set(coordinates(match))) == 2 else None
    ),
    "other brackets": of_match(TUPLE, lambda match, _: "[{}, {}]".format(*coordinates(match))),
    "set for a pair": of_match(TUPLE, lambda match, _: "\\{{{}, {}\\}}".format(*coordinates(match))),
    "first of the pair": of_match(TUPLE, lambda match, _: coordinates(match)[0]),
    "another second": of_match(
        TUPLE, lambda match, _: None if "infty" in match[0] else "({}, {}+1)".format(*coordinates(match))
    ),
    "list cut": of_match(LIST, lambda match, _: ", ".join(members(match)[:-1])),
    "list longer": of_match(LIST, lambda match, _: f"{match.group()}, 77"),
    "list changed": of_match(LIST, lambda match, _: ", ".join([*members(match)[:-1], "77"])),
    "list as a pair": of_match(LIST, lambda match, _: f"({', '.join(members(match))})"),
    "column changed": of_match(
        COLUMN, lambda match, _: f"\\begin{{pmatrix}} {match[1]} \\\\ {match[2]} \\\\ 91 \\end{{pmatrix}}"
    ),
    "column turned": of_match(
        COLUMN, lambda match, _: f"\\begin{{pmatrix}} {match[3]} \\\\ {match[2]} \\\\ {match[1]} \\end{{pmatrix}}"
    ),
    "column times two": of_match(COLUMN, lambda match, _: f"2{match.group()}"),
    "one of plus or minus": both(
        lambda value: f"\\{{{value}\\pm\\sqrt{{7}},-3\\}}", lambda value: f"\\{{{value}+\\sqrt{{7}},-3\\}}"
    ),
    "another end": both(
        lambda value: f"(-\\infty,{value})\\cup({value + 4},\\infty)", lambda value: f"x<{value} or x>{value + 5}"
    ),
    "closed for open": both(lambda value: f"[-2,{value})", lambda value: f"-2 \\le x \\le {value}"),
    "other direction": both(lambda value: f"({value},\\infty)", lambda value: f"x < {value}"),
    "ratio of three turned": both(lambda value: f"{value + 5}:2:5", lambda value: f"{value + 5}:5:2"),
    "ratio of two": both(lambda value: f"{value}:2:5", lambda value: f"{value}:2"),
    "ratio reversed": both(lambda value: f"{value + 7}:7", lambda value: f"7 to {value + 7}"),
    "other inches": both(lambda value: f"{value}\\text{{ ft }}2\\text{{ in}}", lambda value: f"{value} feet 3 inches"),
    "small powers differ": both(
        lambda value: f"\\frac{{1}}{{2^{{{value + 60}}}}}", lambda value: f"2^{{-{value + 61}}}"
    ),
    "small and nothing": both(lambda value: f"\\frac{{{value}}}{{10^{{25}}}}", lambda _: "0"),
    "radius and radius": both(lambda value: f"{value}R - {value}r", lambda _: "0"),
    "another line": both(lambda value: f"y = {value}x + 3", lambda value: f"{value}x - y - 3 = 0"),
    "pair with a comma": both(lambda value: f"({value}, 200)", lambda value: f"{value}200"),
    "another degree": of_match(DEGREES, lambda match, _: f"{int(match[1]) + 5}°"),
    "another base": of_match(BASED, lambda match, _: f"{match[1]}_{{{int(match[2]) + 1}}}"),
    "other digits": of_match(BASED, lambda match, _: f"1{match[1]}_{match[2]}"),
    "another word": of_match(WORD, lambda match, dice: f"\\text{{{dice.choice(['west', 'odd', 'Carla', 'square'])}}}"),
    "another choice": of_match(LETTERS, lambda match, _: f"({'D' if match[1] != 'D' else 'B'})"),
}
