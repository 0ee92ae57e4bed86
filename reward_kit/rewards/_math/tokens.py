r"""LaTeX and plain text to tokens, in one pass of one regular expression without nested repetition."""

# The expression of a token keeps an alternative a line; Unreadable is a signal between layers, no error a user sees.
# ruff: noqa: E501, N818

from __future__ import annotations

import re
from typing import NamedTuple

from reward_kit.rewards._math.spelling import to_latex


class Unreadable(ValueError):
    """The text cannot be read as an answer; the message says why."""


class Token(NamedTuple):
    r"""One token.

    `kind` is num (a numeral, separators removed), grouped (digits with commas: a number or a list), sym (a letter or a
    Greek name), cmd (another LaTeX command, without backslash), word, or op (one sign). `spaced` tells that white space
    came before, `textual` that it stood in \text{...}.
    """

    kind: str
    text: str
    spaced: bool = False
    textual: bool = False


LONGEST_ANSWER = 20_000

_PATTERN = re.compile(
    r"""
    (?P<dotted>\d*\.\d*\\dot\s?\{\d\}\d*\\dot\s?\{\d\})
  | (?P<repeating>\d*\.\d*(?:\\(?:overline|bar|dot|overbar)\s?\{\d+\}|\(\d+\)))
  | (?P<endless>\d{0,40}\.\d{0,40}?(?:(?P<digit>\d{1,6}?)(?P=digit){2,40}|(?P<period>\d{3,6}?)(?P=period))(?:\.\.\.|\\[lc]?dots|…))
  | (?P<latexnum>\d{1,3}(?:(?:\{,\}(?:\\!)?|\\[,:;!\ ]|,\\!\ ?|\\!,|~)\d{3})+(?!\d)(?:\.\d+)?)
  | (?P<blanknum>\d{1,3}(?:\ \d{3})+(?!\d)(?!\ ?[/\\])(?:\.\d+)?)  # but 1 113/114 is a mixed number
  | (?P<grouped>\d{1,3}(?:,\d{3})+(?![\d])(?:\.\d+)?)
  | (?P<comma>\d+\{,\}\d+)
  | (?P<num>(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d{1,6}(?![\d.]))?)
  | (?P<font>\\(?:text|textbf|textit|textrm|textnormal|texttt|textsf|mbox|hbox|mathrm|mathbf|mathit|mathsf|mathtt|operatorname\*?|bold|boldsymbol|bm|emph|rm|bf)(?![A-Za-z])\s?)
  | (?P<blackboard>\\math(?:bb|cal|scr|frak)\s?\{?\s?(?P<letter>[A-Za-z])\s?\}?)
  | (?P<size>\\(?:left|right|middle|bigl|bigr|Bigl|Bigr|biggl|biggr|bigm|big|Big|bigg|Bigg|mleft|mright)(?![A-Za-z])\s?\.?)
  | (?P<cmd>\\[A-Za-z]+)
  | (?P<newline>\\\\)
  | (?P<escaped>\\[{}%$\#&_|])
  | (?P<spacing>\\[,;:!\ >/]|~|\s+|\$)
  | (?P<foreign>[A-Za-z]*[^\x00-\x7f\W\d_][^\W\d_]*)
  | (?P<run>[A-Za-z]+(?:'(?=[a-z]\b)[a-z])?)
  | (?P<relation><=|>=|=<|=>|!=|==|\*\*|\.\.\.)
  | (?P<op>[-+*/^_(){}\[\]|=<>,;:!'.?%&\#@"\\])
    """,
    re.VERBOSE,
)

_DROPPED = frozenset(
    "displaystyle textstyle scriptstyle limits nolimits quad qquad mathstrut strut phantom hfill hspace vspace "
    "mathop mathrel mathord mathbin null enspace thinspace negthinspace allowbreak nonumber notag protect relax "
    "ensuremath hline large Large small centering color".split()
)
_ALIASES = {
    "dfrac": "frac", "tfrac": "frac", "cfrac": "frac", "dbinom": "binom", "tbinom": "binom", "leq": "le",
    "leqslant": "le", "leqq": "le", "geq": "ge", "geqslant": "ge", "geqq": "ge", "lt": "lt", "gt": "gt",
    "neq": "ne", "varnothing": "emptyset", "lbrace": "{", "rbrace": "}", "lbrack": "[", "rbrack": "]", "lvert": "|",
    "rvert": "|", "vert": "|", "mid": "mid", "cdotp": "cdot", "ast": "*", "bullet": "cdot", "degree": "degree",
    "degrees": "degree", "varepsilon": "epsilon", "vartheta": "theta", "varphi": "phi", "infin": "infty",
    "infinity": "infty", "dots": "ldots", "cdots": "ldots", "dotsc": "ldots", "dotsb": "ldots", "colon": ":",
    "wedge": "land", "vee": "lor", "tg": "tan", "ctg": "cot", "arctg": "arctan", "arcctg": "arccot", "cosec": "csc",
    "sim": "approx", "simeq": "approx", "thickapprox": "approx", "backslash": "setminus", "smallsetminus": "setminus",
    "bmod": "mod", "iff": "Leftrightarrow", "and": "land", "or": "lor", "lparen": "(", "rparen": ")", "Vert": "Vert",
    "exponentialE": "e", "imaginaryI": "i", "imath": "i", "div": "div", "percent": "%", "pounds": "GBP", "euro": "EUR",
}  # fmt: skip
GREEK = frozenset(
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron rho sigma tau upsilon phi chi psi "
    "omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega ell hbar aleph".split()
)
FUNCTIONS = frozenset(
    "sin cos tan cot sec csc arcsin arccos arctan arccot arcsec arccsc sinh cosh tanh coth sech csch asin acos atan "
    "arsinh arcosh artanh arcsinh arccosh arctanh asinh acosh atanh log ln lg exp sqrt max min gcd lcm det "
    "abs floor ceil sgn sign binom Gamma erf".split()
)
_RUN_COMMANDS = FUNCTIONS | {
    "pi",
    "infty",
    "infinity",
    "mod",
    "theta",
    "alpha",
    "beta",
    "lambda",
    "phi",
    "cdot",
    "times",
    "frac",
    "oo",
}
# Letters in a row of at most this length are a product of variables (abc); longer ones are a word.
_LONGEST_PRODUCT = 3
_SHORT_UNITS = frozenset("cm mm dm km kg mg ft lb lbs oz yd hr hrs min mph kph ml mL sec deg mi pct".split())
_CLOCK = re.compile(r"(?<![A-Za-z])([apAP])\.\s?([mM])\b\.?")
_SHORT_WORDS = frozenset(
    "am pm usd eur gbp and or no yes if is the for all dne not of to in a an none with per but nor any one two six ten".split()
) - {"a", "in"}


def tokenize(text: str) -> list[Token]:
    """The tokens of an answer.

    Raises:
        Unreadable: where the text is too long or holds a sign that no answer has.
    """
    if len(text) > LONGEST_ANSWER:
        raise Unreadable(f"the answer has {len(text)} characters, more than {LONGEST_ANSWER}")
    tokens: list[Token] = []
    _scan(_CLOCK.sub(r" \1\2 ", to_latex(text)), False, tokens, 0)
    return tokens


def _scan(text: str, textual: bool, tokens: list[Token], depth: int) -> None:
    place = 0
    spaced = False
    if depth > 20:
        raise Unreadable("font commands are nested more than 20 deep")
    while place < len(text):
        match = _PATTERN.match(text, place)
        if match is None:
            raise Unreadable(f"the sign {text[place]!r} belongs to no answer")
        kind, piece = str(match.lastgroup), match.group()
        kind = {"letter": "blackboard", "digit": "endless", "period": "endless"}.get(kind, kind)
        place = match.end()
        if kind == "spacing":
            spaced = True
            continue
        if kind == "font":
            place = _font(text, place, piece, tokens, depth)
        elif kind == "size":
            # "\left." is an invisible delimiter; "\right." at the very end of a text closes one as well.
            continue
        else:
            _emit(kind, piece, match, Token("", "", spaced, textual), tokens)
        spaced = False


def _font(text: str, place: int, command: str, tokens: list[Token], depth: int) -> int:
    r"""Scan the content of \text{...} and its like as words, of \mathrm{...} and its like as mathematics."""
    if not text.startswith("{", place):
        return place
    level, end = 0, place
    for brace in re.finditer(r"\\.|[{}]", text[place:]):
        level += {"{": 1, "}": -1}.get(brace.group(), 0)
        if level == 0:
            end = place + brace.start()
            break
    else:
        raise Unreadable("a brace is not closed")
    inside = text[place + 1 : end]
    words = command.strip().lstrip("\\").startswith(("text", "mbox", "hbox", "emph", "math", "rm", "operatorname"))
    _scan(inside, words, tokens, depth + 1)
    return end + 1


def _emit(kind: str, piece: str, match: re.Match[str], shape: Token, tokens: list[Token]) -> None:
    if kind == "run":
        tokens.extend(_letters(piece, shape, tokens))
    elif kind == "cmd":
        name = _ALIASES.get(piece[1:], piece[1:])
        if name not in _DROPPED:
            tokens.append(_command(name, shape))
    elif kind == "blackboard":
        tokens.append(shape._replace(kind="cmd", text="set" + match.group("letter")))
    elif kind in ("num", "grouped", "repeating"):
        tokens.append(shape._replace(kind=kind, text=piece))
    elif kind in ("dotted", "endless"):
        tokens.append(shape._replace(kind="repeating", text=_as_period(kind, piece, match)))
    elif kind == "foreign":
        tokens.append(shape._replace(kind="word", text=piece))
    elif kind in ("latexnum", "blanknum"):
        tokens.append(shape._replace(kind="num", text=re.sub(r"[^\d.]", "", piece)))
    elif kind == "comma":
        tokens.append(shape._replace(kind="num", text=piece.replace("{,}", ".")))
    else:
        tokens.append(_sign(kind, piece, shape))


def _as_period(kind: str, piece: str, match: re.Match[str]) -> str:
    """0.\\dot{1}4\\dot{2} and 0.333... in the form 0.(142), 0.(3)."""
    if kind == "dotted":
        head, _, period = piece.partition("\\dot")
        return head + "(" + "".join(sign for sign in period if sign.isdigit()) + ")"
    digits = piece.rstrip(".…").partition("\\")[0]
    return digits + "(" + (match.group("digit") or match.group("period")) + ")"


_SIGN_NAMES = {
    "<=": "le",
    "=<": "le",
    ">=": "ge",
    "=>": "Rightarrow",
    "!=": "ne",
    "...": "ldots",
    "<": "lt",
    ">": "gt",
}
_ESCAPES = {r"\{": "{set", r"\}": "set}", r"\%": "%", r"\$": "$", r"\|": "Vert"}


def _sign(kind: str, piece: str, shape: Token) -> Token:
    if piece in _SIGN_NAMES:
        return shape._replace(kind="cmd", text=_SIGN_NAMES[piece])
    if kind == "newline":
        return shape._replace(kind="op", text="newline")
    if kind == "escaped":
        return shape._replace(kind="op", text=_ESCAPES.get(piece, piece[1:]))
    return shape._replace(kind="op", text={"**": "^", "==": "=="}.get(piece, piece))


def _command(name: str, shape: Token) -> Token:
    if name in ("{", "}"):
        return shape._replace(kind="op", text="{set" if name == "{" else "set}")
    if not name.isalpha():
        return shape._replace(kind="op", text=name)
    if name in GREEK or len(name) == 1:
        return shape._replace(kind="sym", text=name)
    return shape._replace(kind="cmd", text=name)


def _letters(run: str, shape: Token, before: list[Token]) -> list[Token]:
    """A run of letters: a variable, a function's name, a word, or a product of variables."""
    if len(run) == 1:
        return [shape._replace(kind="sym", text=run)]
    if _is_unit_behind_number(run, shape, before):
        return [shape._replace(kind="word", text=run)]
    if shape.textual and run in _SHORT_UNITS and before and before[-1].text == "/":
        return [shape._replace(kind="word", text=run)]
    if run in _RUN_COMMANDS:
        return [_command({"infinity": "infty", "oo": "infty"}.get(run, run), shape)]
    name = next(
        (f for f in ("sin", "cos", "tan", "ln", "log", "pi", "sqrt") if run.startswith(f) and len(run) <= len(f) + 1),
        None,
    )
    if name and not shape.textual:
        return [shape._replace(kind="cmd", text=name), Token("sym", run[len(name) :])]
    proper_noun = len(run) == _LONGEST_PRODUCT and run[0].isupper() and run[1:].islower()
    if shape.textual or len(run) > _LONGEST_PRODUCT or run.lower() in _SHORT_WORDS or proper_noun:
        return [shape._replace(kind="word", text=run)]
    return [shape._replace(kind="sym", text=run[0]), *(Token("sym", letter) for letter in run[1:])]


def _is_unit_behind_number(run: str, shape: Token, before: list[Token]) -> bool:
    """5 cm, 30min, 12 men: short units behind a number; any three letters where a blank keeps them apart."""
    if not before or before[-1].kind not in ("num", "grouped"):
        return False
    in_fraction = len(before) > 1 and before[-2].text == "frac"
    return run in _SHORT_UNITS or (
        len(run) == _LONGEST_PRODUCT and run.islower() and shape.spaced and not in_fraction and run not in FUNCTIONS
    )
