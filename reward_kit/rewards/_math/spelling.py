"""Brings the many spellings of a mathematical text to one: Unicode to LaTeX, layout commands away."""

# The table of signs keeps its columns.
# ruff: noqa: E501

from __future__ import annotations

import re

# Each sign as LaTeX that the tokenizer knows. A blank behind a command keeps it apart from a following letter.
_SIGNS = {
    "−": "-", "–": "-", "—": "-", "﹣": "-", "－": "-", "‐": "-", "‑": "-", "＋": "+", "×": r"\times ",
    "✕": r"\times ", "·": r"\cdot ", "⋅": r"\cdot ", "∙": r"\cdot ", "•": r"\cdot ", "∗": "*", "÷": r"\div ",
    "⁄": "/", "∕": "/", "／": "/", "π": r"\pi ", "∞": r"\infty ", "≤": r"\le ", "≥": r"\ge ", "≦": r"\le ",
    "≧": r"\ge ", "⩽": r"\le ", "⩾": r"\ge ", "≠": r"\ne ", "≈": r"\approx ", "≡": r"\equiv ", "∈": r"\in ",
    "∪": r"\cup ", "∩": r"\cap ", "∖": r"\setminus ", "∅": r"\emptyset ", "±": r"\pm ", "∓": r"\mp ",
    "°": r"^\circ ", "º": r"^\circ ", "˚": r"^\circ ", "√": r"\sqrt ", "∛": r"\cbrt ", "∜": r"\fourthroot ",
    "＝": "=", "＜": "<", "＞": ">", "，": ",", "、": ",", "；": ";", "：": ":", "（": "(", "）": ")",
    "［": "[", "］": "]", "｛": "{", "｝": "}", "。": ".", "．": ".", "％": "%", "＄": "$", "！": "!", "ℝ": r"\mathbb{R}",
    "ℤ": r"\mathbb{Z}", "ℕ": r"\mathbb{N}", "ℚ": r"\mathbb{Q}", "ℂ": r"\mathbb{C}", "∑": r"\sum ", "∏": r"\prod ",
    "∧": r"\land ", "∨": r"\lor ", "⌊": r"\lfloor ", "⌋": r"\rfloor ", "⌈": r"\lceil ", "⌉": r"\rceil ",
    "⟨": r"\langle ", "⟩": r"\rangle ", "〈": r"\langle ", "〉": r"\rangle ", "∀": r"\forall ", "∠": r"\angle ",
    "∣": "|", "│": "|", "′": "'", "’": "'", "‘": "'", "…": r"\ldots ", "⋯": r"\ldots ", "→": r"\to ", "⇒": r"\Rightarrow ",
    "€": r"\EUR ", "£": r"\GBP ", "¥": r"\JPY ", "￥": r"\JPY ", "₹": r"\INR ", "¢": r"\cents ", "ⅇ": "e", "ⅈ": "i",
    "✅": "", "✓": "", "✔": "", "☑": "", "🎉": "", "\ufe0f": "", "\u00a0": " ", "\u2002": " ", "\u2003": " ", "\u2004": " ", "\u2005": " ", "\u2006": " ", "\u2007": " ",
    "\u2008": " ", "\u2009": " ", "\u200a": " ", "\u202f": " ", "\u205f": " ", "\u3000": " ", "\u200b": "",
    "\u200c": "", "\u200d": "", "\u2060": "", "\u2061": "", "\u2062": " ", "\u2063": ",", "\ufeff": "",
}  # fmt: skip
_GREEK = dict(
    zip(
        "αβγδεζηθικλμνξορστυφχψωϵϑϕΓΔΘΛΞΠΣΦΨΩ",
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron rho sigma tau upsilon phi chi "
        "psi omega epsilon theta phi Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega".split(),
        strict=True,
    )
)
_VULGAR = {
    "½": (1, 2), "⅓": (1, 3), "⅔": (2, 3), "¼": (1, 4), "¾": (3, 4), "⅕": (1, 5), "⅖": (2, 5), "⅗": (3, 5),
    "⅘": (4, 5), "⅙": (1, 6), "⅚": (5, 6), "⅐": (1, 7), "⅛": (1, 8), "⅜": (3, 8), "⅝": (5, 8), "⅞": (7, 8),
    "⅑": (1, 9), "⅒": (1, 10),
}  # fmt: skip
_TABLE = str.maketrans(
    {sign: latex for sign, latex in _SIGNS.items() if len(sign) == 1}
    | {letter: f"\\{name} " for letter, name in _GREEK.items()}
    | {sign: rf"\frac{{{a}}}{{{b}}}" for sign, (a, b) in _VULGAR.items()}
    | {chr(0xFF10 + digit): str(digit) for digit in range(10)}
    | {chr(0xFF21 + k): chr(ord("A") + k) for k in range(26)}
    | {chr(0xFF41 + k): chr(ord("a") + k) for k in range(26)}
    | {chr(0x1D7CE + 10 * style + digit): str(digit) for style in range(5) for digit in range(10)}
    # ① ② ③ name statements; as numbers they are what is meant when the answer lists them.
    | {chr(0x2460 + k): f" {k + 1}," for k in range(20)}
)
_SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ⁽⁾ᵏˣ"
_SUPER = str.maketrans(_SUPERSCRIPTS, "0123456789+-n()kx")
_SUPER_RUN = re.compile(f"[{_SUPERSCRIPTS}]+")
_SUB = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_SUB_RUN = re.compile("[₀₁₂₃₄₅₆₇₈₉]+")
# <sup>/<sub> come from HTML-scraped golds (cn_k12).
_TWICE_ESCAPED = re.compile(
    r"\\\\(?=(?:[dt]?frac|sqrt|pi|text|left|right|times|cdot|leq?|geq?|in|cup|cap|infty|mathrm|mathbb|sin|cos|tan|log|ln"
    r"|alpha|beta|theta|circ|pm|quad|binom|begin|end|overline|[Bb]igg?[lr]?|cos|sec|csc)(?![A-Za-z]))"
)
# Colour, space, numbers of equations: they typeset the answer and say nothing. What a phantom holds is not shown.
_TYPESET = re.compile(
    r"\\(?:textcolor|color|hspace|vspace|h?phantom|vphantom|tag|label|bbox\s?(?=\[))\*?\s?(?:\{[^{}]{0,60}\}|\[[^\[\]]{0,60}\])"
    r"|\\(?:underline|blacksquare|qed|bbox|huge|Huge|LARGE|Large|large|checkmark|star)(?![A-Za-z])"
)
# The distance to the next row of a matrix: \\[2pt].
_ROW_DISTANCE = re.compile(r"(?<=\\\\)\s{0,3}\[\s{0,3}-?[\d.]{1,6}\s{0,3}(?:pt|ex|em|mm|cm|in|px)\s{0,3}\]")
# A currency behind its number, as most of Europe writes it.
_CURRENCY_BEHIND = re.compile(
    r"\s{0,3}([-+−]?[\d.,{}]{1,40})(?:\\[,;: ]|~|\s){0,4}(?:\\text\s?\{\s{0,3}([€£¥￥₹]|\\\$)\s{0,3}\}|([€£¥￥₹]|\\\$))\s{0,3}"
)
_BRACED_CALL = re.compile(
    r"\\(max|min|gcd|operatorname\s?\{lcm\})\s?(?:\\left)?\\\{([^{}\\]{1,80})(?:\\right)?\\\}"
)  # \max\{a, b\}
_REPLACED = {"&lt;": "<", "&gt;": ">", "&le;": "\\le ", "&ge;": "\\ge ", "&nbsp;": " ", "\\not=": "\\ne ", "\\not =": "\\ne ",
             "\\surd": "\\sqrt "}  # fmt: skip
_HTML = re.compile(r"<(sup|sub)>([^<>]{1,40})</\1>")


def to_latex(text: str) -> str:
    """The same text with Unicode signs in LaTeX."""
    if "\x0crac" in text:  # "\frac" read as an escape sequence by whoever wrote the file
        text = text.replace("\x0crac", r"\frac")
    if "\\\\" in text and "\\begin" not in text:  # "\\\\frac": escaped twice on the way into the file
        text = _TWICE_ESCAPED.sub(r"\\", text)
    if "<su" in text:
        text = _HTML.sub(lambda match: ("^" if match.group(1) == "sup" else "_") + "{" + match.group(2) + "}", text)
    if "\\\\" in text and "[" in text:
        text = _ROW_DISTANCE.sub("", text)
    if not text.isascii() or "\\$" in text:
        behind = _CURRENCY_BEHIND.fullmatch(text)
        text = f"{behind.group(2) or behind.group(3)}{behind.group(1)}" if behind else text
    if "\\{" in text:
        text = _BRACED_CALL.sub(r"\\\1(\2)", text)
    if "\\" in text or "&" in text:
        text = _TYPESET.sub(" ", text)
        for written, meant in _REPLACED.items():
            if written in text:
                text = text.replace(written, meant)
    if text.isascii():
        return text
    text = _SUPER_RUN.sub(lambda match: "^{" + match.group().translate(_SUPER) + "}", text)
    text = _SUB_RUN.sub(lambda match: "_{" + match.group().translate(_SUB) + "}", text)
    return text.translate(_TABLE)
