"""The place reached in a token sequence, and the steps from it: the base of the expression parser."""

from __future__ import annotations

from abc import ABC, abstractmethod

from reward_kit.rewards._math.expression import Expr
from reward_kit.rewards._math.tokens import Token, Unreadable

_END = Token("end", "")


class Cursor(ABC):
    """The state of one parse. The levels of the grammar stand above it: operands, commands, operators."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.place = 0
        self.depth = 0
        self.bars = 0
        self.split_at = -1  # where TeX's one-digit arguments left digits of a numeral over

    @property
    def peek(self) -> Token:
        """The token at the place; behind the last one an end."""
        return self.tokens[self.place] if self.place < len(self.tokens) else _END

    def ahead(self, steps: int) -> Token:
        """The token some steps further on."""
        return self.tokens[self.place + steps] if self.place + steps < len(self.tokens) else _END

    def next(self) -> Token:
        """The token at the place, and a step behind it."""
        token = self.peek
        self.place += 1
        return token

    def eat(self, text: str, kind: str = "op") -> bool:
        """Step over this token where it stands here."""
        if self.peek.text == text and self.peek.kind == kind:
            self.place += 1
            return True
        return False

    def expect(self, text: str) -> None:
        """Step over a sign that must stand here."""
        if not self.eat(text):
            raise Unreadable(f"{text!r} is missing")

    def is_op(self, text: str) -> bool:
        """True where this sign stands here."""
        return self.peek.kind == "op" and self.peek.text == text

    def sign(self) -> str:
        """Step over "+", "-", "pm" or "mp"; an empty text where none stands here."""
        token = self.peek
        if (token.kind == "op" and token.text in "+-") or (token.kind == "cmd" and token.text in ("pm", "mp")):
            self.place += 1
            return token.text
        if token.text == "+" and self.ahead(1).text == "/":
            raise Unreadable("'+/' is no sign")
        return ""

    # A group or an argument holds a whole expression again: the lower levels call the operators, parser.py, by these.
    @abstractmethod
    def sum(self) -> Expr:
        """Terms joined by signs."""

    @abstractmethod
    def product(self) -> Expr:
        """Factors joined by multiplication or division."""

    @abstractmethod
    def power(self) -> Expr:
        """An operand with its exponent."""

    @abstractmethod
    def exponent(self) -> Expr:
        """What stands behind "^"."""

    @abstractmethod
    def postfix(self, operand: Expr) -> Expr:
        """The operand with the factorial, percent or degree signs behind it."""

    @abstractmethod
    def command(self, token: Token) -> Expr:
        """What a LaTeX command stands for, with its arguments."""
