"""Numbers as text: three significant digits, three decimals for shares and correlations, intervals in brackets."""

from __future__ import annotations

import math
from typing import Any

NOTHING = "–"
_DIGITS = 3
_MOST_DECIMALS = 6


def number(value: Any) -> str:
    """Three significant digits without an exponent; a dash for what is not a number."""
    if not is_number(value):
        return NOTHING
    if value == 0:
        return "0"
    decimals = _DIGITS - 1 - math.floor(math.log10(abs(value)))
    return f"{round(value, decimals):.{min(max(decimals, 0), _MOST_DECIMALS)}f}"


def share(value: Any) -> str:
    """Three decimals, for correlations, Dice and the like; what rounds to 1 but is not, is not called 1."""
    if not is_number(value):
        return NOTHING
    return ">0.999" if 0.9995 <= value < 1 else f"{value:.3f}"


def percent(value: Any) -> str:
    """A share as whole percent."""
    return f"{100 * value:.0f} %" if is_number(value) else NOTHING


def p_value(value: Any) -> str:
    """Three decimals, or `<0.001`."""
    if not is_number(value):
        return NOTHING
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def with_interval(metric: Any, as_text: Any = share) -> str:
    """`0.953 [0.931, 0.968]`, of {"value", "ci_low", "ci_high"}; only the value where there is no interval."""
    if not isinstance(metric, dict) or not is_number(metric.get("value")):
        return NOTHING
    value, low, high = (metric.get(key) for key in ("value", "ci_low", "ci_high"))
    if not is_number(low) or not is_number(high):
        return str(as_text(value))
    return f"{as_text(value)} [{as_text(low)}, {as_text(high)}]"


def correlation(metric: Any) -> str:
    """`with_interval`; a dash where the predictions do not vary, for then there is no correlation."""
    if isinstance(metric, dict) and all(metric.get(key) == 0 for key in ("value", "ci_low", "ci_high")):
        return NOTHING
    return with_interval(metric)


def is_number(value: Any) -> bool:
    """Whether it is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
