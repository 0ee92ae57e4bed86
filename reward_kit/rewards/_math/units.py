"""Units and currencies: which words name the same one, and what they convert to."""

from __future__ import annotations

from fractions import Fraction

_F = Fraction

# name -> (dimension, factor to the dimension's base, other spellings). Factors are exact by definition (international
# yard and pound agreement of 1959, SI brochure 9).
_TABLE: dict[str, tuple[str, Fraction, str]] = {
    "m": ("length", _F(1), "meter meters metre metres"),
    "cm": ("length", _F(1, 100), "centimeter centimeters centimetre centimetres"),
    "mm": ("length", _F(1, 1000), "millimeter millimeters millimetre millimetres"),
    "dm": ("length", _F(1, 10), "decimeter decimeters decimetre decimetres"),
    "km": ("length", _F(1000), "kilometer kilometers kilometre kilometres kms"),
    "inch": ("length", _F(254, 10000), "inches in"),
    "ft": ("length", _F(3048, 10000), "foot feet"),
    "yd": ("length", _F(9144, 10000), "yard yards yds"),
    "mile": ("length", _F(1609344, 1000), "miles mi"),
    "g": ("mass", _F(1), "gram grams gm"),
    "kg": ("mass", _F(1000), "kilogram kilograms kgs"),
    "mg": ("mass", _F(1, 1000), "milligram milligrams"),
    "lb": ("mass", _F(45359237, 100000), "pound pounds lbs"),
    "oz": ("mass", _F(45359237, 1600000), "ounce ounces"),
    "s": ("time", _F(1), "second seconds sec secs"),
    "min": ("time", _F(60), "minute minutes mins"),
    "h": ("time", _F(3600), "hour hours hr hrs"),
    "day": ("time", _F(86400), "days"),
    "week": ("time", _F(604800), "weeks"),
    "month": ("months", _F(1), "months"),
    "year": ("months", _F(12), "years yr yrs"),
    "l": ("volume", _F(1), "liter liters litre litres"),
    "ml": ("volume", _F(1, 1000), "milliliter milliliters millilitre millilitres"),
    "gallon": ("gallons", _F(4), "gallons gal"),
    "quart": ("gallons", _F(1), "quarts"),
    "$": ("dollar", _F(1), "dollar dollars usd bucks"),
    "cent": ("dollar", _F(1, 100), "cents ¢"),
    "€": ("euro", _F(1), "euro euros eur"),
    "£": ("sterling", _F(1), "gbp"),
    "¥": ("yen", _F(1), "yen jpy yuan rmb cny"),
    "₹": ("rupee", _F(1), "rupee rupees rs inr"),
    "%": ("share", _F(1, 100), "percent pct percentage"),
    "degree": ("angle", _F(1), "degrees deg"),
    "rad": ("radian", _F(1), "radian radians"),
    "mph": ("mph", _F(1), ""),
    "km/h": ("km/h", _F(1), "kph kmh kmph"),
    "c": ("celsius", _F(1), "celsius"),
    "f": ("fahrenheit", _F(1), "fahrenheit"),
    "sq": ("square", _F(1), "square"),
    "hundred": ("count", _F(100), "hundreds"),
    "dozen": ("count", _F(12), "dozens doz"),
    "thousand": ("count", _F(1000), "thousands"),
    "million": ("count", _F(10**6), "millions"),
    "lakh": ("count", _F(10**5), "lakhs"),
    "crore": ("count", _F(10**7), "crores"),
    "billion": ("count", _F(10**9), "billions bn"),
    "trillion": ("count", _F(10**12), "trillions"),
}  # fmt: skip
# Number words of other languages behind a numeral (Chinese and Japanese, Russian, Spanish, French, German).
_FOREIGN_MULTIPLIERS = {
    100: "百",
    1000: "千 тысяч тысячи тысяча mille tausend",
    10**4: "万 萬",
    10**6: "百万 млн миллион миллиона миллионов millón millones millionen",
    10**8: "亿 億",
    10**9: "млрд миллиард миллиарда миллиардов milliards milliarden",
}
_NAMES = {spelling: name for name, (_, _, spellings) in _TABLE.items() for spelling in (name, *spellings.split())}
MULTIPLIERS = {
    spelling: factor
    for name, (dimension, factor, spellings) in _TABLE.items()
    if dimension == "count"
    for spelling in (name, *spellings.split())
} | {name: _F(factor) for factor, names in _FOREIGN_MULTIPLIERS.items() for name in names.split()}
_CHINESE_MULTIPLIERS = tuple(sorted((name for name in MULTIPLIERS if not name[0] < "一"), key=len, reverse=True))
CURRENCIES = {"$": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹", "USD": "$"}
_POWERS = {"square": 2, "sq": 2, "squared": 2, "cubic": 3, "cubed": 3, "cu": 3}


def canonical_unit(words: list[str]) -> tuple[str, int]:
    """One name, and the power that "square" or "cubic" makes, for the words of a unit."""
    power = 1
    names = []
    for word in words:
        lower = word.lower().strip(".")
        if lower in _POWERS:
            power = _POWERS[lower]
        elif lower in ("unit", "units"):
            continue
        elif lower:
            names.append(_NAMES.get(lower, lower))
    if names == ["mile", "per", "h"]:
        names = ["mph"]
    if names in (["km", "per", "h"], ["km", "/", "h"]):
        names = ["km/h"]
    return " ".join(_singular(name) for name in names), power


def without_multipliers(words: list[str]) -> tuple[list[str], int]:
    """The words of a unit without the number words in front of it, and those multiplied: "million dollars", "万元"."""
    factor = 1
    while words:
        word = words[0].lower()
        name = word if word in MULTIPLIERS else next((m for m in _CHINESE_MULTIPLIERS if word.startswith(m)), "")
        if not name:
            break
        factor *= int(MULTIPLIERS[name])
        words = [words[0][len(name) :], *words[1:]] if len(name) < len(word) else words[1:]
    return words, factor


def is_known(word: str) -> bool:
    """True for a word that names a unit."""
    return word.lower().strip(".") in _NAMES or word.lower() in _POWERS


def conversion(given: str, given_power: int, wanted: str, wanted_power: int) -> Fraction | None:
    """The factor from one unit to another; None where they measure different things."""
    if given == wanted and given_power == wanted_power:
        return Fraction(1)
    rates = _rate(given, given_power), _rate(wanted, wanted_power)
    if rates[0] is not None and rates[1] is not None:
        return rates[0][0] / rates[1][0] if rates[0][1] == rates[1][1] else None
    if given not in _TABLE or wanted not in _TABLE:
        # "5 apples" and "5 red apples" name the same things; "apples" and "pears" do not.
        return Fraction(1) if given_power == wanted_power and _same_thing(given, wanted) else None
    (dimension, factor), (other, base) = _of_dimension(given, given_power), _of_dimension(wanted, wanted_power)
    return factor / base if dimension == other else None


_RATES = {"km/h": "km per h", "mph": "mile per h"}


def _rate(unit: str, power: int) -> tuple[Fraction, dict[str, int]] | None:
    """Factor and dimensions of "m per s" and its like; None for other units and unknown words."""
    words = _RATES.get(unit, unit).split()
    if words.count("per") != 1 or power != 1 or words[0] == "per":
        return None
    factor, dimensions = _F(1), dict[str, int]()
    below = words.index("per")
    for place, word in enumerate(words):
        name, _, exponent = word.partition("^")
        if place == below:
            continue
        if name not in _TABLE or (exponent and not exponent.isdigit()) or len(exponent) > 1:
            return None
        dimension, size, _ = _TABLE[name]
        times = int(exponent or 1) * (1 if place < below else -1)
        factor *= size**times
        dimensions[dimension] = dimensions.get(dimension, 0) + times
    return factor, dimensions


def _of_dimension(unit: str, power: int) -> tuple[tuple[str, int], Fraction]:
    """Dimension and factor of a unit; a litre is a cubic decimetre."""
    dimension, factor, _ = _TABLE[unit]
    if dimension == "volume" and power == 1:
        return ("length", 3), factor / 1000
    return (dimension, power), factor**power


def _same_thing(given: str, wanted: str) -> bool:
    if "per" in given.split() or "per" in wanted.split():
        return False  # metres per second are no metres
    shorter, longer = sorted((given.split(), wanted.split()), key=len)
    return bool(shorter) and (longer[: len(shorter)] == shorter or longer[-len(shorter) :] == shorter)


def _singular(word: str) -> str:
    if word in _TABLE or len(word) <= 3 or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "xes", "sses")):
        return word[:-2]
    return word[:-1] if word.endswith("s") else word
