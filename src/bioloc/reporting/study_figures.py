"""Studies as figures: a curve where an amount was varied, dots beside each other where not."""

from __future__ import annotations

from statistics import mean

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, NullLocator, ScalarFormatter

from bioloc.methods import METHODS
from bioloc.reporting.canvas import new_figure, to_png
from bioloc.reporting.study import X_LABELS, Study, Trial, measures

_COLOURS = ("#c2410c", "#7c3aed", "#1f5a99", "#0e7490", "#4d7c0f", "#a16207")
_WIDTH, _CURVE_HIGH, _LINE_HIGH, _ROOM = 4.3, 2.7, 0.24, 1.0
_LOG_FROM = 8


def draw_study(study: Study) -> bytes:
    """A PNG: one row of panels per task, one column per metric; a dot is one training, a line or a bar the mean."""
    tasks = list(dict.fromkeys(trial.task for trial in study.trials))
    highs = [_high(study, task) for task in tasks]
    figure = new_figure(3 * _WIDTH, sum(highs) + 0.3)
    figure.set_layout_engine("constrained")
    panels = figure.subplots(len(tasks), 3, squeeze=False, gridspec_kw={"height_ratios": highs})
    for task, row in zip(tasks, panels, strict=True):
        trials = [trial for trial in study.trials if trial.task == task]
        for axes, (metric, name) in zip(row, measures(task).items(), strict=True):
            there = [trial for trial in trials if metric in trial.metrics]
            axes.set_title(f"{task}: {name}", fontsize=10, loc="left")
            axes.spines[["top", "right"]].set_visible(False)
            axes.grid(color="0.92", linewidth=0.8)
            axes.set_axisbelow(True)
            (_curves if study.is_curve else _dots)(axes, study, there, metric)
    handles = {name: handle for axes in panels.flat for handle, name in zip(*axes.get_legend_handles_labels(), strict=True)}
    if len(handles) > 1:
        figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncol=5, fontsize=9, frameon=False)
    return to_png(figure)


def _high(study: Study, task: str) -> float:
    labels = {study.label(trial) for trial in study.trials if trial.task == task}
    return _CURVE_HIGH if study.is_curve else _ROOM + _LINE_HIGH * len(labels)


def _curves(axes: Axes, study: Study, trials: list[Trial], metric: str) -> None:
    places = sorted({trial.x for trial in trials if trial.x is not None})
    for method in dict.fromkeys(trial.method for trial in trials):
        points: dict[float, list[float]] = {}
        for trial in trials:
            if trial.method == method and trial.x is not None:
                points.setdefault(trial.x, []).append(trial.metrics[metric])
        colour = _colour(method)
        axes.plot(sorted(points), [mean(points[x]) for x in sorted(points)], color=colour, linewidth=1.5, label=method)
        for x, values in points.items():
            axes.scatter([x] * len(values), values, s=18, color=colour, alpha=0.7, linewidths=0)
    if places and places[0] > 0 and places[-1] >= _LOG_FROM * places[0]:
        axes.set_xscale("log")
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xticks(places)
        axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.set_xlabel(X_LABELS.get(study.name, "amount"), fontsize=9)


def _dots(axes: Axes, study: Study, trials: list[Trial], metric: str) -> None:
    labels = list(dict.fromkeys(study.label(trial) for trial in trials))
    for label in labels:
        for method in dict.fromkeys(trial.method for trial in trials):
            found = [trial for trial in trials if study.label(trial) == label and trial.method == method]
            values, at = [trial.metrics[metric] for trial in found], labels.index(label)
            if not values:
                continue
            colour = _colour(method)
            axes.scatter(values, [at] * len(values), s=26, color=colour, alpha=0.7, linewidths=0, label=method)
            axes.plot([mean(values)] * 2, [at - 0.3, at + 0.3], color=colour, linewidth=1.5)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.set_yticks(range(len(labels)), labels, fontsize=9)
    axes.set_ylim(len(labels) - 0.4, -0.6)


def _colour(method: str) -> str:
    names = list(METHODS)
    return _COLOURS[names.index(method) % len(_COLOURS)] if method in names else "0.4"
