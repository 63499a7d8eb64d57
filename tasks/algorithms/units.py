"""Units and formulas: a formula over named factors, its unit by dimensional analysis, and its value.

Every unit name is a dimension of its own (factor-label method): hours per day is a factor, never a hidden constant.
"""

import ast
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TypeVar

Unit = tuple[tuple[str, int], ...]
"""Names with their exponents, sorted; empty is dimensionless."""
V = TypeVar("V")
MOST_CHARACTERS = 500
MOST_EXPONENT = 4


class NoFormula(Exception):
    """Why a text is no formula, or has no unit."""


def unit_of(text: str) -> Unit:
    """A unit such as `tunings / (piano * year)`; NoFormula where it is none."""
    plain = re.sub(r"\bper\b", "/", text.casefold().strip()).replace("^", "**")
    plain = re.sub(r"[%]|\b(?:dimensionless|fraction|ratio|share|percent|none)\b", "1", plain)
    plain = re.sub(r"[$€£]", lambda m: {"$": "usd", "€": "eur"}.get(m.group(), "gbp"), plain)
    plain = re.sub(r"(?<=[^\W\d])[ -]+(?=[^\W\d])", "_", plain)
    return _unit(parsed(plain or "1"), lambda name: ((_singular(name), 1),))


def formula_unit(formula: str, units: Mapping[str, str]) -> Unit:
    """The unit of a formula whose factors have these units; NoFormula where they do not fit together."""
    known = {name: unit_of(unit) for name, unit in units.items()}

    def of_factor(name: str) -> Unit:
        if name not in known:
            raise NoFormula(f"the factor '{name}' is not declared")
        return known[name]

    return _unit(parsed(formula), of_factor)


def shown(unit: Unit) -> str:
    """A unit as text."""
    over = [f"{n}^{e}" if e > 1 else n for n, e in unit if e > 0]
    under = [f"{n}^{-e}" if e < -1 else n for n, e in unit if e < 0]
    top = " * ".join(over) or "1"
    bottom = " * ".join(under)
    return top if not under else f"{top} / {bottom}" if len(under) == 1 else f"{top} / ({bottom})"


@lru_cache(maxsize=512)
def parsed(formula: str) -> ast.expr:
    """A formula of names, numbers, + - * / and whole powers; NoFormula for anything else."""
    if len(formula) > MOST_CHARACTERS:
        raise NoFormula(f"it is longer than {MOST_CHARACTERS} characters")
    try:
        tree = ast.parse(formula.replace("^", "**").replace("\u00d7", "*").strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise NoFormula(f"it is no formula: {type(error).__name__}") from error
    _check(tree)
    return tree


def _check(node: ast.expr) -> None:
    if isinstance(node, ast.Name) or _number(node) is not None:
        return
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        _check(node.operand)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub | ast.Mult | ast.Div):
        _check(node.left)
        _check(node.right)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        _exponent(node.right)
        _check(node.left)
    else:
        raise NoFormula("it has more in it than names, numbers, + - * / and whole powers")


def _number(node: ast.expr) -> float | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        return float(node.value)
    return None


def _exponent(node: ast.expr) -> int:
    sign, inner = (-1, node.operand) if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) else (1, node)
    number = _number(inner)
    if number is None or number != int(number) or not 0 <= number <= MOST_EXPONENT:
        raise NoFormula(f"a power is a whole number of at most {MOST_EXPONENT}")
    return sign * int(number)


def names_in(formula: str) -> list[str]:
    """The factors that a formula names, each once, in order."""
    found = (n for n in ast.walk(parsed(formula)) if isinstance(n, ast.Name))
    return list(dict.fromkeys(n.id for n in sorted(found, key=lambda n: n.col_offset)))


def _unit(node: ast.expr, of_name: Callable[[str], Unit]) -> Unit:
    if isinstance(node, ast.Name):
        return of_name(node.id)
    if isinstance(node, ast.UnaryOp):
        return _unit(node.operand, of_name)
    if not isinstance(node, ast.BinOp):
        return ()
    left = _unit(node.left, of_name)
    if isinstance(node.op, ast.Pow):
        return _combined(left, left, 0, _exponent(node.right))
    right = _unit(node.right, of_name)
    if isinstance(node.op, ast.Add | ast.Sub):
        if left != right:
            raise NoFormula(f"it adds {shown(left)} and {shown(right)}")
        return left
    return _combined(left, right, 1 if isinstance(node.op, ast.Mult) else -1)


def _combined(one: Unit, other: Unit, sign: int, power: int = 1) -> Unit:
    """one^power x other^sign."""
    total: dict[str, int] = {}
    for name, exponent in one:
        total[name] = exponent * power
    for name, exponent in other:
        total[name] = total.get(name, 0) + sign * exponent
    return tuple(sorted((n, e) for n, e in total.items() if e))


def value_of(formula: str, factors: Mapping[str, V]) -> V:
    """The value of a formula whose factors have these values: numbers, or arrays of draws."""
    return _value(parsed(formula), factors)


def _value(node: ast.expr, factors: Mapping[str, V]) -> V:
    if isinstance(node, ast.Name):
        return factors[node.id]
    if isinstance(node, ast.UnaryOp):
        inner = _value(node.operand, factors)
        return -inner if isinstance(node.op, ast.USub) else inner  # type: ignore[operator]
    if not isinstance(node, ast.BinOp):
        return _number(node)  # type: ignore[return-value]
    left: float = _value(node.left, factors)  # type: ignore[assignment]
    if isinstance(node.op, ast.Pow):
        return left ** _exponent(node.right)  # type: ignore[return-value]
    right: float = _value(node.right, factors)  # type: ignore[assignment]
    if isinstance(node.op, ast.Add):
        return left + right  # type: ignore[return-value]
    if isinstance(node.op, ast.Sub):
        return left - right  # type: ignore[return-value]
    return left * right if isinstance(node.op, ast.Mult) else left / right  # type: ignore[return-value]


def _singular(name: str) -> str:
    if name in IRREGULAR:
        return IRREGULAR[name]
    if name.endswith("ies") and len(name) > 4:
        return f"{name[:-3]}y"
    return name[:-1] if len(name) > 3 and name.endswith("s") and not name.endswith("ss") else name


IRREGULAR = {
    "people": "person",
    "persons": "person",
    "men": "man",
    "women": "woman",
    "children": "child",
    "hrs": "hour",
}
