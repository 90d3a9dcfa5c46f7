"""What the stages left in reports/, read so that a missing or broken file is a line in the report, not its end."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bioloc.files import read_json
from bioloc.methods import METHODS
from bioloc.project import Project
from bioloc.tasks import TASKS

_ROWS_NAMED = 5
Json = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """The training behind a method's numbers; what run.json does not tell is empty.

    Attributes:
        method: The method's short name.
        key: The run's key, the digest of its package.
        seconds: How long it took.
        created: When it ended.
        commit: The code that trained.
    """

    method: str
    key: str
    seconds: Any
    created: str
    commit: str


@dataclass(frozen=True)
class TaskContent:
    """Everything known of one task.

    Attributes:
        name: The task's short name.
        title: What it measures.
        unit: Unit of the value.
        log: Whether values are compared as log(1 + value).
        source: `phantom`, or the path of a cohort's manifest.
        comparison: reports/comparison/<task>.json; empty where there is none.
        registry: reports/registry/<task>.json; empty where there is none.
        champion: Key of the run that is champion by the log; None where there is none.
        counts: Cases and patients of the test split; None where they are not known.
        problems: What is missing or failed, with the message.
        warnings: What data validation warns of.
        figures: Method, title of the figure and its path, for figures that are there.
        side_by_side: The picture of all methods on the same cases; None where it is not there.
        runs: What was evaluated, by method.
        left_out: Methods that this cohort cannot train, and why.
    """

    name: str
    title: str
    unit: str
    log: bool
    source: str
    comparison: Json
    registry: Json
    champion: str | None
    counts: tuple[int | None, int | None]
    problems: list[str]
    warnings: list[str]
    figures: list[tuple[str, str, Path]]
    side_by_side: Path | None
    runs: list[Run]
    left_out: dict[str, str]


def gather(project: Project, sources: dict[str, str]) -> list[TaskContent]:
    """The content of every task in `sources`, in that order."""
    champions = _champions(project.registry_log)
    return [_task(project, name, source, champions.get(name)) for name, source in sources.items()]


def _task(project: Project, name: str, source: str, champion: str | None) -> TaskContent:
    problems: list[str] = []
    task = TASKS.get(name)
    validation = _read(project.validation(name), "Data validation", f"validate@{name}", problems)
    if validation and not validation.get("success"):
        problems += [f"Data validation failed: {line}" for line in _findings(validation, "critical")] or [
            "Data validation failed."
        ]
    metrics = _evaluations(project, name, problems)
    comparison = _read(project.comparison(name), "Comparison", f"compare@{name}", problems)
    registry = _read(project.promotion(name), "Promotion", f"promote@{name}", problems)
    if registry and registry.get("decision") == "refused":
        failed = [gate for gate in _dicts(registry.get("gates")) if not gate.get("passed")]
        problems += [f"Promotion refused at the gate '{gate.get('gate')}': {gate.get('detail')}" for gate in failed]
        if not failed:
            problems.append(f"Promotion refused: {registry.get('message') or 'no reason was recorded'}")
    title = str(comparison.get("title") or (task.title if task else name))
    figures = [
        (METHODS[method].title, kind, path)
        for method in METHODS
        if not metrics.get(method, {}).get("left_out")
        for kind, path in _figures(project.evaluation(name, method))
    ]
    picture = project.comparison(name).with_suffix(".png")
    return TaskContent(
        name=name,
        title=title,
        unit=str(comparison.get("unit") or (task.unit if task else "")),
        log=bool(task and task.loss_space == "log1p"),
        source=source,
        comparison=comparison,
        registry=registry,
        champion=champion,
        counts=_counts(comparison, metrics),
        problems=problems,
        warnings=_findings(validation, "warnings"),
        figures=figures,
        side_by_side=picture if picture.is_file() else None,
        runs=[_run(project, name, method, str(found["run_key"])) for method, found in metrics.items() if found.get("run_key")],
        left_out={method: str(found["left_out"]) for method, found in metrics.items() if found.get("left_out")},
    )


def as_dict(content: Any) -> Json:
    """`content` where it is a dict, else an empty one."""
    return content if isinstance(content, dict) else {}


def _dicts(content: Any) -> list[Json]:
    return [item for item in content if isinstance(item, dict)] if isinstance(content, list) else []


def _read(path: Path, what: str, stage: str, problems: list[str]) -> Json:
    """The JSON document at `path`; when it cannot be had, an empty one and a line in `problems`."""
    try:
        return as_dict(read_json(path))
    except FileNotFoundError:
        problems.append(f"{what} is missing, the stage did not run or failed: run `dvc repro {stage}`")
    except (OSError, ValueError) as error:
        problems.append(f"{what}: {path.parent.name}/{path.name} cannot be read ({error}): run `dvc repro --force {stage}`")
    return {}


def _evaluations(project: Project, name: str, problems: list[str]) -> dict[str, Json]:
    """metrics.json of every method; those that are missing share one line."""
    folders = {method: project.evaluation(name, method) / "metrics.json" for method in METHODS}
    missing = [method for method, path in folders.items() if not path.is_file()]
    if missing:
        remedy = " ".join(f"evaluate@{name}-{method}" for method in missing)
        problems.append(f"Evaluation is missing for {', '.join(missing)}: run `dvc repro {remedy}`")
    return {
        method: _read(path, "Evaluation", f"evaluate@{name}-{method}", problems)
        for method, path in folders.items()
        if method not in missing
    }


def _findings(validation: Json, kind: str) -> list[str]:
    lines = []
    for finding in _dicts(validation.get(kind)):
        rows = finding.get("rows")
        rows = [str(row) for row in rows] if isinstance(rows, list) else []
        more = f" and {len(rows) - _ROWS_NAMED} more" if len(rows) > _ROWS_NAMED else ""
        cases = f" (cases {', '.join(rows[:_ROWS_NAMED])}{more})" if rows else ""
        lines.append(f"{finding.get('check')}: {finding.get('message')}{cases}")
    return lines


def _counts(comparison: Json, metrics: dict[str, Json]) -> tuple[int | None, int | None]:
    for content in metrics.values():
        test = as_dict(as_dict(content.get("splits")).get("test"))
        if test.get("n_cases") is not None:
            return test.get("n_cases"), test.get("n_patients")
    rows = as_dict(comparison.get("rows")).values()
    return next((as_dict(row)["n_cases"] for row in rows if as_dict(row).get("n_cases") is not None), None), None


def _run(project: Project, name: str, method: str, key: str) -> Run:
    """What run.json tells of an evaluated model; nothing where models/ holds another one by now."""
    path = project.model(name, method) / "run.json"
    try:
        found = as_dict(read_json(path))
    except (OSError, ValueError):
        found = {}
    if found.get("run_key") != key:
        found = {}
    return Run(method, key, found.get("seconds"), str(found.get("created") or ""), str(found.get("git_commit") or ""))


def _figures(folder: Path) -> list[tuple[str, Path]]:
    kinds = {"scatter.png": "Known and predicted values", "bland_altman.png": "Limits of agreement (Bland-Altman)"}
    return [(kind, folder / name) for name, kind in kinds.items() if (folder / name).is_file()]


def _champions(log: Path) -> dict[str, str]:
    """The champion's run key of each task: what the last line about it says."""
    found: dict[str, str] = {}
    for line in log.read_text(encoding="utf-8").splitlines() if log.is_file() else []:
        try:
            event = as_dict(json.loads(line))
        except ValueError:
            continue
        if event.get("task") and event.get("run_key"):
            found[str(event["task"])] = str(event["run_key"])
    return found
