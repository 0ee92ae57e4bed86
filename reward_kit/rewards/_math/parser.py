"""Recursive-descent parser from tokens to an expression tree: its operators, from signs down to exponents.

The operands between them are read in operands.py, LaTeX commands in commands.py.
"""

from __future__ import annotations

from collections.abc import Sequence

from reward_kit.rewards._math.commands import Commands
from reward_kit.rewards._math.expression import Expr, neg, num, signed
from reward_kit.rewards._math.operands import DEEPEST
from reward_kit.rewards._math.tokens import Token, Unreadable

_LONGEST_CHAIN = 100
_MOST_TOKENS = 1_500
_DEGREE_SIGN = Expr("const", name="degree-sign")


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


class _Parser(Commands):
    """The level of operators, and with it the whole grammar."""

    def sum(self) -> Expr:
        """sum := [sign] product { sign product }"""
        self.depth += 1
        if self.depth > DEEPEST:
            raise Unreadable(f"the expression is nested more than {DEEPEST} deep")
        terms = [self.signed_product()]
        while sign := self.sign():
            terms.append(signed(sign, self.product()))
        self.depth -= 1
        return terms[0] if len(terms) == 1 else Expr("add", tuple(terms))

    def signed_product(self) -> Expr:
        sign = self.sign()
        # One sign before a term is mathematics, several ("--7") are a slip of the pen.
        return signed(sign, self.product()) if sign else self.product()

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
        return signed(sign, self.postfix(self.atom()))

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
