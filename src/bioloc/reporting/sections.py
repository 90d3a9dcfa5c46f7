"""A task's tables and captions as plain text cells; markdown and HTML only differ in how they draw them."""

from __future__ import annotations

from dataclasses import dataclass

from bioloc.reporting.columns import Column, Table, metric, plain, row_title, rows_of
from bioloc.reporting.content import TaskContent, as_dict
from bioloc.reporting.numbers import NOTHING, correlation, number, p_value, share, with_interval
from bioloc.reporting.statistics import agreement_table, category_table, lesion_table

READING = (
    "Brackets are 95 % confidence intervals from a bootstrap over the patients of the split; a model was trained once, so "
    "they do not hold the spread between trainings.",
    "Dice and HD95 are means over cases with a reference that is not empty, on the native grid, every mask inside the "
    "candidates (HD95 needs a mask that is not empty too); on empty references the mean false-positive value is given instead.",
    "Shift: the same model on a split drawn from another distribution than the training's.",
    "Rows without a network keep the table honest. The first three are what a model must beat: the mean of the training "
    "values; a linear model on body area and candidate sum; all candidates times one fitted scalar. The fourth, the oracle, "
    "is the reference mask itself on the working grid: the best that the grid allows.",
    "*: trained with masks, an upper reference that is never promoted.",
    "Differences between methods are the first minus the second on the same patients, with the 95 % interval of the paired "
    "bootstrap and its two-sided p-value, not corrected for the number of comparisons. Below 0 favours the first for MAE, "
    "above 0 for the others. What is claimed rests on the declared tests instead: Wilcoxon's signed-rank test on the "
    "patients' means, corrected by Holm's method.",
    "Calibration: the line of known on predicted values by ordinary least squares; slope 1 and intercept 0 are ideal, and a "
    "slope below 1 means predictions that are too extreme. Proportional bias is the correlation of difference and mean. "
    "Formulas and sources of every number: docs/statistics.md.",
    f"{NOTHING}: not defined or not measured.",
)


@dataclass(frozen=True)
class Section:
    """One task in the report; `details` are further tables, those that can be made."""

    name: str
    title: str
    heading: str
    results: Table | None
    pairs: Table | None
    details: list[Table]
    remark: str
    content: TaskContent


def section_of(content: TaskContent) -> Section:
    """The tables of one task; None for those that cannot be made."""
    kind = "Phantom results" if content.source == "phantom" else "Results"
    return Section(
        name=content.name,
        title=content.title,
        heading=f"{content.name}: {content.title}",
        results=_results(content, kind),
        pairs=_pairs(content),
        details=[
            table for table in (agreement_table(content), lesion_table(content), category_table(content)) if table is not None
        ],
        remark=" ".join(part for part in (_oracle_remark(content), _left_out_remark(content)) if part),
        content=content,
    )


def registry_table(contents: list[TaskContent]) -> Table:
    """What promotion decided for every task, and its gates."""
    rows = []
    for content in contents:
        registry = content.registry
        gates = registry.get("gates")
        shown = [
            f"{'passed' if gate.get('passed') else 'FAILED'}: {gate.get('gate')} ({gate.get('detail')})"
            for gate in (gates if isinstance(gates, list) else [])
            if isinstance(gate, dict)
        ]
        version = registry.get("version")
        rows.append(
            [
                content.name,
                str(registry.get("decision") or "no decision"),
                str(registry.get("method") or NOTHING),
                NOTHING if version is None else str(version),
                content.champion or NOTHING,
                "; ".join(shown) or NOTHING,
                str(registry.get("message") or NOTHING),
            ]
        )
    headings = ["task", "decision", "method", "version", "champion's run", "gates", "message"]
    caption = "What promotion decided. Gates on metrics use the gate split, which neither training nor the tables above use."
    return Table(headings, rows, caption)


def _results(content: TaskContent, kind: str) -> Table | None:
    rows = rows_of(content)
    if not rows:
        return None
    columns = _columns(content)
    cells = [[row_title(row, name), *(draw(row) for _, draw in columns)] for name, row in rows.items()]
    honest = {at for at, row in enumerate(rows.values()) if row.get("kind") == "honesty"}
    return Table(["method", *(heading for heading, _ in columns)], cells, _caption(content, kind), honest)


def _columns(content: TaskContent) -> list[Column]:
    unit = content.unit
    columns: list[Column] = [("r [95 % CI]", metric("pearson_r", correlation))]
    if content.log:
        columns += [
            ("r of log(1 + value) [95 % CI]", metric("pearson_r_log1p", correlation)),
            ("category accuracy", metric("category_accuracy", plain(share))),
            ("weighted kappa", metric("weighted_kappa", plain(share))),
            ("MAE of log(1 + value)", metric("mae_log1p", plain(number))),
        ]
    shift_r = "pearson_r_log1p" if content.log else "pearson_r"
    return [
        *columns,
        (f"MAE ({unit})", metric("mae", plain(number))),
        ("CCC", metric("ccc", plain(share))),
        ("Dice [95 % CI]", metric("dice", with_interval)),
        ("HD95 (mm)", metric("hd95_mm", plain(number))),
        (f"false positive on empty ({unit})", metric("false_positive", plain(number))),
        ("shift: r of log(1 + value)" if content.log else "shift: r", metric(shift_r, plain(share), "shift")),
        ("shift: Dice", metric("dice", plain(share), "shift")),
    ]


def _caption(content: TaskContent, kind: str) -> str:
    cases, patients = content.counts
    size = "" if cases is None else f", n = {cases} cases" + ("" if patients is None else f" of {patients} patients")
    source = (
        "Every image is a computer-drawn phantom: these numbers say nothing about patients."
        if content.source == "phantom"
        else f"Cohort: {content.source}."
    )
    return f"{kind}: {content.title}, {content.comparison.get('split', 'test')} split{size}. {source}"


def _pairs(content: TaskContent) -> Table | None:
    pairs = content.comparison.get("pairs")
    found = [pair for pair in pairs if isinstance(pair, dict)] if isinstance(pairs, list) else []
    if not found:
        return None
    r = ("pearson_r_log1p", "difference of r of log(1 + value)") if content.log else ("pearson_r", "difference of r")
    columns = [("mae", f"difference of MAE ({content.unit})", number), (*r, share), ("dice", "difference of Dice", share)]
    rows = []
    for pair in found:
        cells = [f"{pair.get('one')} - {pair.get('other')}"]
        for name, _, as_text in columns:
            difference = as_dict(as_dict(pair.get("metrics")).get(name))
            cells += [with_interval(difference, as_text), p_value(difference.get("p_value"))]
        rows.append(cells)
    headings = ["methods", *(heading for _, name, _ in columns for heading in (f"{name} [95 % CI]", "p"))]
    kept = [at for at, name in enumerate(headings) if name != "p" or any(row[at] != NOTHING for row in rows)]
    return Table(
        [headings[at] for at in kept], [[row[at] for at in kept] for row in rows], "Between methods, on the same patients:"
    )


def _left_out_remark(content: TaskContent) -> str:
    return " ".join(f"Left out: {method}, since {reason}." for method, reason in content.left_out.items())


def _oracle_remark(content: TaskContent) -> str:
    oracle = as_dict(as_dict(as_dict(content.comparison.get("rows")).get("oracle")).get("metrics"))
    r, dice = (as_dict(oracle.get(name)).get("value") for name in ("pearson_r", "dice"))
    if not isinstance(r, int | float) or not isinstance(dice, int | float):
        return ""
    fine = r >= 0.995 and dice >= 0.95
    verdict = "the working grid is fine enough" if fine else "THE WORKING GRID IS TOO COARSE for these results to be trusted"
    return f"Oracle: r {share(r)}, Dice {share(dice)} (wanted: at least 0.995 and 0.95): {verdict}."
