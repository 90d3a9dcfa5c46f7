"""Model cards of registered models, from the files that training, evaluation and promotion left."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from bioloc.files import read_json, read_table, write_text
from bioloc.methods import METHODS
from bioloc.params import PHANTOM
from bioloc.project import Project
from bioloc.reporting.columns import Table, metric, plain, row_title, rows_of
from bioloc.reporting.content import Json, TaskContent, as_dict
from bioloc.reporting.markdown import escaped, markdown_table
from bioloc.reporting.numbers import NOTHING, correlation, is_number, number, share, with_interval
from bioloc.tasks import TASKS, Task

_TEMPLATE = "card.md.j2"
_SHARES = {
    "pearson_r": "Pearson r",
    "pearson_r_log1p": "Pearson r of log(1 + value)",
    "spearman": "Spearman rho",
    "ccc": "concordance (CCC)",
    "icc": "ICC(2,1)",
    "category_accuracy": "category accuracy",
    "weighted_kappa": "weighted kappa",
    "dice": "Dice",
    "precision": "precision",
    "recall": "recall",
    "lesion_sensitivity": "lesion sensitivity",
}
_AMOUNTS = {"mae": "MAE", "rmse": "RMSE", "bias": "bias", "limit_low": "lower 95 % limit", "limit_high": "upper 95 % limit"}
_NO_WEIGHT = ("running_mean", "running_var", "num_batches_tracked")
_WORST = 3


def write_card(project: Project, content: TaskContent, folder: Path) -> Path:
    """Write reports/cards/<task>.md, of the champion whose package, run.json and metrics.json lie in `folder`."""
    path = project.card(content.name)
    write_text(path, render_card(project, content, folder))
    return path


def render_card(project: Project, content: TaskContent, folder: Path) -> str:
    """The card as markdown.

    Args:
        project: Where reports/ lies: comparison, gates and the largest errors are told where they are of this very model.
        content: The task's reports.
        folder: package/model.json and weights, run.json, and metrics.json where it was evaluated.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    model, run = read_json(folder / "package" / "model.json"), read_json(folder / "run.json")
    task, method = TASKS[content.name], METHODS[run["method"]]
    registry = content.registry if content.registry.get("run_key") == run["run_key"] else {}
    evaluated = any(found.key == run["run_key"] for found in content.runs)
    metrics = _metrics(folder, project.evaluation(content.name, run["method"]) if evaluated else None)
    source = str(run["params"].get("source"))
    environment = Environment(
        loader=PackageLoader("bioloc.reporting"),
        autoescape=False,  # noqa: S701  # markdown; what comes from files is escaped as such
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(_TEMPLATE).render(
        task=task,
        method=method.title,
        method_is_map=method.output == "map",
        version=registry.get("version"),
        run=run,
        began=_began(run),
        model=model,
        spec=model["spec"],
        parameters=f"{_weights(folder / 'package' / 'weights.safetensors'):,}",
        environment={name: escaped(str(value)) for name, value in run["environment"].items()},
        out_of_scope=_out_of_scope(task),
        phantom=source == PHANTOM,
        log=content.log,
        source="Phantoms, drawn by a computer" if source == PHANTOM else f"Cohort: {escaped(source)}",
        evaluated=_counts(metrics),
        data=run["data"],
        cases=", ".join(f"{split} {count}" for split, count in as_dict(run["data"].get("cases")).items()) or NOTHING,
        supervision=f"one {method.supervision} per case"
        + (
            " and no mask; a mask changes no byte of the weights (tests/stages/test_mask_proof.py)"
            if method.supervision == "value"
            else ""
        ),
        metrics="\n\n".join(markdown_table(_metrics_table(task, metrics))),
        beside="\n\n".join(markdown_table(_beside_table(content))) if evaluated and rows_of(content) else "",
        gates=[escaped(line) for line in _gates(registry)],
        uncertainty=_uncertainty(model),
        caveats=_caveats(project, content, task, run, source == PHANTOM) if evaluated else _limits(source == PHANTOM),
    )


def _began(run: Json) -> str:
    """What the first weights were."""
    start = as_dict(run.get("started_from"))
    if not start:
        return "random weights"
    return f"the weights of {escaped(str(start['uri']))} (run key `{start['run_key']}`), a model that was trained before"


def _weights(path: Path) -> int:
    """How many numbers were learnt; running statistics are not."""
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as tensors:
        names = [name for name in tensors.keys() if not name.endswith(_NO_WEIGHT)]  # noqa: SIM118  # no dict
        return sum(math.prod(tensors.get_slice(name).get_shape()) for name in names)


def _metrics_table(task: Task, metrics: Json) -> Table:
    splits = {name: as_dict(as_dict(part).get("metrics")) for name, part in as_dict(metrics.get("splits")).items()}
    texts: dict[str, tuple[str, Any]] = {name: (title, share) for name, title in _SHARES.items()}
    texts |= {name: (f"{title} ({task.unit})", number) for name, title in _AMOUNTS.items()}
    texts |= {"hd95_mm": ("HD95 (mm)", number), "false_positive": (f"false positive on empty references ({task.unit})", number)}
    rows = [
        [title, *(with_interval(found.get(name), as_text) for found in splits.values())]
        for name, (title, as_text) in texts.items()
        if any(is_number(as_dict(found.get(name)).get("value")) for found in splits.values())
    ]
    return Table(["metric", *splits], rows, "")


def _beside_table(content: TaskContent) -> Table:
    r = "pearson_r_log1p" if content.log else "pearson_r"
    draws = [metric(r, correlation), metric("mae", plain(number)), metric("dice", with_interval)]
    rows = [[row_title(row, name), *(draw(row) for draw in draws)] for name, row in rows_of(content).items()]
    headings = ["method", "r of log(1 + value)" if content.log else "r", f"MAE ({content.unit})", "Dice"]
    return Table(headings, rows, "Beside the other methods and what needs no network, test split (*: trained with masks):")


def _metrics(folder: Path, evaluation: Path | None) -> Json:
    """metrics.json beside the package, or, before the registry has put it there, that of the model's own evaluation."""
    places = [place / "metrics.json" for place in (folder, evaluation) if place is not None]
    return next((as_dict(read_json(path)) for path in places if path.is_file()), {})


def _counts(metrics: Json) -> str:
    parts = [
        f"{name}: {part.get('n_cases')} cases of {part.get('n_patients')} patients"
        for name, part in as_dict(metrics.get("splits")).items()
    ]
    return "; ".join(parts) or "Not evaluated"


def _gates(registry: Json) -> list[str]:
    gates = registry.get("gates")
    found = [
        f"{'passed' if gate.get('passed') else 'FAILED'}: {gate.get('gate')} ({gate.get('detail')})"
        for gate in (gates if isinstance(gates, list) else [])
    ]
    return found or ["decided at an earlier promotion (reports/registry/log.jsonl); the present decision is on another model"]


def _uncertainty(model: Json) -> list[str]:
    interval, novelty = as_dict(model.get("interval")), as_dict(model.get("novelty"))
    found = []
    if interval:
        found.append(
            f"Each prediction carries an interval of nominal {100 * interval['level']:g} % coverage (split conformal), "
            f"calibrated on {interval['cases']} cases."
        )
    if novelty:
        found.append(
            f"A scan that lies farther from {novelty['cases']} known cases than {100 * novelty['level']:g} % of such cases do "
            "is flagged as unlike them."
        )
    if model.get("recalibration"):
        found.append("Values are corrected by a line that was fitted on local cases (`bioloc-cli calibrate`).")
    return found or ["The package carries neither intervals nor a flag for unlike scans."]


def _out_of_scope(task: Task) -> list[str]:
    needs = task.needs
    found = ["scans other than CT in Hounsfield units"]
    if needs.lungs:
        found.append("slices outside the chest")
    if needs.whole_outline:
        found.append("a trunk that is cut off by the field of view")
    if needs.unenhanced:
        found.append("contrast medium in the blood")
    if needs.tube_voltage_kvp is not None:
        found.append(f"tube voltages other than {needs.tube_voltage_kvp:g} kVp")
    if needs.increment_mm is not None:
        found.append(f"slice increments above {needs.increment_mm[-1]:g} mm")
    if task.region == "required":
        found.append("scans without the organ's region, given or found")
    return found


def _limits(phantom: bool) -> list[str]:
    if phantom:
        return [
            "Trained on phantoms only: these numbers say nothing about patients. Train on your own cohort before you trust one.",
            "What a phantom lacks (implants, disease, surgery, motion, other kernels) the model has never seen.",
        ]
    return ["Other hospitals, scanners and protocols than the cohort's are untested: evaluate on local cases first."]


def _caveats(project: Project, content: TaskContent, task: Task, run: Json, phantom: bool) -> list[str]:
    """The limits, and what fails on the test split; cases are not named, for a cohort's ids may be people's."""
    path = project.evaluation(content.name, run["method"]) / "predictions.csv"
    if not path.is_file():
        return _limits(phantom)
    table = read_table(path)
    test = table[table["split"] == "test"]
    order = (test["predicted"] - test["value"]).abs().sort_values(ascending=False).index[:_WORST]
    worst = [f"{number(test.loc[at, 'predicted'])} for a known {number(test.loc[at, 'value'])}" for at in order]
    found = [f"The largest errors on the test split ({task.unit}): {'; '.join(worst)}."]
    if "dice" in test and test["dice"].notna().any():
        dice = test["dice"].dropna()
        found.append(f"On {int((dice < 0.5).sum())} of {len(dice)} test cases with a reference the mask's Dice is below 0.5.")
    return [*_limits(phantom), *found]
