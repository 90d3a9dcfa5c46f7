"""Known against predicted values, and their difference against their mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter
from numpy.typing import NDArray

from bioloc.evaluation.agreement import bias, limit_high, limit_low, pearson_r, pearson_r_log1p
from bioloc.reporting.canvas import new_figure, save
from bioloc.tasks import Task

Array = NDArray[np.float64]

_POINT = "#1f5a99"
_LINE = "#c2410c"
_ENOUGH = 3
_DECADES = np.array([0, 1, 10, 100, 1_000, 10_000, 100_000], np.float64)


def scatter(task: Task, table: pd.DataFrame, title: str, path: Path) -> None:
    """Predicted against known values with the line of identity; r and n are in the title.

    Args:
        task: Tells the unit, and whether the axes are log(1 + value).
        table: Predictions with the columns `value` and `predicted`.
        title: What the figure shows.
        path: The PNG to write.
    """
    figure, axes = _blank(6.2, 6.0)
    known, predicted = _pairs(table)
    log = task.loss_space == "log1p"
    x, y = (_signed_log(known), _signed_log(predicted)) if log else (known, predicted)
    axes.set_title(f"{title}\n{_agreement(task, known, predicted)}", fontsize=10)
    if len(x):
        low, high = _span(np.concatenate([x, y]))
        axes.plot([low, high], [low, high], color=_LINE, linewidth=1.2, label="identity", zorder=1)
        axes.scatter(x, y, s=20, color=_POINT, alpha=0.6, linewidths=0, zorder=2)
        axes.set(xlim=(low, high), ylim=(low, high))
        axes.legend(loc="upper left", frameon=False, fontsize=9)
        if log:
            _log_ticks(axes, "x")
            _log_ticks(axes, "y")
    scale = ", log(1 + value) axis" if log else ""
    axes.set(xlabel=f"known value ({task.unit}{scale})", ylabel=f"predicted value ({task.unit}{scale})")
    axes.set_aspect("equal", adjustable="box")
    save(figure, path)


def bland_altman(task: Task, table: pd.DataFrame, title: str, path: Path, metrics: dict[str, Any] | None = None) -> None:
    """Predicted - known against their mean, with the mean difference and the 95 % limits (Bland and Altman, 1986).

    The mean and the limits are of the plain differences, as in the tables; where the task compares values as
    log(1 + value), only the axes are stretched: sign * log(1 + |x|).

    Args:
        task: Tells the unit and the axes.
        table: Predictions with the columns `value` and `predicted`.
        title: What the figure shows.
        path: The PNG to write.
        metrics: The table's metrics; the 95 % intervals of the mean and the limits are drawn as bands.
    """
    figure, axes = _blank(7.4, 5.0)
    known, predicted = _pairs(table)
    log = task.loss_space == "log1p"
    difference, middle = predicted - known, (predicted + known) / 2
    x, y = (_signed_log(middle), _signed_log(difference)) if log else (middle, difference)
    axes.set_title(f"{title}\nn = {len(known)}", fontsize=10)
    axes.axhline(0, color="0.6", linewidth=0.8)
    axes.scatter(x, y, s=20, color=_POINT, alpha=0.6, linewidths=0, zorder=2)
    lines: list[float] = []
    if len(known) >= _ENOUGH:
        for metric, name, style in ((bias, "mean", "-"), (limit_low, "-1.96 SD", "--"), (limit_high, "+1.96 SD", "--")):
            at = float(metric(known, predicted))
            place = float(_signed_log(np.array(at))) if log else at
            lines.append(place)
            axes.axhline(place, color=_LINE, linestyle=style, linewidth=1.2)
            band = _interval((metrics or {}).get(metric.__name__))
            if len(band):
                lines += (_signed_log(band) if log else band).tolist()
                axes.axhspan(*lines[-2:], color=_LINE, alpha=0.12, linewidth=0, zorder=0)
            axes.annotate(f"{name}\n{at:.3g}", (1.01, place), xycoords=("axes fraction", "data"), va="center", fontsize=8)
    if len(known):
        axes.set_ylim(*_span(np.concatenate([y, lines, [0.0]])))
        if log:
            _log_ticks(axes, "x")
            _log_ticks(axes, "y")
    scale = ", log axis" if log else ""
    axes.set(xlabel=f"mean of predicted and known ({task.unit}{scale})", ylabel=f"predicted - known ({task.unit}{scale})")
    save(figure, path)


def _blank(width: float, height: float) -> tuple[Figure, Axes]:
    figure = new_figure(width, height)
    figure.set_layout_engine("constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="0.92", linewidth=0.8)
    axes.set_axisbelow(True)
    return figure, axes


def _pairs(table: pd.DataFrame) -> tuple[Array, Array]:
    """Known and predicted values of the cases that have both."""
    known, predicted = (table[name].to_numpy(np.float64) for name in ("value", "predicted"))
    both = np.isfinite(known) & np.isfinite(predicted)
    return known[both], predicted[both]


def _agreement(task: Task, known: Array, predicted: Array) -> str:
    if len(known) < _ENOUGH:
        return f"n = {len(known)}"
    parts = [f"r = {float(pearson_r(known, predicted)):.3f}"]
    if task.loss_space == "log1p":
        parts.append(f"r of log(1 + value) = {float(pearson_r_log1p(known, predicted)):.3f}")
    return ", ".join([*parts, f"n = {len(known)}"])


def _interval(metric: Any) -> Array:
    """(2,) ends of a metric's 95 % interval; empty where there is none."""
    ends = np.array([(metric or {}).get(end) for end in ("ci_low", "ci_high")], np.float64)
    return ends if np.isfinite(ends).all() else ends[:0]


def _signed_log(values: Array) -> Array:
    return np.asarray(np.sign(values) * np.log1p(np.abs(values)))


def _span(values: Array) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    room = 0.05 * (high - low) or 1.0
    return low - room, high + room


def _log_ticks(axes: Axes, which: str) -> None:
    axis = axes.xaxis if which == "x" else axes.yaxis
    low, high = axes.get_xlim() if which == "x" else axes.get_ylim()
    marks = np.unique(np.concatenate([-_DECADES, _DECADES]))
    places = _signed_log(marks)
    names = dict(zip(places.round(6).tolist(), marks.tolist(), strict=True))
    axis.set_major_locator(FixedLocator(places[(places >= low) & (places <= high)].tolist()))
    axis.set_major_formatter(FuncFormatter(lambda place, _: f"{names.get(round(place, 6), 0) + 0.0:g}"))
