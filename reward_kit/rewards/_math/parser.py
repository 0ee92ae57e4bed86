"""Recursive-descent parser from tokens to an expression tree."""

# Tables and expressions read better in one line; word lists.

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from reward_kit.rewards._math.expression import Expr, neg, num, sym
from reward_kit.rewards._math.tokens import FUNCTIONS, Token, Unreadable

# A person does not nest deeper; the bound keeps Python's own stack safe (about four frames a level).
_DEEPEST = 40
_LONGEST_CHAIN = 100
_MOST_TOKENS = 1_500
_END = Token("end", "")
_TRIG = frozenset("sin cos tan cot sec csc sinh cosh tanh coth sech csch".split())
_INVERSE = {"sin": "arcsin", "cos": "arccos", "tan": "arctan", "cot": "arccot", "sec": "arcsec", "csc": "arccsc",
            "sinh": "arsinh", "cosh": "arcosh", "tanh": "artanh"}  # fmt: skip
_SAME_FUNCTION = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "arcsinh": "arsinh", "asinh": "arsinh",
                  "arccosh": "arcosh", "acosh": "arcosh", "arctanh": "artanh", "atanh": "artanh"}  # fmt: skip
_SEVERAL = frozenset(("max", "min", "gcd", "lcm", "binom"))
_FENCES = {"(": ")", "[": "]", "{": "}"}
_ACCENTS = frozenset("overline bar vec hat widehat tilde overrightarrow overleftrightarrow angle triangle".split())
_ROUNDING = {"lfloor": ("rfloor", "floor"), "lceil": ("rceil", "ceil")}
# f(x), g(a): application of an unknown function; any other letter before a parenthesis is a factor.
_UNKNOWN_FUNCTIONS = frozenset("fghFGH")


def parse(tokens: Sequence[Token]) -> Expr:
    """The expression that all of `tokens` form.

    Raises:
        Unreadable: where they form none.
    """
    if len(tokens) > _MOST_TOKENS:
        raise Unreadable(f"the expression has more than {_MOST_TOKENS} signs")
    parser = _Parser(list(tokens))
    expr = parser.sum()
    if parser.peek.kind != "end":
        raise Unreadable(f"{parser.peek.text!r} is not expected there")
    return expr


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


class _Parser:
    """The state of one parse: the tokens and the place reached."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.place = 0
        self.depth = 0
        self.bars = 0
        self.split_at = -1  # where TeX's one-digit arguments left digits of a numeral over

    @property
    def peek(self) -> Token:
        return self.tokens[self.place] if self.place < len(self.tokens) else _END

    def ahead(self, steps: int) -> Token:
        return self.tokens[self.place + steps] if self.place + steps < len(self.tokens) else _END

    def next(self) -> Token:
        token = self.peek
        self.place += 1
        return token

    def eat(self, text: str, kind: str = "op") -> bool:
        if self.peek.text == text and self.peek.kind == kind:
            self.place += 1
            return True
        return False

    def expect(self, text: str) -> None:
        if not self.eat(text):
            raise Unreadable(f"{text!r} is missing")

    # ------------------------------------------------------------------------------------------- operators
    def sum(self) -> Expr:
        """sum := [sign] product { sign product }"""
        self.depth += 1
        if self.depth > _DEEPEST:
            raise Unreadable(f"the expression is nested more than {_DEEPEST} deep")
        terms = [self.signed_product()]
        while sign := self.sign():
            terms.append(_signed(sign, self.product()))
        self.depth -= 1
        return terms[0] if len(terms) == 1 else Expr("add", tuple(terms))

    def sign(self) -> str:
        token = self.peek
        if (token.kind == "op" and token.text in "+-") or (token.kind == "cmd" and token.text in ("pm", "mp")):
            self.place += 1
            return token.text
        if token.text == "+" and self.ahead(1).text == "/":
            raise Unreadable("'+/' is no sign")
        return ""

    def signed_product(self) -> Expr:
        sign = self.sign()
        # One sign before a term is mathematics, several ("--7") are a slip of the pen.
        return _signed(sign, self.product()) if sign else self.product()

    def product(self) -> Expr:
        """product := power { [dot | slash] power }, left to right."""
        result = self.power()
        factors = 0
        while True:
            token = self.peek
            factors += 1
            if factors > _LONGEST_CHAIN:
                raise Unreadable(f"a product of more than {_LONGEST_CHAIN} factors")
            if (token.kind == "cmd" and token.text in ("cdot", "times")) or self.is_op("*"):
                self.place += 1
                result = Expr("mul", (result, self.factor_after_operator()))
            elif (token.kind == "cmd" and token.text == "div") or self.is_op("/"):
                self.place += 1
                result = Expr("div", (result, self.factor_after_operator()))
            elif token.kind == "cmd" and token.text == "mod":
                self.place += 1
                result = Expr("mod", (result, self.power()))
            elif self.starts_factor():
                result = Expr("mul", (result, self.power()))
            else:
                return result

    def factor_after_operator(self) -> Expr:
        return neg(self.power()) if self.eat("-") else self.power()

    def is_op(self, text: str) -> bool:
        return self.peek.kind == "op" and self.peek.text == text

    def starts_factor(self) -> bool:
        token = self.peek
        if token.kind == "num" or token.kind in ("grouped", "repeating"):
            return self.tokens[self.place - 1].kind not in ("num", "grouped", "repeating")
        if token.kind == "op":
            return token.text in ("(", "[", "{") or (token.text == "|" and self.bars == 0)
        return token.kind in ("sym",) or (token.kind == "cmd" and token.text in _STARTS)

    # ---------------------------------------------------------------------------------------------- powers
    def power(self) -> Expr:
        base = self.postfix(self.atom())
        if not self.eat("^"):
            return base
        exponent = self.exponent()
        if exponent is _DEGREE_SIGN:
            result = Expr("mul", (base, Expr("const", name="degree")))
        elif exponent.name == "prime":
            raise Unreadable("a prime stands for a derivative, which is not evaluated")
        else:
            result = Expr("pow", (base, exponent))
        result = self.postfix(result)
        if self.is_op("^"):
            raise Unreadable("a double exponent")
        return result

    def exponent(self) -> Expr:
        if self.eat("{"):
            if self.peek.text in ("circ", "degree") and self.ahead(1).text == "}":
                self.place += 2
                return _DEGREE_SIGN
            inner = self.sum()
            self.expect("}")
            return inner
        if self.peek.kind == "cmd" and self.peek.text in ("circ", "degree"):
            self.place += 1
            return _DEGREE_SIGN
        sign = self.sign()
        return _signed(sign, self.postfix(self.atom()))

    def postfix(self, operand: Expr) -> Expr:
        for _ in range(3):
            if self.is_op("!"):
                self.place += 1
                operand = Expr("dfact", (operand,)) if self.eat("!") else Expr("fact", (operand,))
                if self.is_op("!"):
                    raise Unreadable("three factorial signs in a row")
            elif self.is_op("%"):
                self.place += 1
                operand = Expr("div", (operand, num(100)))
            elif self.peek.kind == "cmd" and self.peek.text == "degree":
                self.place += 1
                operand = Expr("mul", (operand, Expr("const", name="degree")))
            else:
                break
        return operand

    # ----------------------------------------------------------------------------------------------- atoms
    def atom(self) -> Expr:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise Unreadable(f"the expression is nested more than {_DEEPEST} deep")
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
        if token.kind == "op" and token.text in _FENCES:
            inner = self.sum_outside_bars()
            if token.text == "{" and self.peek.kind == "cmd" and self.peek.text in ("choose", "over"):
                operator = self.next().text
                inner = Expr("binom" if operator == "choose" else "div", (inner, self.sum_outside_bars()))
            self.expect(_FENCES[token.text])
            return inner
        if token.kind == "op" and token.text == "|":
            self.bars += 1
            inner = self.sum()
            self.bars -= 1
            self.expect("|")
            return Expr("abs", (inner,))
        raise Unreadable(f"{token.text or 'the end'!r} is not expected there")

    def sum_outside_bars(self) -> Expr:
        bars, self.bars = self.bars, 0
        inner = self.sum()
        self.bars = bars
        return inner

    def number(self, token: Token) -> Expr:
        value = numeral(token)
        whole = token.kind == "num" and token.text.isdigit()
        if whole and self.peek.kind == "cmd" and self.peek.text == "frac":
            fraction = self.mixed_fraction()
            if fraction is not None:
                return num(value + fraction)
        if (
            whole
            and self.peek.kind == "num"
            and self.peek.spaced
            and self.ahead(1).text == "/"
            and self.ahead(2).kind == "num"
        ):
            above, below = numeral(self.peek), numeral(self.ahead(2))
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
        name = token.text
        primes = 0
        subscript = self.subscript() if self.is_op("_") else ""
        while self.eat("'"):
            primes += 1
        name += ("_" + subscript if subscript else "") + "'" * primes
        if name == "e":
            return Expr("const", name="e")
        if name == "i":
            return Expr("const", name="i")
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

    def group_in(self, opening: str, closing: str) -> Expr:
        self.expect(opening)
        inner = self.sum_outside_bars()
        self.expect(closing)
        return inner

    def group(self) -> Expr:
        r"""The argument of \frac and its like:
        a braced group, or TeX's single token (\frac12 is one half).
        """
        if self.is_op("{"):
            return self.group_in("{", "}")
        token = self.peek
        if token.kind == "num" and token.text.isdigit():
            digit, rest = token.text[0], token.text[1:]
            if rest:
                self.tokens[self.place] = Token("num", rest, False)
                self.split_at = self.place
            else:
                self.place += 1
                self.split_at = -1
            return num(int(digit))
        if token.kind in ("sym", "cmd") or self.is_op("("):
            return self.atom()
        raise Unreadable("an argument is missing")

    # -------------------------------------------------------------------------------------------- commands
    def command(self, token: Token) -> Expr:
        name = token.text
        if name in ("pi", "infty"):
            return Expr("const", name="inf" if name == "infty" else "pi")
        if name == "frac":
            fraction = Expr("div", (self.group(), self.group()))
            # \frac431 is typeset as four thirds times one; nobody means that.
            if self.place == self.split_at:
                raise Unreadable("digits right behind a fraction")
            return fraction
        if name == "binom":
            if self.is_op("("):
                return Expr("binom", self.two_arguments())
            return Expr("binom", (self.group(), self.group()))
        if name in ("sqrt", "cbrt", "fourthroot"):
            return self.root(name)
        if name in _ROUNDING:
            closing, op = _ROUNDING[name]
            inner = self.sum_outside_bars()
            if not self.eat(closing, "cmd"):
                raise Unreadable(f"\\{closing} is missing")
            return Expr(op, (inner,))
        if name in ("sum", "prod"):
            return self.series(name)
        if name in _ACCENTS:
            return sym(f"{name} {self.accented()}")
        if name in FUNCTIONS:
            return self.function(name)
        raise Unreadable(f"\\{name} is not part of an answer")

    def accented(self) -> str:
        r"""What an accent or a figure sign stands over: letters, as in \overline{AB} or \angle ABC."""
        letters = []
        braced = self.eat("{")
        while self.peek.kind == "sym":
            letters.append(self.next().text)
        if braced:
            self.expect("}")
        if not letters:
            raise Unreadable("an accent without letters")
        return "".join(letters)

    def root(self, name: str) -> Expr:
        degree = num({"sqrt": 2, "cbrt": 3, "fourthroot": 4}[name])
        if self.eat("["):
            degree = self.sum_outside_bars()
            self.expect("]")
        if self.is_op("{"):
            radicand = self.group()
        elif self.peek.kind == "num":
            radicand = num(numeral(self.next()))
        else:
            radicand = self.postfix(self.atom())
        return Expr("root", (radicand, degree))

    def function(self, name: str) -> Expr:
        base: Expr | None = None
        power: Expr | None = None
        while self.is_op("_") or self.is_op("^"):
            if self.eat("^"):
                power = self.exponent()
            else:
                self.place += 1
                base = self.group() if not self.is_number_subscript() else num(numeral(self.next()))
        if name == "binom":
            return Expr("binom", self.two_arguments())
        if name in _SEVERAL:
            return Expr(name, tuple(self.arguments()))
        name = _SAME_FUNCTION.get(name, name)
        if power is not None and power.op == "num" and power.number == -1 and name in _INVERSE:
            name, power = _INVERSE[name], None
        argument = self.argument()
        result = _apply(name, argument, base)
        return result if power is None else Expr("pow", (result, power))

    def is_number_subscript(self) -> bool:
        """log_10 x: more than TeX's one digit belongs to the base where the argument comes apart from it."""
        return self.peek.kind == "num" and (self.ahead(1).spaced or self.ahead(1).text in ("(", "{", "sqrt", "frac"))

    def argument(self) -> Expr:
        """A function's argument: a group in parentheses, or the product that follows (sin 2x, ln 3y)."""
        if self.is_op("(") or self.is_op("["):
            opening = self.peek.text
            # sin(x)^2 means (sin x)^2: the caller reads the exponent.
            return self.group_in(opening, _FENCES[opening])
        if self.is_op("{"):
            return self.group()
        sign = self.sign()
        result = self.power()
        while self.starts_factor() and not self.starts_function() and not self.is_op("("):
            result = Expr("mul", (result, self.power()))
            if self.is_op("/"):
                break
        while self.is_op("/") and self.ahead(1).kind in ("num", "sym"):
            self.place += 1
            result = Expr("div", (result, self.power()))
        return _signed(sign, result)

    def starts_function(self) -> bool:
        return self.peek.kind == "cmd" and self.peek.text in FUNCTIONS and self.peek.text != "sqrt"

    def arguments(self) -> list[Expr]:
        closing = _FENCES.get(self.next().text)
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

    def series(self, name: str) -> Expr:
        self.expect("_")
        self.expect("{")
        variable = self.next()
        if variable.kind != "sym":
            raise Unreadable("a sum has no variable")
        self.expect("=")
        first = self.sum()
        self.expect("}")
        self.expect("^")
        last = self.exponent()
        # As the index of a sum, i is a variable and not the imaginary unit.
        body = _as_variable(self.product(), variable.text)
        return Expr(name, (body, sym(variable.text), first, last))


_DEGREE_SIGN = Expr("const", name="degree-sign")
_STARTS = FUNCTIONS | {
    "pi",
    "infty",
    "frac",
    "binom",
    "sqrt",
    "cbrt",
    "fourthroot",
    "sum",
    "prod",
    *_ROUNDING,
    *_ACCENTS,
}


def _signed(sign: str, operand: Expr) -> Expr:
    if sign == "-":
        return neg(operand)
    return Expr(sign, (operand,)) if sign in ("pm", "mp") else operand


def _as_variable(expr: Expr, name: str) -> Expr:
    if expr.op == "const":
        return sym(name) if expr.name == name else expr
    return Expr(expr.op, tuple(_as_variable(operand, name) for operand in expr.args), expr.number, expr.name)


def _apply(name: str, argument: Expr, base: Expr | None) -> Expr:
    if name == "log" and base is not None:
        return Expr("log", (argument, base))
    if base is not None:
        raise Unreadable(f"{name} takes no subscript")
    if name == "lg":
        return Expr("log", (argument, num(10)))
    if name in ("log", "ln"):
        return Expr("ln", (argument,))
    if name == "sqrt":
        return Expr("root", (argument, num(2)))
    if name == "exp":
        return Expr("pow", (Expr("const", name="e"), argument))
    return Expr(name, (argument,))


def render(expr: Expr) -> str:
    """A canonical text of an expression, to name what is only compared by its form."""
    if expr.op == "num":
        return str(expr.number)
    inner = ",".join(render(operand) for operand in expr.args)
    return f"{expr.op}:{expr.name}({inner})" if expr.args else expr.name
