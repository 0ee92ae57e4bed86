r"""Units by what they measure: a length is no mass, whatever number stands before either."""

from __future__ import annotations

import re

#: Names of units that measure one thing only; none that may measure two (a pound, an ounce).
_MEASURES: dict[str, tuple[str, ...]] = {
    "length": (
        *("mm", "cm", "dm", "m", "km", "inch", "inches", "ft", "foot", "feet", "yard", "yards", "mile", "miles"),
        *("millimeter", "millimeters", "centimeter", "centimeters", "meter", "meters", "kilometer", "kilometers"),
        *("millimetre", "millimetres", "centimetre", "centimetres", "metre", "metres", "kilometre", "kilometres"),
    ),
    "mass": ("mg", "g", "kg", "gram", "grams", "kilogram", "kilograms", "tonne", "tonnes"),
    "time": (
        *("s", "min", "h", "second", "seconds", "minute", "minutes", "hour", "hours"),
        *("day", "days", "week", "weeks", "year", "years"),
    ),
    "speed": ("km/h", "m/s", "cm/s", "mph", "kilometers per hour", "kilometres per hour", "miles per hour"),
    "volume": ("ml", "mL", "L", "litre", "litres", "liter", "liters", "gallon", "gallons"),
    "money": ("dollar", "dollars", "cent", "cents", "euro", "euros"),
    "an angle or a temperature": ("°", "^\\circ", "degree", "degrees"),
}
_WHAT = {name: measure for measure, names in _MEASURES.items() for name in names}
_SET = re.compile(r"\\(?:text|mathrm|textrm|mbox)\s*\{(?P<name>[^{}]*)\}(?:\s*\^\s*\{?(?P<power>[23])\}?)?")
_POWERS = {"2": "area", "3": "volume"}
#: The unit that takes the place of any other, and the one that takes its own.
_KILOGRAMS, _METRES = "kg", "m"


def measured_by(unit: str) -> str | None:
    r"""What a unit behind a number measures (`\text{ cm}^2`: area); None where that is not known."""
    match = _SET.fullmatch(_bare(unit))
    if match is None:
        return _WHAT.get(re.sub(r"[{}\s]", "", unit))
    measure = _WHAT.get(match["name"].strip())
    if match["power"]:
        return _POWERS[match["power"]] if measure == "length" else None
    return measure


def other_unit(unit: str) -> str | None:
    """A unit of another dimension, set as the given one is; None where it is not known what that measures."""
    measure = measured_by(unit)
    if measure is None:
        return None
    name = _METRES if measure == "mass" else _KILOGRAMS
    match = _SET.search(unit)
    if match is None:
        return f" {name}" if unit.strip().isalpha() else f" \\text{{ {name}}}"
    start = match.start("name")
    blank = " " if unit[start].isspace() else ""
    return f"{unit[:start]}{blank}{name}}}"


def proof_of_other_unit(unit: str, other: str) -> str | None:
    """Why quantities in these units are different, if neither is zero; None where that is not known."""
    first, second = measured_by(unit), measured_by(other)
    if first is None or second is None or first == second:
        return None
    return f"one measures {first}, the other {second}"


def _bare(unit: str) -> str:
    return re.sub(r"^(?:\s|\\[,;! ]|~)+", "", unit)
