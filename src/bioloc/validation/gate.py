"""Runs the checks with Great Expectations, writes its Data Docs, and names the cases that fail."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from bioloc.errors import GateError
from bioloc.files import folder_written_aside
from bioloc.tasks import Task
from bioloc.validation.expectations import Check, checks
from bioloc.validation.facts import gather

NAMED_CASES = 5


def validate(
    task: Task,
    samples: pd.DataFrame,
    candidates: pd.DataFrame,
    patients_expected_splits: Sequence[str],
    docs: Path | None,
) -> dict[str, Any]:
    """The content of reports/validation/<task>.json.

    Args:
        task: The biomarker.
        samples: samples.csv.
        candidates: candidates.csv, in the same order.
        patients_expected_splits: Splits that must have cases.
        docs: Folder for the Data Docs, static HTML whose first page is index.html; None for none.

    Raises:
        DataError: A table lacks a column.
    """
    facts = gather(task, samples, candidates)
    todo = checks(task, facts, patients_expected_splits)
    if docs is None:
        outcomes = _run(task, facts, todo, None)
    else:
        with folder_written_aside(docs) as aside:
            outcomes = _run(task, facts, todo, aside)
    report: dict[str, Any] = {"task": task.name, "success": True, "n_cases": len(facts), "critical": [], "warnings": []}
    report["checks"] = []
    for check in todo:
        passed, rows, trouble = outcomes[check.name]
        message = check.holds if passed else check.broken + trouble
        entry = {"check": check.name, "success": passed, "severity": check.severity, "message": message}
        report["checks"].append(entry)
        if not passed:
            group = "critical" if check.severity == "critical" else "warnings"
            report[group].append({"check": check.name, "message": message, "rows": rows})
    report["success"] = not report["critical"]
    return report


def raise_if_critical(result: dict[str, Any]) -> None:
    """Stop on a critical failure, naming the checks and their cases.

    Raises:
        GateError: The result has one.
    """
    failed = result["critical"]
    if failed:
        count = "1 critical failure" if len(failed) == 1 else f"{len(failed)} critical failures"
        details = "; ".join(f"[{entry['check']}] {entry['message']}{_cases(entry['rows'])}" for entry in failed)
        raise GateError(f"data validation of {result['task']} found {count} in {result['n_cases']} cases: {details}")


def _cases(rows: list[str]) -> str:
    if not rows:
        return ""
    more = ", ..." if len(rows) > NAMED_CASES else ""
    return f" ({len(rows)} case{'s' if len(rows) > 1 else ''}: {', '.join(rows[:NAMED_CASES])}{more})"


def _run(task: Task, facts: pd.DataFrame, todo: list[Check], docs: Path | None) -> dict[str, tuple[bool, list[str], str]]:
    """For each check whether it passed, the cases that break it, and what kept it from running, if anything."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"  # read at import: nothing is sent anywhere
    import great_expectations as gx
    from great_expectations.data_context.types.base import DataContextConfig, InMemoryStoreBackendDefaults, ProgressBarsConfig

    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    settings = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        data_docs_sites={} if docs is None else {task.name: _site(docs)},
        progress_bars=ProgressBarsConfig(globally=False, metric_calculations=False),
        analytics_enabled=False,
    )
    context = gx.get_context(mode="ephemeral", project_config=settings)
    batch = context.data_sources.add_pandas("bioloc").add_dataframe_asset(task.name).add_batch_definition_whole_dataframe("all")
    suite = gx.ExpectationSuite(name=task.name, expectations=[_expectation(gx, check) for check in todo])
    suite = context.suites.add(suite)
    definition = context.validation_definitions.add(gx.ValidationDefinition(name=task.name, data=batch, suite=suite))
    done = definition.run(
        batch_parameters={"dataframe": facts},
        result_format={"result_format": "COMPLETE", "unexpected_index_column_names": ["case_id", "line"]},
    )
    if docs is not None:
        context.build_data_docs(site_names=[task.name])
    return {one.expectation_config.meta["check"]: _outcome(one) for one in done.results}


def _expectation(gx: Any, check: Check) -> Any:
    kind = getattr(gx.expectations, check.expectation)
    return kind(**check.arguments, severity=check.severity, meta={"check": check.name}, notes=check.holds)


def _outcome(one: Any) -> tuple[bool, list[str], str]:
    if one.success:
        return True, [], ""
    if not one.result and one.exception_info:
        return False, [], f" (the check could not run: {_reason(one.exception_info)})"
    found = one.result.get("unexpected_index_list") or []
    names = [f"line {row['line']}" if pd.isna(row["case_id"]) else str(row["case_id"]) for row in found]
    return False, list(dict.fromkeys(names)), ""


def _reason(information: dict[str, Any]) -> str:
    inner = information if "exception_message" in information else next(iter(information.values()), {})
    return str(inner.get("exception_message", "unknown") if isinstance(inner, dict) else inner)


def _site(folder: Path) -> dict[str, Any]:
    backend = {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder.resolve())}
    return {
        "class_name": "SiteBuilder",
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
        "store_backend": backend,
        "show_how_to_buttons": False,
    }
