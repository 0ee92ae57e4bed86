"""Every answer of the suite math_openr1, derived a second time from its problem by computation.

Each check below solves, counts or integrates what one problem asks, without looking at the row's solution. A
row is right when three things agree: the derived value, the value written down beside the check, and what the
row's LaTeX says, in the answer column as well as in the final box of the solution. A check is tied to its row
by the first eight digits of the uuid, which is made from the problem's text: whoever edits a problem has to
come back here.
"""

import json
import re
import uuid
from collections import Counter
from collections.abc import Callable
from itertools import accumulate, combinations, count, pairwise, product
from math import gcd, isqrt
from operator import mul
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import sympy
from latex2sympy2_extended import latex2sympy
from sympy import (
    Eq,
    FiniteSet,
    I,
    Integer,
    Interval,
    Matrix,
    Point,
    Polygon,
    Rational,
    Tuple,
    Union,
    oo,
    pi,
    sqrt,
)
from sympy.abc import a, b, c, n, r, t, x, y, z
from sympy.utilities.iterables import multiset_permutations

SOURCE = Path(__file__).parents[2] / "cases" / "math_openr1" / "source.jsonl"
ROWS: list[dict[str, str]] = [json.loads(line) for line in SOURCE.read_text(encoding="utf-8").splitlines()]
COLUMNS = ["problem", "solution", "answer", "problem_type", "question_type", "source", "uuid"]
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "math_openr1.pytest-rewardkit")
PROBLEM_TYPES = {
    "Algebra",
    "Calculus",
    "Combinatorics",
    "Geometry",
    "Inequalities",
    "Logic and Puzzles",
    "Number Theory",
    "Other",
}


class Check(NamedTuple):
    """What one row must say, and the computation that shows it."""

    name: str
    answer_class: str
    value: Any
    derive: Callable[[], Any]


CHECKS: dict[str, Check] = {}


def row(key: str, answer_class: str, value: Any) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    """Register the decorated function as the check of the row whose uuid starts with `key`."""

    def register(derive: Callable[[], Any]) -> Callable[[], Any]:
        assert key not in CHECKS, f"two checks for row {key}"
        CHECKS[key] = Check(derive.__name__, answer_class, value, derive)
        return derive

    return register


# --- reading LaTeX ---


class UnreadableError(ValueError):
    """The LaTeX is not an answer of the class that the row claims."""


def plain(latex: str) -> str:
    return re.sub(r"\\left(?![a-z])|\\right(?![a-z])|\{,\}", "", latex).strip()


def scalar(latex: str) -> sympy.Expr:
    """A number or an expression, exact: decimals become fractions before the parser can round them."""
    text = re.sub(r"(\d+)\.(\d*)\\overline\{(\d+)\}", recurring, plain(latex))
    text = re.sub(r"(\d+)\.(\d+)", lambda m: rf"\frac{{{m[1]}{m[2]}}}{{{10 ** len(m[2])}}}", text)
    value = sympy.sympify(latex2sympy(text)).subs(sympy.Symbol("i"), I)
    if not isinstance(value, sympy.Expr) or value.has(sympy.Float):
        raise UnreadableError(latex)
    return value


def recurring(decimal: re.Match[str]) -> str:
    whole, head, block = decimal.groups()
    nines = (10 ** len(block) - 1) * 10 ** len(head)
    return rf"\frac{{{int(whole + head + block) - int(whole + head)}}}{{{nines}}}"


def split(text: str) -> list[str]:
    """The parts between the commas that no bracket encloses."""
    depth, parts = 0, [""]
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]


def inside(text: str, opening: str, closing: str) -> str:
    if not (text.startswith(opening) and text.endswith(closing)):
        raise UnreadableError(text)
    return text[len(opening) : -len(closing)]


def read_integer(latex: str) -> Any:
    if not re.fullmatch(r"-?\d+", plain(latex)):
        raise UnreadableError(latex)
    return Integer(plain(latex))


def read_fraction(latex: str) -> Any:
    value = scalar(latex)
    if not value.is_Rational or value.is_Integer:
        raise UnreadableError(latex)
    return value


def read_closed_form(latex: str) -> Any:
    value = scalar(latex)
    if value.free_symbols or sympy.simplify(value).is_Rational:
        raise UnreadableError(latex)
    return value


def read_expression(latex: str) -> Any:
    value = scalar(latex.removeprefix("f(x) = "))
    if not value.free_symbols and not value.has(I):
        raise UnreadableError(latex)
    return value


def read_tuple(latex: str) -> Any:
    coordinates = split(inside(plain(latex), "(", ")"))
    if len(coordinates) < 2:
        raise UnreadableError(latex)
    return Tuple(*map(scalar, coordinates))


def read_interval(latex: str) -> Any:
    text = plain(latex)
    chain = re.fullmatch(r"(?:(.+?) *(<|\\le) *)?x *(<|\\le) *(.+)", text)
    if chain:
        low, left, right, high = chain.groups()
        return Interval(scalar(low) if low else -oo, scalar(high), left != r"\le", right == "<")
    return Union(*[read_interval_piece(piece.strip()) for piece in text.split(r"\cup")], evaluate=True)


def read_interval_piece(text: str) -> Any:
    if text.startswith(r"\{"):
        return read_set(text)
    ends = split(text[1:-1])
    if text[0] not in "([" or text[-1] not in ")]" or len(ends) != 2:
        raise UnreadableError(text)
    return Interval(scalar(ends[0]), scalar(ends[1]), text[0] == "(", text[-1] == ")")


def read_set(latex: str) -> Any:
    text = plain(latex)
    listed = split(inside(text, r"\{", r"\}") if text.startswith(r"\{") else text)
    members = [read_tuple(member) if member.startswith("(") else scalar(member) for member in listed]
    if len(FiniteSet(*members)) != len(listed):
        raise UnreadableError(latex)
    return FiniteSet(*members)


def read_matrix(latex: str) -> Any:
    factor, begin, rest = latex.partition(r"\begin{pmatrix}")
    if not begin:
        raise UnreadableError(latex)
    lines = inside(begin + rest, begin, r"\end{pmatrix}").split(r"\\")
    entries = [[scalar(entry) for entry in line.split("&")] for line in lines]
    return Matrix(entries) * (scalar(factor) if factor else 1)


def read_equation(latex: str) -> Any:
    sides = plain(latex).replace("f(x)", "f").split("=")
    if len(sides) != 2:
        raise UnreadableError(latex)
    return Eq(scalar(sides[0]), scalar(sides[1]), evaluate=False)


def read_choice(latex: str) -> Any:
    letter = re.fullmatch(r"([A-E])|\\text(?:bf)?\{\(([A-E])\)\}", latex)
    if not letter:
        raise UnreadableError(latex)
    return letter[1] or letter[2]


def read_unit(latex: str) -> Any:
    text = plain(latex)
    if text.startswith(r"\$"):
        return scalar(text.removeprefix(r"\$")), "$"
    measured = re.fullmatch(r"(.+?) *(\^\\circ|\\text\{ .+\}(?:\^\d)?)", text)
    if not measured:
        raise UnreadableError(latex)
    return scalar(measured[1]), re.sub(r"\\text\{ (.+)\}", r"\1", measured[2])


def read_parts(latex: str) -> Any:
    sides = [part.split("=") for part in split(latex)]
    if len(sides) == 1:  # (x, y) = (1, 3)
        names, values = (split(inside(side.strip(), "(", ")")) for side in sides[0])
        sides = [[name, value] for name, value in zip(names, values, strict=True)]
    return {name.strip(): scalar(value) for name, value in sides}


READERS: dict[str, Callable[[str], Any]] = {
    "integer": read_integer,
    "fraction": read_fraction,
    "closed form": read_closed_form,
    "expression": read_expression,
    "tuple": read_tuple,
    "interval": read_interval,
    "set": read_set,
    "matrix": read_matrix,
    "equation": read_equation,
    "choice": read_choice,
    "unit": read_unit,
    "parts": read_parts,
}


# --- comparing and choosing ---


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal; equations are, when one is a non-zero multiple of the other."""
    if isinstance(one, str) or isinstance(other, str):
        return bool(one == other)
    if isinstance(one, dict):
        alike = isinstance(other, dict) and one.keys() == other.keys()
        return alike and all(same(one[name], other[name]) for name in one)
    if isinstance(one, tuple | Tuple):
        return type(one) is type(other) and len(one) == len(other) and all(map(same, one, other))
    one, other = sympy.sympify(one), sympy.sympify(other)
    if isinstance(one, FiniteSet):
        if not isinstance(other, FiniteSet) or len(one) != len(other):
            return False
        return all(any(same(member, candidate) for candidate in other) for member in one)
    if isinstance(one, sympy.Set):
        return bool(one == other)
    if isinstance(one, sympy.MatrixBase):
        return isinstance(other, sympy.MatrixBase) and one.shape == other.shape and all(map(same, one, other))
    if isinstance(one, Eq):
        return isinstance(other, Eq) and proportional(one.lhs - one.rhs, other.lhs - other.rhs)
    return isinstance(one, sympy.Expr) and isinstance(other, sympy.Expr) and sympy.simplify(one - other) == 0


def proportional(one: sympy.Expr, other: sympy.Expr) -> bool:
    ratio = sympy.simplify(one / other)
    return bool(ratio.is_number and ratio != 0)


def options(problem: str) -> dict[str, Any]:
    """The choices in the last line of a multiple-choice problem."""
    listed = re.findall(r"\(([A-E])\) (.*?)(?= \([A-E]\)|$)", problem.splitlines()[-1])
    return {letter: scalar(text.strip("$")) if "$" in text else text for letter, text in listed}


def derived(record: dict[str, str]) -> Any:
    """The value of the row's check; for a multiple-choice row the letter beside that value."""
    check = CHECKS[record["uuid"][:8]]
    value = check.derive()
    if check.answer_class != "choice":
        return value
    [letter] = [letter for letter, choice in options(record["problem"]).items() if same(choice, value)]
    return letter


def denotes(latex: str, check: Check) -> bool:
    try:
        return same(READERS[check.answer_class](latex), check.value)
    except UnreadableError:
        return False


def one_character_off(latex: str) -> list[str]:
    """The answer with each digit changed in turn, or with another letter where it is a choice."""
    if latex in "ABCDE":
        return [letter for letter in "ABCDE" if letter != latex]
    digits = [found.start() for found in re.finditer(r"\d", latex)]
    return [latex[:at] + "1234567898"[int(latex[at])] + latex[at + 1 :] for at in digits]


def final_box(solution: str) -> tuple[str, str]:
    """The content of the last box of a solution, and the text after it."""
    opening = solution.rindex(r"\boxed{") + len(r"\boxed{")
    depth = 1
    for end in range(opening, len(solution)):
        depth += {"{": 1, "}": -1}.get(solution[end], 0)
        if depth == 0:
            return solution[opening:end], solution[end + 1 :]
    raise UnreadableError(solution)


# --- integers ---


@row("d6177341", "integer", 230)
def consecutive_factors_modulo_35():
    return sum((k * k + 3 * k + 2) % 35 == 0 for k in range(1, 2026))


@row("f51a37e3", "integer", 2896)
def lighthouse_signals():
    signals = map("".join, product("RGW", repeat=8))
    return sum("RR" not in signal and signal[0] + signal[-1] != "WW" for signal in signals)


@row("989dfc2b", "integer", 468)
def thirteen_times_digit_sum():
    return sum(number for number in range(100, 1000) if number == 13 * sum(map(int, str(number))))


@row("339bb356", "integer", 601)
def lattice_points_inside_triangle():
    corners = [(0, 0), (30, 12), (18, 48), (0, 0)]

    def inside_triangle(p, q):
        turns = [(u2 - u1) * (q - v1) - (v2 - v1) * (p - u1) for (u1, v1), (u2, v2) in pairwise(corners)]
        return all(turn > 0 for turn in turns)

    return sum(inside_triangle(p, q) for p in range(31) for q in range(49))


@row("9be2fb5f", "integer", 81)
def product_of_root_squares_plus_one():
    return sympy.resultant(x**3 - 4 * x**2 + x + 5, x**2 + 1, x)


@row("3063389b", "integer", 9)
def exponential_over_sine_limit():
    return sympy.limit((sympy.exp(6 * x) - 1 - 6 * x) / (x * sympy.sin(2 * x)), x, 0)


@row("589d4216", "integer", 9)
def islanders_around_a_table():
    def consistent(left, speaker_lies, right):
        return (left or right) != speaker_lies

    liar_counts = set()
    for first, second in product((False, True), repeat=2):
        states = {(first, second): {first + second}}  # the last two islanders -> numbers of liars so far
        for _ in range(48):
            longer = {}
            for (one, two), liars in states.items():
                for three in (lies for lies in (False, True) if consistent(one, two, lies)):
                    longer.setdefault((two, three), set()).update(number + three for number in liars)
            states = longer
        for (one, two), liars in states.items():
            if consistent(one, two, first) and consistent(two, first, second):
                liar_counts |= liars
    return len(liar_counts)


@row("fefc7119", "integer", 210)
def flowers_in_a_row():
    rows = map("".join, multiset_permutations("RRRRRTTTLL"))
    return sum("TT" not in flowers and "LL" in flowers for flowers in rows)


@row("aa64e651", "integer", 207)
def hundred_zeros_in_base_twelve():
    factorials = accumulate(count(1), mul)
    return next(k for k, factorial in enumerate(factorials, 1) if factorial % 12**100 == 0)


# --- fractions ---


@row("71748031", "fraction", Rational(5, 32))
def dice_product_is_a_square():
    products = [first * second for first in range(1, 9) for second in range(1, 13)]
    return Rational(sum(isqrt(number) ** 2 == number for number in products), len(products))


@row("e09ea083", "fraction", Rational(21, 5))
def two_pumps_and_a_drain():
    pumps, drain = Rational(1, 6) + Rational(1, 9), Rational(1, 12)
    [hours] = sympy.solve(2 * (pumps - drain) + (t - 2) * pumps - 1, t)
    return hours


@row("22593c12", "fraction", Rational(46, 165))
def sum_of_recurring_decimals():
    first = Rational(1, 10) + sympy.summation(Rational(27, 1000) / 100**n, (n, 0, oo))
    return first + sympy.summation(Rational(15, 100) / 100**n, (n, 0, oo))


@row("a4426be8", "fraction", Rational(1, 2))
def area_between_cubic_and_line():
    difference = x**3 - 3 * x**2 + 2 * x
    crossings = sorted(sympy.solve(difference, x))
    return sum(abs(sympy.integrate(difference, (x, low, high))) for low, high in pairwise(crossings))


@row("65a8fa9c", "fraction", Rational(19, 40))
def share_of_the_rectangle():
    corner_a, corner_b, corner_c, corner_d, on_cd = map(Point, [(0, 0), (8, 0), (8, 6), (0, 6), (2, 6)])
    [meeting] = sympy.Line(corner_a, on_cd).intersection(sympy.Line(corner_b, corner_d))
    return abs(Polygon(corner_b, corner_c, on_cd, meeting).area) / 48


@row("cec11a75", "fraction", Rational(150, 11))
def weighted_squares_minimum():
    on_plane = (x**2 + 2 * y**2 + 3 * z**2).subs(z, 5 - x - y)
    assert sympy.hessian(on_plane, (x, y)).is_positive_definite
    [lowest] = sympy.solve([on_plane.diff(x), on_plane.diff(y)], [x, y], dict=True)
    return on_plane.subs(lowest)


@row("b469f140", "fraction", Rational(29, 44))
def exactly_two_colours():
    draws = [len({colour for colour, _ in draw}) for draw in combinations(enumerate_marbles(5, 4, 3), 3)]
    return Rational(draws.count(2), len(draws))


def enumerate_marbles(*numbers: int) -> list[tuple[int, int]]:
    return [(colour, marble) for colour, number in enumerate(numbers) for marble in range(number)]


@row("ddb70b25", "fraction", Rational(99, 100))
def telescoping_square_reciprocals():
    return sum(Rational(2 * k + 1, k**2 * (k + 1) ** 2) for k in range(1, 10))


# --- radicals, pi and e ---


@row("f182a4ae", "closed form", 22 * sqrt(6))
def trapezoid_at_two_tangent_circles():
    width = sympy.Symbol("width", positive=True)
    [apart] = sympy.solve(Point(0, 3).distance(Point(width, 8)) ** 2 - (3 + 8) ** 2, width)
    return abs(Polygon((0, 3), (0, 0), (apart, 0), (apart, 8)).area)


@row("e9aa2da6", "closed form", 12 * pi - 9 * sqrt(3))
def two_quarter_discs_in_a_square():
    return 2 * sympy.integrate(sqrt(36 - x**2), (x, 3, 6))


@row("f24ec57c", "closed form", 2 + 2 * sqrt(5))
def sum_of_nested_radicals():
    return sympy.sqrtdenest(sqrt(14 + 6 * sqrt(5)) + sqrt(6 - 2 * sqrt(5)))


@row("622a6902", "closed form", 2 * pi * sqrt(3) / 9)
def integral_of_reciprocal_quadratic():
    return sympy.integrate(1 / (x**2 - x + 1), (x, 0, 1))


@row("4370bfdf", "closed form", 40 * sqrt(3) / 13)
def bisector_in_a_sixty_degree_triangle():
    apex, corner_b, corner_c = Point(0, 0), Point(5, 0), Point(4, 4 * sqrt(3))
    bisector = sympy.Line(apex, Point(sqrt(3), 1))
    [foot] = bisector.intersection(sympy.Line(corner_b, corner_c))
    return apex.distance(foot)


@row("d3c23f06", "closed form", 32 - 8 * sqrt(6) - 8 * sqrt(2))
def side_of_a_regular_24_gon():
    first, second = (Point(4 * sympy.cos(angle), 4 * sympy.sin(angle)) for angle in (0, pi / 12))
    return first.distance(second) ** 2


@row("621be220", "closed form", 16 * sqrt(2))
def logarithms_to_two_bases():
    [solution] = sympy.solve(sympy.log(x, 2) + sympy.log(x, 8) - 6, x)
    return solution


@row("52bb64a2", "closed form", (2 * sympy.E**3 + 1) / 9)
def integral_of_square_times_logarithm():
    return sympy.integrate(x**2 * sympy.log(x), (x, 1, sympy.E))


@row("e69e9cb6", "closed form", 96 * pi)
def cone_from_a_sector():
    radius = Rational(216, 360) * 10
    height = sqrt(10**2 - radius**2)
    return sympy.integrate(pi * (radius * z / height) ** 2, (z, 0, height))


# --- expressions ---


def interpolated(values: Callable[[int], int], degree: int, start: int) -> sympy.Expr:
    """The polynomial in n of that degree through counted values, which must also meet two values more."""
    points = [(k, values(k)) for k in range(start, start + degree + 3)]
    polynomial = sympy.interpolate(points[: degree + 1], n)
    assert all(polynomial.subs(n, k) == value for k, value in points)
    return polynomial


@row("e993884b", "expression", 1054 * x - 1052)
def remainder_of_a_high_power():
    return sympy.rem(x**10 + x**5, x**2 - 3 * x + 2, x)


@row("787a6c8c", "expression", x**3 - 14 * x**2 + 37 * x - 9)
def cubic_with_squared_roots():
    squares = sympy.Poly(sympy.resultant(t**3 - 2 * t**2 - 5 * t + 3, x - t**2, t), x)
    return squares.monic().as_expr()


@row("b5740b09", "expression", n**2 * (n - 1) ** 2 / 2)
def two_squares_off_row_and_column():
    def pairs(size):
        board = product(range(size), repeat=2)
        return sum(one[0] != two[0] and one[1] != two[1] for one, two in combinations(board, 2))

    return interpolated(pairs, degree=4, start=2)


@row("99b4e427", "expression", 2 * x**3 - 3 * x**2 + 4 * x + 2)
def function_from_second_derivative():
    slope = sympy.integrate(12 * x - 6, x) + a
    curve = sympy.integrate(slope, x) + b
    line = 4 * x + 1
    return curve.subs(sympy.solve([slope.subs(x, 1) - line.diff(x), (curve - line).subs(x, 1)], [a, b]))


@row("10205271", "expression", x**2 + 5 * x - 1)
def undoing_a_substitution():
    composed = a * (2 * x - 1) ** 2 + b * (2 * x - 1) + c
    found = sympy.solve(sympy.Poly(composed - (4 * x**2 + 6 * x - 5), x).coeffs(), [a, b, c])
    return (a * x**2 + b * x + c).subs(found)


@row("a70199f0", "expression", -117 + 44 * I)
def sixth_power_of_a_complex_number():
    return sympy.expand((2 + I) ** 6)


@row("5af1e5b3", "expression", n**2 * (n + 1))
def sum_of_k_times_3k_minus_1():
    return interpolated(lambda last: sum(k * (3 * k - 1) for k in range(1, last + 1)), degree=3, start=1)


@row("14a5bc37", "expression", r**2 + c * r)
def right_triangle_area_from_inradius():
    legs_sum, area = sympy.symbols("legs_sum area")
    pythagoras = Eq(legs_sum**2 - 4 * area, c**2)
    from_incircle = Eq(area, r * (legs_sum + c) / 2)
    solutions = sympy.solve([pythagoras, from_incircle], [legs_sum, area], dict=True)
    [found] = [solution[area] for solution in solutions if solution[area] != 0]
    return found


# --- tuples ---


@row("033827cc", "tuple", Tuple(-1, 5))
def point_reflected_in_a_line():
    return Tuple(*Point(7, 1).reflect(sympy.Line(2 * x - y - 3)))


@row("8466128e", "tuple", Tuple(Rational(41, 11), Rational(23, 11)))
def circumcentre_coordinates():
    return Tuple(*sympy.Triangle((0, 0), (8, 2), (2, 6)).circumcenter)


@row("b38ff483", "tuple", Tuple(2, 3, 10))
def triple_of_mixed_products():
    solutions = sympy.solve([x * (y + z) - 26, y * (z + x) - 36, z * (x + y) - 50], [x, y, z])
    [positive] = [solution for solution in solutions if all(number > 0 for number in solution)]
    return Tuple(*positive)


@row("48c28830", "tuple", Tuple(60, 72))
def pair_with_given_gcd_and_lcm():
    pairs = [(one, 132 - one) for one in range(1, 67)]
    [pair] = [(one, two) for one, two in pairs if gcd(one, two) == 12 and one * two == 12 * 360]
    return Tuple(*pair)


@row("5fa2318e", "tuple", Tuple(3, sqrt(7)))
def closest_point_on_a_root_curve():
    squared_distance = sympy.expand((x - 4) ** 2 + (2 * x + 1))
    nearest = sympy.minimum(squared_distance, x, Interval(Rational(-1, 2), oo))
    [where] = sympy.solve(squared_distance - nearest, x)
    return Tuple(where, sqrt(2 * where + 1))


@row("4ffe2a5d", "tuple", Tuple(4, 7 * pi / 6))
def polar_coordinates_after_rotation():
    image = sympy.expand((-2 * sqrt(3) + 2 * I) * (sympy.cos(pi / 3) + I * sympy.sin(pi / 3)))
    return Tuple(sympy.Abs(image), sympy.arg(image) % (2 * pi))


@row("a3693e06", "tuple", Tuple(3, -3, 3))
def foot_on_a_plane():
    plane = sympy.Plane((0, -15, 0), normal_vector=(2, -1, 2))
    return Tuple(*plane.projection(Point(1, -2, 1)))


# --- intervals ---


@row("ced8b800", "interval", Interval.open(Rational(4, 3), 6))
def two_absolute_values():
    real = sympy.Symbol("real", real=True)
    inequality = sympy.Abs(2 * real - 5) < sympy.Abs(real + 1)
    return sympy.solve_univariate_inequality(inequality, real, relational=False)


@row("e63a19cf", "interval", Interval.Lopen(3, 7))
def domain_of_root_of_logarithm():
    under_the_root = 2 + sympy.log(x - 3) / sympy.log(Rational(1, 2))
    return sympy.calculus.util.continuous_domain(sqrt(under_the_root), x, sympy.S.Reals)


@row("05732603", "interval", Interval.open(0, 8))
def quadratic_positive_everywhere():
    lowest = (x**2 + (a - 2) * x + a + 1).subs(x, (2 - a) / 2)
    return sympy.solveset(sympy.expand(lowest) > 0, a, sympy.S.Reals)


@row("5e5837af", "interval", Union(Interval.Ropen(-2, 1), Interval(3, oo)))
def sign_chart_of_a_quotient():
    return sympy.solveset((x**2 - x - 6) / (x - 1) >= 0, x, sympy.S.Reals)


@row("c08341a8", "interval", Interval(Rational(1, 2), Rational(3, 2)))
def range_of_a_rational_function():
    return sympy.calculus.util.function_range((x**2 + x + 1) / (x**2 + 1), x, sympy.S.Reals)


@row("7296fbcf", "interval", Interval(-oo, 3))
def where_a_product_increases():
    slope = sympy.factor(sympy.diff(x**3 * sympy.exp(-x), x))
    return sympy.solveset(slope * sympy.exp(x) >= 0, x, sympy.S.Reals)


@row("7187d6a1", "interval", Union(FiniteSet(0), Interval.open(4, oo)))
def exactly_two_intersections():
    # The number of solutions can change only at the heights of the corners and of the vertex, 0 and 4.
    def solutions(height):
        return len(sympy.solveset(sympy.Abs(x**2 - 6 * x + 5) - height, x, sympy.S.Reals))

    pieces = {-1: Interval.open(-oo, 0), 0: FiniteSet(0), 2: Interval.open(0, 4), 4: FiniteSet(4)}
    pieces[5] = Interval.open(4, oo)
    return Union(*[piece for height, piece in pieces.items() if solutions(height) == 2])


# --- sets ---


@row("40afabe7", "set", FiniteSet(1, 3, 13))
def divisor_of_shifted_square():
    assert sympy.rem(n**2 + 11, n + 2, n) == 15  # so n + 2 <= 15
    return FiniteSet(*[k for k in range(1, 14) if (k**2 + 11) % (k + 2) == 0])


@row("d98c9e9f", "set", FiniteSet(-1, 1, 3, 5))
def quadratic_in_a_quadratic():
    return sympy.solveset((x**2 - 4 * x) ** 2 - 2 * (x**2 - 4 * x) - 15, x, sympy.S.Reals)


@row("4d308a3b", "set", FiniteSet(1, 3, 2 + sqrt(7)))
def product_with_absolute_value():
    return sympy.solveset(x * sympy.Abs(x - 4) - 3, x, sympy.S.Reals)


@row("e11c9807", "set", FiniteSet(7, 19))
def primes_giving_a_square():
    # With 13p = k^2 - 9, one of k - 3 and k + 3 is 1 or 13, so that no p above 19 can fit: 10^5 is ample.
    return FiniteSet(*[p for p in sympy.primerange(10**5) if isqrt(13 * p + 9) ** 2 == 13 * p + 9])


@row("e7dd4bc8", "set", FiniteSet(pi / 6, pi / 2, 5 * pi / 6))
def trigonometric_quadratic():
    equation = 2 * sympy.cos(x) ** 2 + 3 * sympy.sin(x) - 3
    return sympy.solveset(equation, x, Interval.Ropen(0, 2 * pi))


@row("cc089bc9", "set", FiniteSet(4, 7, 25))
def two_of_three_claims_hold():
    def claims(k):
        return [k % 4 == 0, sympy.isprime(k) or isqrt(k) ** 2 == k, sum(map(int, str(k))) == 7]

    return FiniteSet(*[k for k in range(1, 31) if claims(k).count(True) == 2])


@row("f01e5a69", "set", FiniteSet(Tuple(4, 9), Tuple(10, 3), Tuple(2, -5), Tuple(-4, 1)))
def integer_points_on_a_hyperbola():
    # Both factors of (x - 3)(y - 2) = 7 are at most 7 in size, so the square searched is wide enough.
    square = product(range(-20, 21), repeat=2)
    return FiniteSet(*[Tuple(p, q) for p, q in square if p * q - 2 * p - 3 * q == 1])


# --- matrices ---


@row("c04fe0a1", "matrix", Matrix([[-1, 0], [3, 3]]))
def matrix_equation_left_factor():
    return Matrix([[2, 1], [7, 4]]).LUsolve(Matrix([[1, 3], [5, 12]]))


@row("c0be5cb3", "matrix", Matrix([[41, -20], [80, -39]]))
def twentieth_power_of_a_matrix():
    return sympy.prod([Matrix([[3, -1], [4, -1]])] * 20)


@row("e659a579", "matrix", Matrix([Rational(8, 3), Rational(4, 3), Rational(8, 3)]))
def projection_onto_a_vector():
    vector, direction = Matrix([4, -2, 3]), Matrix([2, 1, 2])
    [factor] = sympy.solve((vector - t * direction).dot(direction), t)
    return factor * direction


@row("2b4825ee", "matrix", Matrix([[-1, sqrt(3)], [sqrt(3), 1]]) / 2)
def reflection_matrix_at_sixty_degrees():
    mirror = sympy.Line((0, 0), (1, sqrt(3)))
    return Matrix([list(Point(*unit).reflect(mirror)) for unit in [(1, 0), (0, 1)]]).T


@row("1a1bb4bf", "matrix", Matrix([8, -10, -12]))
def vector_perpendicular_to_two_others():
    vector = Matrix([8, y, z])
    return vector.subs(sympy.solve([vector.dot(Matrix([1, 2, -1])), vector.dot(Matrix([3, 0, 2]))], [y, z]))


@row("99fb2208", "matrix", Matrix([[1, 2], [-2, 3]]))
def matrix_from_two_images():
    return Matrix([[5, 5], [4, -3]]) * Matrix([[1, 3], [2, 1]]).inv()


@row("12f687e5", "matrix", Matrix([[2, Rational(1, 3)], [-1, 1]]))
def product_equals_sum_of_matrices():
    known, unknown = Matrix([[1, -1], [3, 4]]), Matrix(2, 2, [a, b, c, t])
    return unknown.subs(sympy.solve(list(known * unknown - known - unknown), [a, b, c, t]))


# --- equations ---


def squared_distance_to(*centre: int) -> sympy.Expr:
    return sum((coordinate - value) ** 2 for coordinate, value in zip((x, y), centre, strict=True))


@row("b4cc6074", "equation", Eq(x - 2 * y + 3, 0))
def perpendicular_bisector():
    return Eq(squared_distance_to(1, 7), squared_distance_to(5, -1))


@row("aaac83a0", "equation", Eq((x - 2) ** 2 + (y + 1) ** 2, 4))
def circle_tangent_to_a_line():
    radius = sympy.Line(3 * x + 4 * y - 12).distance(Point(2, -1))
    return Eq(squared_distance_to(2, -1), radius**2)


@row("0f6c9ee8", "equation", Eq(y, 9 * x + 9))
def tangent_parallel_to_a_line():
    curve = x**3 - 3 * x**2 + 4
    [contact] = [root for root in sympy.solve(curve.diff(x) - 9, x) if root < 0]
    return Eq(y - curve.subs(x, contact), 9 * (x - contact))


@row("ebbc2795", "equation", Eq(8 * (y - 1), (x - 2) ** 2))
def parabola_from_focus_and_directrix():
    return Eq(squared_distance_to(2, 3), (y + 1) ** 2)


@row("7510333d", "equation", Eq((x - 1) ** 2 / 25 + (y - 1) ** 2 / 16, 1))
def ellipse_from_a_distance_sum():
    # u + v = 10 for the two distances, squared twice: 4 u^2 v^2 = (100 - u^2 - v^2)^2.
    one, two = squared_distance_to(-2, 1), squared_distance_to(4, 1)
    return Eq(4 * one * two, (100 - one - two) ** 2)


@row("784a1b4f", "equation", Eq(sympy.Symbol("f"), 3 * x + 2))
def linear_function_applied_twice():
    composed = sympy.Poly(a * (a * x + b) + b - (9 * x + 8), x)
    [found] = [(m, q) for m, q in sympy.solve(composed.coeffs(), [a, b]) if m > 0]
    return Eq(sympy.Symbol("f"), found[0] * x + found[1])


@row("39eb9f4b", "equation", Eq(5 * x + 3 * y + 4 * z, 13))
def plane_through_three_points():
    return Eq(sympy.Plane((1, 0, 2), (0, 3, 1), (2, 1, 0)).equation(x, y, z), 0)


# --- choices: the check derives the value, the letter beside it is read from the problem ---


@row("072e6a08", "choice", "B")
def tens_digit_of_a_power():
    return Integer(3**2026 // 10 % 10)


@row("4610ac3e", "choice", "B")
def who_broke_the_vase():
    def statements(culprit):
        anton, boris = culprit in ("Boris", "Clara"), culprit not in ("Dana", "Emil")
        dana, emil = culprit in ("Boris", "Dana"), culprit != "Emil"
        clara = culprit != "Boris" and dana
        return [anton, boris, clara, dana, emil]

    pupils = ["Anton", "Boris", "Clara", "Dana", "Emil"]
    [culprit] = [pupil for pupil in pupils if statements(pupil).count(False) == 1]
    return culprit


@row("ca708c90", "choice", "A")
def diagonal_of_a_box():
    solutions = sympy.solve([a * b - 12, a * c - 15, b * c - 20], [a, b, c])
    [edges] = [edges for edges in solutions if all(edge > 0 for edge in edges)]
    return sqrt(sum(edge**2 for edge in edges))


@row("2b15e61c", "choice", "C")
def decreasing_digits_even_start():
    numbers = [str(number) for number in range(1000, 10_000)]
    return Integer(sum(all(p > q for p, q in pairwise(s)) and s[0] in "2468" for s in numbers))


@row("fa63d0c5", "choice", "E")
def logarithm_in_terms_of_two_others():
    def logarithm(number):  # number = 2^u 3^v 10^w
        exponents = [sympy.multiplicity(prime, number) for prime in (2, 3, 5)]
        u, v, w = Matrix([[1, 0, 1], [0, 1, 0], [0, 0, 1]]).solve(Matrix(exponents))
        return u * a + v * b + w

    return logarithm(45) / logarithm(12)


@row("3bb2bd7d", "choice", "D")
def largest_of_five_powers():
    return Integer(max(2**60, 3**40, 5**25, 7**23, 10**18))


@row("5029aa9b", "choice", "C")
def mean_equals_median():
    # The median can only be 5, 8 or x itself.
    candidates = {root for median in (5, 8, x) for root in sympy.solve(28 + x - 5 * median, x)}
    return sum(k for k in candidates if sorted([3, 5, 8, 12, k])[2] == (28 + k) / 5)


# --- numbers with a unit ---


@row("6761ee69", "unit", (Integer(15), "km/h"))
def average_speed_there_and_back():
    return sympy.cancel(2 * x / (x / 12 + x / 20)), "km/h"


@row("27d5d8e4", "unit", (Integer(120), "cm^2"))
def rhombus_from_side_and_diagonal():
    half = sympy.Symbol("half", positive=True)
    [half_diagonal] = sympy.solve(Point(5, 0).distance(Point(0, half)) ** 2 - 13**2, half)
    return abs(Polygon((5, 0), (0, half_diagonal), (-5, 0), (0, -half_diagonal)).area), "cm^2"


@row("026ac5f8", "unit", (Rational(9, 4), "cm"))
def sphere_in_a_glass():
    ball = sympy.integrate(pi * (9 - z**2), (z, -3, 3))
    return ball / (pi * 4**2), "cm"


@row("66d76837", "unit", (Rational(15, 2), "litres"))
def diluting_an_acid():
    [water] = sympy.solve(Eq(Rational(35, 100) * 10 / (10 + x), Rational(20, 100)), x)
    return water, "litres"


@row("e79240ff", "unit", (Integer(1350), "$"))
def price_before_two_changes():
    [price] = sympy.solve(x * (1 + Rational(20, 100)) * (1 - Rational(25, 100)) - 1215, x)
    return price, "$"


@row("5b0e2cd7", "unit", (Integer(81), r"^\circ"))
def pentagon_and_square_on_one_side():
    turn = sympy.exp(I * pi * Rational(108, 180))  # E, with A at 0 and B at 1; G is at i
    angle = sympy.Abs(sympy.arg((0 - turn) / (I - turn)).evalf(60)) * 180 / pi.evalf(60)
    degrees = round(angle)
    assert abs(angle - degrees) < sympy.Float("1e-50", 60)
    return Integer(degrees), r"^\circ"


# --- several parts ---


@row("c9e5e8b1", "parts", {"a": -2, "b": -5})
def cubic_with_two_conditions():
    polynomial = x**3 + a * x**2 + b * x + 6
    found = sympy.solve([polynomial.subs(x, 1), polynomial.subs(x, 2) + 4], [a, b])
    return {"a": found[a], "b": found[b]}


@row("c6a631f8", "parts", {"M": 10, "m": -22})
def extremes_of_a_cubic():
    curve, domain = x**3 - 3 * x**2 - 9 * x + 5, Interval(-2, 4)
    return {"M": sympy.maximum(curve, x, domain), "m": sympy.minimum(curve, x, domain)}


@row("c26662cf", "parts", {"x": 1, "y": 3})
def exponential_system():
    exponents = [Eq(x + 2 * y, sympy.log(128, 2)), Eq(1 + 2 * x, y)]
    found = sympy.solve(exponents, [x, y])
    assert 2 ** found[x] * 4 ** found[y] == 128
    assert 3 * 9 ** found[x] == 3 ** found[y]
    return {"x": found[x], "y": found[y]}


@row("7faa08c9", "parts", {"N": 24, "S": 1560})
def number_and_sum_of_divisors():
    divisors = [k for k in range(1, 505) if 504 % k == 0]
    return {"N": len(divisors), "S": sum(divisors)}


@row("7bc620bd", "parts", {"r": 2, "R": Rational(85, 8)})
def inradius_and_circumradius():
    triangle = sympy.Triangle(sss=(9, 10, 17))
    return {"r": triangle.inradius, "R": triangle.circumradius}


@row("d46e5a0d", "parts", {"p": 5, "q": 13})
def two_primes_from_product_and_sum():
    [(p, q)] = [(p, q) for p, q in combinations(sympy.primerange(84), 2) if p * q + p + q == 83]
    return {"p": p, "q": q}


# --- the tests ---

ANSWER_CLASS = {key: check.answer_class for key, check in CHECKS.items()}
NAMES = {key: f"{key}-{check.name}" for key, check in CHECKS.items()}
EACH_ROW = pytest.mark.parametrize(
    "record", ROWS, ids=[NAMES.get(record["uuid"][:8], record["uuid"]) for record in ROWS]
)


@EACH_ROW
def test_derived_value_is_the_one_written_down(record):
    assert same(derived(record), CHECKS[record["uuid"][:8]].value)


@EACH_ROW
def test_answer_column_denotes_the_value(record):
    check = CHECKS[record["uuid"][:8]]
    assert denotes(record["answer"], check)


@EACH_ROW
def test_solution_ends_in_one_box_that_denotes_the_value(record):
    check = CHECKS[record["uuid"][:8]]
    box, after = final_box(record["solution"])
    assert record["solution"].count(r"\boxed") == 1
    assert after == "$."
    assert denotes(box, check)


@EACH_ROW
def test_one_character_off_in_the_answer_column_is_noticed(record):
    """Shows for each row that the test above can fail, and that its reader drops nothing."""
    check = CHECKS[record["uuid"][:8]]
    changed = one_character_off(record["answer"])
    assert changed
    for latex in changed:
        assert not denotes(latex, check), latex


@EACH_ROW
def test_row_is_laid_out_like_openr1(record):
    assert list(record) == COLUMNS
    assert all(isinstance(text, str) and text == text.strip() != "" for text in record.values())
    assert record["uuid"] == str(uuid.uuid5(NAMESPACE, record["problem"]))
    assert record["source"] == "pytest-rewardkit"
    assert record["problem_type"] in PROBLEM_TYPES
    assert 4 <= len(record["solution"].splitlines()) <= 12
    assert "$" not in record["answer"].replace(r"\$", "")


@EACH_ROW
def test_multiple_choice_rows_show_five_different_choices_and_no_other_row_does(record):
    is_choice = ANSWER_CLASS[record["uuid"][:8]] == "choice"
    assert record["question_type"] == ("MCQ" if is_choice else "math-word-problem")
    choices = options(record["problem"])
    assert list(choices) == (list("ABCDE") if is_choice else [])
    assert not any(same(one, two) for one, two in combinations(choices.values(), 2))


@EACH_ROW
def test_dollars_and_braces_are_balanced(record):
    for text in (record["problem"], record["solution"]):
        assert text.replace(r"\$", "").count("$") % 2 == 0
        bare = text.replace(r"\{", "").replace(r"\}", "")
        assert bare.count("{") == bare.count("}")


def test_every_row_has_a_check_and_every_check_a_row():
    assert [record["uuid"][:8] for record in ROWS] == list(CHECKS)


def test_problems_are_unique():
    assert len({" ".join(record["problem"].split()) for record in ROWS}) == len(ROWS) == 88


def test_each_answer_class_has_at_least_six_rows():
    counts = Counter(ANSWER_CLASS.values())
    assert counts.keys() == READERS.keys()
    assert min(counts.values()) >= 6


def test_a_third_of_the_boxes_spell_the_answer_in_another_way():
    """Box and answer column would otherwise agree letter by letter, and comparing text would be enough."""
    spelled = [(final_box(record["solution"])[0], record["answer"]) for record in ROWS]
    different = [(box, answer) for box, answer in spelled if box.replace(" ", "") != answer.replace(" ", "")]
    assert len(different) >= len(ROWS) / 3


@pytest.mark.parametrize(
    ("answer_class", "latex"),
    [
        ("integer", "2.5"),
        ("integer", "1,350"),
        ("fraction", "4"),
        ("closed form", r"\frac{3}{4}"),
        ("tuple", "[1, 2]"),
        ("interval", "(1, 2, 3)"),
        ("set", r"\{1, 1\}"),
        ("matrix", "(1, 2)"),
        ("equation", "3x + 2"),
        ("choice", "F"),
        ("unit", "12"),
    ],
)
def test_reader_refuses_what_is_not_of_its_class(answer_class, latex):
    with pytest.raises(UnreadableError):
        READERS[answer_class](latex)


@pytest.mark.parametrize(
    ("answer_class", "one", "other"),
    [
        ("fraction", r"0.2\overline{78}", r"0.2\overline{79}"),
        ("fraction", "0.15625", "0.156250001"),
        ("interval", "(3, 7]", "[3, 7]"),
        ("interval", r"\frac{4}{3} < x < 6", r"\frac{4}{3} < x \le 6"),
        ("tuple", "(2, 3)", "(3, 2)"),
        ("set", "1, 3", "1, 3, 13"),
        ("equation", "y = 9x + 9", "y = 9x - 9"),
        ("unit", r"12 \text{ cm}", r"12 \text{ cm}^2"),
        ("parts", "a = 1, b = 2", "a = 2, b = 1"),
    ],
)
def test_close_but_different_answers_are_told_apart(answer_class, one, other):
    read = READERS[answer_class]
    assert same(read(one), read(one))
    assert not same(read(one), read(other))
