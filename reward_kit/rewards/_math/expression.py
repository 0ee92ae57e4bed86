"""Expressions: the tree that the parser builds and that the layers above compare.

The tree is small on purpose: a subtraction is a sum with a product by -1, and a function of several names has one, so
that the layers above see few operators.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Expr:
    """A node: its operator, its operands, and for leaves the value (`num`) or the name (`sym`, `const`).

    Operators: num, sym, const (pi, e, i, inf, degree), add, mul, div, pow, root (radicand, degree), abs, floor, ceil,
    fact, dfact, binom, log (argument, base), sum and prod (body, variable, first, last), pm and mp (one operand), det
    (entries row by row), and any function by its name.
    """

    op: str
    args: tuple[Expr, ...] = ()
    number: Fraction = Fraction(0)
    name: str = ""


ZERO = Expr("num", number=Fraction(0))
INFINITY = Expr("const", name="inf")


def num(value: Fraction | int) -> Expr:
    """A number as a leaf."""
    return Expr("num", number=Fraction(value))


def sym(name: str) -> Expr:
    """A variable as a leaf."""
    return Expr("sym", name=name)


def neg(operand: Expr) -> Expr:
    """The negative; a number stays a leaf."""
    if operand.op == "num":
        return Expr("num", number=-operand.number)
    return Expr("mul", (num(-1), operand))


def signed(sign: str, operand: Expr) -> Expr:
    """The operand with the sign in front of it: "-", "pm", "mp", or none that changes it."""
    if sign == "-":
        return neg(operand)
    return Expr(sign, (operand,)) if sign in ("pm", "mp") else operand


def sub(left: Expr, right: Expr) -> Expr:
    """left - right."""
    return Expr("add", (left, neg(right)))


def symbols(expr: Expr) -> frozenset[str]:
    """The names of the free variables."""
    if expr.op == "sym":
        return frozenset((expr.name,))
    if expr.op in ("sum", "prod"):
        body, variable, first, last = expr.args
        return (symbols(body) - symbols(variable)) | symbols(first) | symbols(last)
    found: frozenset[str] = frozenset()
    for operand in expr.args:
        found |= symbols(operand)
    return found


def substitute(expr: Expr, names: dict[str, str]) -> Expr:
    """The expression with variables renamed."""
    if expr.op == "sym":
        return sym(names.get(expr.name, expr.name))
    if not expr.args:
        return expr
    return Expr(expr.op, tuple(substitute(operand, names) for operand in expr.args), expr.number, expr.name)


def contains(expr: Expr, *ops: str) -> bool:
    """True where a node of one of these operators occurs."""
    return expr.op in ops or any(contains(operand, *ops) for operand in expr.args)


def is_infinite(expr: Expr) -> int:
    """+1 or -1 for plus or minus infinity, else 0."""
    if expr.op == "const" and expr.name == "inf":
        return 1
    if expr.op == "mul" and len(expr.args) == 2 and expr.args[0].op == "num":
        inner = is_infinite(expr.args[1])
        return inner if expr.args[0].number > 0 else -inner
    return 0


def choose_signs(expr: Expr, sign: int) -> Expr:
    """The expression with every plus-minus resolved to `sign` (and every minus-plus to the opposite)."""
    args = tuple(choose_signs(operand, sign) for operand in expr.args)
    if expr.op in ("pm", "mp"):
        return args[0] if (sign > 0) == (expr.op == "pm") else neg(args[0])
    return Expr(expr.op, args, expr.number, expr.name) if args else expr


def render(expr: Expr) -> str:
    """A canonical text of an expression, to name what is only compared by its form."""
    if expr.op == "num":
        return str(expr.number)
    inner = ",".join(render(operand) for operand in expr.args)
    return f"{expr.op}:{expr.name}({inner})" if expr.args else expr.name
