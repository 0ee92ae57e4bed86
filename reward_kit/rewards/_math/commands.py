"""LaTeX commands within an expression: fractions, roots, functions, rounding, sums and products."""

from __future__ import annotations

from reward_kit.rewards._math.expression import Expr, num, signed, sym
from reward_kit.rewards._math.operands import FENCES, Operands, numeral
from reward_kit.rewards._math.tokens import FUNCTIONS, Token, Unreadable

_INVERSE = {"sin": "arcsin", "cos": "arccos", "tan": "arctan", "cot": "arccot", "sec": "arcsec", "csc": "arccsc",
            "sinh": "arsinh", "cosh": "arcosh", "tanh": "artanh"}  # fmt: skip
_SAME_FUNCTION = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "arcsinh": "arsinh", "asinh": "arsinh",
                  "arccosh": "arcosh", "acosh": "arcosh", "arctanh": "artanh", "atanh": "artanh"}  # fmt: skip
_SEVERAL = frozenset(("max", "min", "gcd", "lcm", "binom"))
_ACCENTS = frozenset("overline bar vec hat widehat tilde overrightarrow overleftrightarrow angle triangle".split())
_ROUNDING = {"lfloor": ("rfloor", "floor"), "lceil": ("rceil", "ceil")}
_DEGREES = {"sqrt": 2, "cbrt": 3, "fourthroot": 4}
_STARTS_FACTOR = FUNCTIONS | {"pi", "infty", "frac", "binom", "sum", "prod", *_DEGREES, *_ROUNDING, *_ACCENTS}


class Commands(Operands):
    """The level of commands and their arguments."""

    def command(self, token: Token) -> Expr:
        name = token.text
        if name in ("pi", "infty"):
            return Expr("const", name="inf" if name == "infty" else "pi")
        if name == "frac":
            return self.fraction()
        if name == "binom":
            return Expr("binom", self.two_arguments() if self.is_op("(") else (self.group(), self.group()))
        if name in _DEGREES:
            return self.root(name)
        if name in _ROUNDING:
            return self.rounded(name)
        if name in ("sum", "prod"):
            return self.series(name)
        if name in _ACCENTS:
            return sym(f"{name} {self.accented()}")
        if name in FUNCTIONS:
            return self.function(name)
        raise Unreadable(f"\\{name} is not part of an answer")

    def fraction(self) -> Expr:
        fraction = Expr("div", (self.group(), self.group()))
        # \frac431 is typeset as four thirds times one; nobody means that.
        if self.place == self.split_at:
            raise Unreadable("digits right behind a fraction")
        return fraction

    def rounded(self, name: str) -> Expr:
        closing, op = _ROUNDING[name]
        inner = self.sum_outside_bars()
        if not self.eat(closing, "cmd"):
            raise Unreadable(f"\\{closing} is missing")
        return Expr(op, (inner,))

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
        degree = num(_DEGREES[name])
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
        base, power = self.scripts()
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

    def scripts(self) -> tuple[Expr | None, Expr | None]:
        """The subscript and the exponent between a function and its argument, in either order."""
        base: Expr | None = None
        power: Expr | None = None
        while self.is_op("_") or self.is_op("^"):
            if self.eat("^"):
                power = self.exponent()
            else:
                self.place += 1
                base = self.group() if not self.is_number_subscript() else num(numeral(self.next()))
        return base, power

    def is_number_subscript(self) -> bool:
        """log_10 x: more than TeX's one digit belongs to the base where the argument comes apart from it."""
        return self.peek.kind == "num" and (self.ahead(1).spaced or self.ahead(1).text in ("(", "{", "sqrt", "frac"))

    def argument(self) -> Expr:
        """A function's argument: a group in parentheses, or the product that follows (sin 2x, ln 3y)."""
        if self.is_op("(") or self.is_op("["):
            opening = self.peek.text
            # sin(x)^2 means (sin x)^2: the caller reads the exponent.
            return self.group_in(opening, FENCES[opening])
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
        return signed(sign, result)

    def starts_factor(self) -> bool:
        token = self.peek
        if token.kind in ("num", "grouped", "repeating"):
            return self.tokens[self.place - 1].kind not in ("num", "grouped", "repeating")
        if token.kind == "op":
            return token.text in ("(", "[", "{") or (token.text == "|" and self.bars == 0)
        return token.kind == "sym" or (token.kind == "cmd" and token.text in _STARTS_FACTOR)

    def starts_function(self) -> bool:
        return self.peek.kind == "cmd" and self.peek.text in FUNCTIONS and self.peek.text != "sqrt"

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
