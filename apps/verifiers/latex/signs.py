r"""Translates typed signs to LaTeX: `√61`, `x²`, `≤`, full-width digits, the various minus signs."""

from __future__ import annotations

import re
import unicodedata

_MINUSES = "−–—‐‑‒﹣－"
_SPACES = "\u00a0\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_INVISIBLE = "\u200b\u200c\u200d\u2060\u2061\u2062\u2063\ufeff\u200e\u200f"
_GREEK = {
    "α": "alpha",
    "β": "beta",
    "γ": "gamma",
    "δ": "delta",
    "ε": "epsilon",
    "ζ": "zeta",
    "η": "eta",
    "θ": "theta",
    "ι": "iota",
    "κ": "kappa",
    "λ": "lambda",
    "ν": "nu",
    "ξ": "xi",
    "ρ": "rho",
    "σ": "sigma",
    "τ": "tau",
    "φ": "phi",
    "ϕ": "phi",
    "χ": "chi",
    "ψ": "psi",
    "ω": "omega",
    "Γ": "Gamma",
    "Δ": "Delta",
    "Θ": "Theta",
    "Λ": "Lambda",
    "Σ": "Sigma",
    "Φ": "Phi",
    "Ψ": "Psi",
    "π": "pi",
}
_SIGNS = {
    "×": r"\times ",
    "✕": r"\times ",
    "⋅": r"\cdot ",
    "·": r"\cdot ",
    "∙": r"\cdot ",
    "∗": "*",
    "÷": "/",
    "∕": "/",
    "⁄": "/",
    "∞": r"\infty ",
    "≤": r"\le ",
    "≦": r"\le ",
    "⩽": r"\le ",
    "≥": r"\ge ",
    "≧": r"\ge ",
    "⩾": r"\ge ",
    "≠": r"\ne ",
    "∪": r"\cup ",
    "∩": r"\cap ",
    "∖": r"\setminus ",
    "∈": r"\in ",
    "∨": " or ",
    "∧": " and ",
    "±": r"\pm ",
    "∓": r"\mp ",
    "≈": r"\approx ",
    "⟨": r"\langle ",
    "⟩": r"\rangle ",
    "〈": r"\langle ",
    "〉": r"\rangle ",
    "∅": r"\emptyset ",
    "⌀": r"\emptyset ",
    "ℝ": r"\mathbb{R}",
    "ℤ": r"\mathbb{Z}",
    "ℕ": r"\mathbb{N}",
    "∶": ":",
    "：": ":",
    "。": ".",
    "．": ".",
    "、": ", ",
    "º": "°",
    "˚": "°",
    "℃": "°C",
    "℉": "°F",
    "…": r"\ldots ",
    "⋯": r"\cdots ",
    "“": '"',
    "”": '"',
    "„": '"',
    "«": '"',
    "»": '"',
    "‘": "'",
    "’": "'",
    "′": "'",
    "″": "''",
    "【": "[",
    "】": "]",
    "ⅈ": "i",
    "ⅇ": "e",
}
_TABLE = str.maketrans(
    dict.fromkeys(_MINUSES, "-")
    | dict.fromkeys(_SPACES, " ")
    | dict.fromkeys(_INVISIBLE, "")
    | {letter: f"\\{name} " for letter, name in _GREEK.items()}
    | _SIGNS
    # Full-width forms of the printable ASCII characters.
    | {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F) if chr(code) not in "－：．"}
)
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱˣʸ⁄", "0123456789+-=()nixy/")
_LOWERED = str.maketrans("₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₙₓ", "0123456789+-=()aenx")
_POWER = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱˣʸ]+")
_INDEX = re.compile("[₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₙₓ]+")
_FRACTION = re.compile(r"(\d?)\s?([¼-¾⅐-⅞])")
_ROOT = re.compile(r"([√∛∜])\s*(-?\d+(?:\.\d+)?|[A-Za-z](?![A-Za-z])|)")
_DEGREES = {"√": "", "∛": "[3]", "∜": "[4]"}


def translate_signs(text: str) -> str:
    """With LaTeX for each typed sign. ASCII text stays as it is."""
    if text.isascii():
        return text
    text = _POWER.sub(lambda power: "^{" + power.group().translate(_RAISED) + "}", text)
    text = _INDEX.sub(lambda index: "_{" + index.group().translate(_LOWERED) + "}", text)
    # `2½` is two and a half.
    text = _FRACTION.sub(
        lambda mixed: mixed[1] + " " + unicodedata.normalize("NFKC", mixed[2]).replace("\u2044", "/"), text
    )
    text = text.translate(_TABLE)
    # The root of the number or letter after the sign, or of the group that follows.
    return _ROOT.sub(lambda root: f"\\sqrt{_DEGREES[root[1]]}" + (f"{{{root[2]}}}" if root[2] else ""), text)
