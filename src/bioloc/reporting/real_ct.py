"""The report's section on real scans, from what `benchmarks/real_ct.py` left in reports/real_ct/."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bioloc.files import read_json
from bioloc.reporting.columns import Table
from bioloc.reporting.content import Json, as_dict
from bioloc.reporting.numbers import NOTHING, is_number, number, share

HOW = "python benchmarks/real_ct.py"
_CAPTION = (
    "Scans of people. No training, threshold or checkpoint used them, but phantoms and rules were made while looking at some "
    "of them: they show whether a model carries over, and prove nothing. Where there is no reference, only the pictures tell "
    "whether a map lies where it should. Errors are of the value, means over the slices of a scan that has a reference; the best "
    "Dice possible is that of the reference's pixels that are candidates."
)


@dataclass(frozen=True)
class Look:
    """One model on one scan: a heading, what to know beside the picture, and the picture where there is one."""

    title: str
    caption: str
    figure: Path | None


@dataclass(frozen=True)
class RealCT:
    """The section: a table of all numbers, the pictures, and remarks on what is missing or old."""

    table: Table | None
    looks: list[Look]
    remarks: list[str]


def read_real_ct(folder: Path, run_keys: Mapping[str, str]) -> RealCT:
    """What the folder holds; a remark how to make it where it holds nothing.

    Args:
        folder: reports/real_ct.
        run_keys: Key of each task's present model: numbers of another one are told to be old.
    """
    try:
        content = as_dict(read_json(folder / "real_ct.json"))
    except FileNotFoundError:
        return RealCT(None, [], [f"No real scans were looked at yet: {HOW}, then bioloc-cli report, adds them here."])
    except (OSError, ValueError) as error:
        return RealCT(None, [], [f"real_ct.json cannot be read ({error}): make it again with {HOW}."])
    found = content.get("looks")
    looks = [look for look in found if isinstance(look, dict)] if isinstance(found, list) else []
    old = dict.fromkeys(str(look.get("task")) for look in looks if _is_old(look, run_keys))
    remarks = [f"{task}: made with another model than the present one: run {HOW} again." for task in old]
    return RealCT(_table(looks), [_look(look, folder) for look in looks], remarks)


def _is_old(look: Json, run_keys: Mapping[str, str]) -> bool:
    key = run_keys.get(str(look.get("task")))
    return key is not None and key != look.get("run_key")


def _look(look: Json, folder: Path) -> Look:
    title = f"{look.get('task')} on {look.get('name')}"
    if look.get("error"):
        return Look(title, f"Scan: {look.get('origin')}. Failed: {look['error']}", None)
    figure = folder / Path(str(look.get("figure"))).name
    return Look(title, str(look.get("caption") or ""), figure if figure.is_file() else None)


def _table(looks: list[Json]) -> Table | None:
    if not looks:
        return None
    headings = [
        "task and scan",
        "value",
        "90 % interval",
        "category",
        "slice",
        "Dice, mean (median; range)",
        "best Dice possible",
    ]
    headings += ["MAE", "bias", "r", "unlike training", "as wanted", "run"]
    return Table(headings, [_row(look) for look in looks], _CAPTION)


def _row(look: Json) -> list[str]:
    unit, dice = look.get("unit") or "", as_dict(look.get("dice"))
    low, high = look.get("interval_low"), look.get("interval_high")
    slices = look.get("n_slices")
    return [
        f"{look.get('task')}: {look.get('name')}",
        "failed" if look.get("error") else _with_unit(look.get("value"), unit),
        f"{number(low)} to {number(high)}" if is_number(low) and is_number(high) else NOTHING,
        str(look.get("category") or NOTHING),
        _text(look.get("slice")) if slices is None else f"{slices} slices",
        f"{share(dice.get('mean'))} ({share(dice.get('median'))}; {share(dice.get('low'))} to {share(dice.get('high'))})"
        if dice
        else NOTHING,
        share(look.get("dice_of_candidates_in_reference")),
        _with_unit(look.get("mae"), unit),
        _with_unit(look.get("bias"), unit),
        share(look.get("pearson_r")),
        _flag(look.get("unlike_training"), slices),
        _flag(look.get("as_wanted"), None),
        str(look.get("run_key") or NOTHING),
    ]


def _with_unit(value: Any, unit: str) -> str:
    return f"{number(value)} {unit}" if is_number(value) else NOTHING


def _text(value: Any) -> str:
    return NOTHING if value is None else str(value)


def _flag(value: Any, slices: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return NOTHING if value is None else f"{value} of {slices}"
