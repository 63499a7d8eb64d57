"""A calculator: arithmetic in Python's notation, read as a tree of which only numbers, operators and a few functions
are worked out. Nothing is ever evaluated as code.
"""

import ast
import math
import operator
import re
from collections.abc import Callable
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any

from tasks.reply import Reply, reply
from tasks.tool_calls import tool_error
from tasks.toolbox import Errand, NamedTool

Number = int | float | Fraction
MOST_CHARS = 2_000
MOST_DIGITS = 1_000
"""Digits that an exact number may have; what is larger is refused before it is worked out."""
MOST_BITS = int(MOST_DIGITS * math.log2(10))


class CannotCalculate(ValueError):
    """An expression that is none, or whose value is too large or undefined; the message says so in one line."""


def calculate(expression: str) -> Number:
    """The value of an arithmetic expression: exact over integers, decimals and fractions, a float where it must be.

    Knows + - * / // % ** (and ^ as a power), parentheses, the constants pi, e and tau, and
    FUNCTIONS. Raises CannotCalculate.
    """
    text = expression.strip().replace("^", "**").replace("×", "*").replace("÷", "/").replace("−", "-")
    if len(text) > MOST_CHARS:
        raise CannotCalculate(f"the expression has {len(text):,} characters, {MOST_CHARS:,} are allowed")
    try:
        return _plain(_value(ast.parse(_without_commas(text), mode="eval").body))
    except CannotCalculate:
        raise
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise CannotCalculate("this is no arithmetic expression") from error
    except ZeroDivisionError as error:
        raise CannotCalculate("division by zero") from error
    except (OverflowError, ValueError, TypeError) as error:
        raise CannotCalculate(str(error) or type(error).__name__) from error


def shown(value: Number) -> str:
    """A number as text: exact where it ends as a decimal, else 15 digits and `about`; a fraction beside it."""
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, int):
        return str(value)
    if _ends(value):
        return format(_decimal(value), "f")
    return f"{float(value)!r} (exactly {value.numerator}/{value.denominator})"


def calculator(errand: Errand) -> Reply:
    """The tool: text is the value, field `value` the number, or null where no float holds it."""
    expression = str(errand.arguments["expression"])
    try:
        value = calculate(expression)
        text = shown(value)
    except CannotCalculate as error:
        return tool_error("failed", f"cannot calculate '{expression[:100]}': {error}")
    try:
        number: float | None = value if isinstance(value, int) and abs(value) < MOST_EXACT else float(value)
    except OverflowError:
        number = None
    return reply(text, data={"value": number})


def _value(node: ast.expr) -> Number:
    if isinstance(node, ast.Constant):
        return _constant(node.value)
    if isinstance(node, ast.Name) and node.id in CONSTANTS:
        return CONSTANTS[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        value = _value(node.operand)
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.BinOp):
        return _binary(node.op, _value(node.left), _value(node.right))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        return _call(node.func.id, [_value(a) for a in node.args])
    raise CannotCalculate(f"'{ast.unparse(node)[:60]}' is not arithmetic")


def _constant(value: object) -> Number:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise CannotCalculate(f"'{value}' is not a number")
    if isinstance(value, float):
        return _bounded(Fraction(repr(value)) if math.isfinite(value) else value)
    return _bounded(value)


def _binary(op: ast.operator, left: Number, right: Number) -> Number:
    if isinstance(op, ast.Pow):
        return _power(left, right)
    work = OPERATORS.get(type(op))
    if work is None:
        raise CannotCalculate(f"the operator {type(op).__name__} is not arithmetic")
    if isinstance(op, ast.Div) and not isinstance(left, float) and not isinstance(right, float):
        return _bounded(Fraction(left) / Fraction(right))
    return _bounded(work(left, right))


def _power(base: Number, exponent: Number) -> Number:
    base, exponent = _plain(base), _plain(exponent)
    if not isinstance(exponent, int) or isinstance(base, float):
        made = float(base) ** float(exponent)
        if isinstance(made, complex):
            raise CannotCalculate("a root of a negative number")
        return _bounded(made)
    whole = Fraction(base)
    bits = max(whole.numerator.bit_length(), whole.denominator.bit_length())
    if bits > 1 and bits * abs(exponent) > MOST_BITS + bits:
        raise CannotCalculate(f"the value has more than {MOST_DIGITS:,} digits")
    return _bounded(whole**exponent)


def _call(name: str, values: list[Number]) -> Number:
    if name not in FUNCTIONS:
        raise CannotCalculate(f"unknown function '{name}': known are {', '.join(sorted(FUNCTIONS))}")
    if name in ("factorial", "comb", "perm") and max(map(float, values), default=0.0) > MOST_FACTORIAL:
        raise CannotCalculate(f"{name} takes numbers up to {MOST_FACTORIAL}")
    return _bounded(FUNCTIONS[name](*[_plain(v) for v in values]))


def _bounded(value: Any) -> Number:
    if isinstance(value, float):
        if not math.isfinite(value):
            raise CannotCalculate("the value is not finite")
        return value
    exact = Fraction(value)
    if max(exact.numerator.bit_length(), exact.denominator.bit_length()) > MOST_BITS + 8:
        raise CannotCalculate(f"the value has more than {MOST_DIGITS:,} digits")
    return value  # type: ignore[no-any-return]


def _plain(value: Number) -> Number:
    """A fraction that is whole as an int."""
    return value.numerator if isinstance(value, Fraction) and value.denominator == 1 else value


def _ends(value: Fraction) -> bool:
    """Whether a fraction has a finite decimal expansion, of no more than 30 places."""
    return bool(10**30 % value.denominator == 0)


def _decimal(value: Fraction) -> Decimal:
    exact = Context(prec=MOST_DIGITS + 40)
    return exact.divide(Decimal(value.numerator), Decimal(value.denominator))


def _without_commas(text: str) -> str:
    """Without the commas between thousands, where no function has commas between its arguments."""
    return text if CALL.search(text) else COMMA.sub("", text)


def _logarithm(value: Number, base: Number = math.e) -> float:
    return math.log(value) if base == math.e else math.log(value, base)


MOST_FACTORIAL = 450
MOST_EXACT = 2**53
CALL = re.compile(r"[a-z]\w*\s*\(")
COMMA = re.compile(r"(?<=\d),(?=\d{3}\b)")
CONSTANTS: dict[str, float] = {"pi": math.pi, "e": math.e, "tau": math.tau}
OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{name: getattr(math, name) for name in ("exp", "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "log2")},
    **{name: getattr(math, name) for name in ("log10", "floor", "ceil", "factorial", "comb", "perm", "gcd", "lcm")},
    **{name: getattr(math, name) for name in ("sinh", "cosh", "tanh", "degrees", "radians", "hypot", "cbrt")},
    "abs": abs,
    "round": round,
    "min": min,
    "max": max,
    "sum": lambda *values: sum(values),
    "log": _logarithm,
    "ln": math.log,
    "sqrt": lambda value: math.isqrt(value) if isinstance(value, int) and _square(value) else math.sqrt(value),
}


def _square(value: int) -> bool:
    return value >= 0 and math.isqrt(value) ** 2 == value


CALCULATOR = NamedTool(
    name="calculator",
    description="Works out arithmetic exactly: + - * / // % **, parentheses, pi, e, and functions such as sqrt, log, "
    "exp, sin, round, comb, factorial. No variables, no units.",
    arguments={
        "type": "object",
        "properties": {"expression": {"type": "string", "minLength": 1, "maxLength": MOST_CHARS}},
        "required": ["expression"],
        "additionalProperties": False,
    },
    run=calculator,
)
