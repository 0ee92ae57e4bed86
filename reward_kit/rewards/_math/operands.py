"""Operands of an expression: numbers, mixed numbers, variables with subscripts, groups in brackets."""

from __future__ import annotations

from fractions import Fraction

from reward_kit.rewards._math.cursor import Cursor
from reward_kit.rewards._math.expression import Expr, num, render, sym
from reward_kit.rewards._math.tokens import Token, Unreadable

# A person does not nest deeper; the bound keeps Python's own stack safe (about four frames a level).
DEEPEST = 40
FENCES = {"(": ")", "[": "]", "{": "}"}
# f(x), g(a): application of an unknown function; any other letter before a parenthesis is a factor.
_UNKNOWN_FUNCTIONS = frozenset("fghFGH")


def numeral(token: Token) -> Fraction:
    """The exact value of a numeral token."""
    text = token.text.replace(",", "")
    if token.kind == "repeating":
        return _repeating(text)
    mantissa, _, exponent = text.lower().partition("e")
    if len(mantissa) > 1_000 or abs(int(exponent or 0)) > 10_000:
        raise Unreadable("a numeral is longer than a thousand digits")
    return Fraction(mantissa) * Fraction(10) ** int(exponent or 0)


def _repeating(text: str) -> Fraction:
    whole, _, rest = text.partition(".")
    cut = min(place for place in (rest.find("\\"), rest.find("(")) if place >= 0)
    fixed, period = rest[:cut], "".join(sign for sign in rest[cut:] if sign.isdigit())
    if len(text) > 400:
        raise Unreadable("a numeral is longer than four hundred digits")
    start = Fraction(int((whole or "0") + fixed), 10 ** len(fixed))
    return start + Fraction(int(period), 10 ** len(fixed) * (10 ** len(period) - 1))


class Operands(Cursor):
    """The level of single operands."""

    def atom(self) -> Expr:
        self.depth += 1
        if self.depth > DEEPEST:
            raise Unreadable(f"the expression is nested more than {DEEPEST} deep")
        atom = self.undeepened_atom()
        self.depth -= 1
        return atom

    def undeepened_atom(self) -> Expr:
        token = self.next()
        if token.kind in ("num", "grouped", "repeating"):
            return self.number(token)
        if token.kind == "sym":
            return self.variable(token)
        if token.kind == "cmd":
            return self.command(token)
        if token.kind == "op" and token.text in FENCES:
            return self.fenced(token.text)
        if token.kind == "op" and token.text == "|":
            return self.absolute()
        raise Unreadable(f"{token.text or 'the end'!r} is not expected there")

    def fenced(self, opening: str) -> Expr:
        r"""What brackets hold, in braces also {n \choose k} and {a \over b}."""
        inner = self.sum_outside_bars()
        if opening == "{" and self.peek.kind == "cmd" and self.peek.text in ("choose", "over"):
            operator = self.next().text
            inner = Expr("binom" if operator == "choose" else "div", (inner, self.sum_outside_bars()))
        self.expect(FENCES[opening])
        return inner

    def absolute(self) -> Expr:
        self.bars += 1
        inner = self.sum()
        self.bars -= 1
        self.expect("|")
        return Expr("abs", (inner,))

    def number(self, token: Token) -> Expr:
        value = numeral(token)
        if token.kind != "num" or not token.text.isdigit():
            return num(value)
        if self.peek.kind == "cmd" and self.peek.text == "frac":
            return num(value + (self.mixed_fraction() or 0))
        if self.peek.kind == "num" and self.peek.spaced and self.ahead(1).text == "/" and self.ahead(2).kind == "num":
            above, below = numeral(self.peek), numeral(self.ahead(2))  # 2 3/4
            if 0 < above < below and above.denominator == below.denominator == 1:
                self.place += 3
                return num(value + above / below)
        return num(value)

    def mixed_fraction(self) -> Fraction | None:
        r"""The fraction of a mixed number such as 2\frac{3}{4}: two numerals, the upper one smaller."""
        start = self.place
        self.place += 1
        above, below = self.group(), self.group()
        numeric = above.op == below.op == "num" and above.number.denominator == below.number.denominator == 1
        if numeric and 0 <= above.number < below.number:
            return above.number / below.number
        self.place = start
        return None

    def variable(self, token: Token) -> Expr:
        subscript = self.subscript() if self.is_op("_") else ""
        name = token.text + ("_" + subscript if subscript else "")
        while self.eat("'"):
            name += "'"
        if name in ("e", "i"):
            return Expr("const", name=name)
        if token.text in _UNKNOWN_FUNCTIONS and self.is_op("("):
            argument = self.group_in("(", ")")
            return sym(f"{name}({render(argument)})")
        return sym(name)

    def subscript(self) -> str:
        self.expect("_")
        if not self.eat("{"):
            token = self.next()
            if token.kind not in ("num", "sym", "word"):
                raise Unreadable("a subscript is missing")
            return token.text
        parts = []
        while not self.is_op("}"):
            token = self.next()
            if token.kind == "end":
                raise Unreadable("'}' is missing")
            parts.append(token.text)
        self.place += 1
        return "".join(parts)

    def sum_outside_bars(self) -> Expr:
        bars, self.bars = self.bars, 0
        inner = self.sum()
        self.bars = bars
        return inner

    def group_in(self, opening: str, closing: str) -> Expr:
        self.expect(opening)
        inner = self.sum_outside_bars()
        self.expect(closing)
        return inner

    def group(self) -> Expr:
        r"""The argument of \frac and its like: a braced group, or TeX's single token (\frac12 is one half)."""
        if self.is_op("{"):
            return self.group_in("{", "}")
        token = self.peek
        if token.kind == "num" and token.text.isdigit():
            return self.digit(token.text)
        if token.kind in ("sym", "cmd") or self.is_op("("):
            return self.atom()
        raise Unreadable("an argument is missing")

    def digit(self, text: str) -> Expr:
        """The first digit of a numeral; the others stay where they are."""
        if text[1:]:
            self.tokens[self.place] = Token("num", text[1:], False)
            self.split_at = self.place
        else:
            self.place += 1
            self.split_at = -1
        return num(int(text[0]))

    def arguments(self) -> list[Expr]:
        closing = FENCES.get(self.next().text)
        if closing is None:
            raise Unreadable("arguments in parentheses are missing")
        items = [self.sum_outside_bars()]
        while self.eat(",") or self.eat(";"):
            items.append(self.sum_outside_bars())
        self.expect(closing)
        return items

    def two_arguments(self) -> tuple[Expr, Expr]:
        items = self.arguments()
        if len(items) != 2:
            raise Unreadable("it takes two arguments")
        return items[0], items[1]
