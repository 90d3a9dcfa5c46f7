"""Models on real scans, by the code that `predict` runs: what they say, how it compares with a reference, and pictures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bioloc import __version__
from bioloc.ct.read import read_ct, read_mask
from bioloc.errors import ImageError
from bioloc.evaluation.agreement import bias, mae, pearson_r
from bioloc.evaluation.overlap import overlap
from bioloc.files import write_json
from bioloc.inference.package import Package
from bioloc.inference.scan import Prediction
from bioloc.prediction.batch import predicted
from bioloc.prediction.case import Opened, locator_of
from bioloc.prediction.real_scans import SUBJECTS, Subject
from bioloc.prediction.requests import Request
from bioloc.reporting.overlays import MAX_ROWS, gallery
from bioloc.reporting.panels import Picture
from bioloc.tasks import Task

LEAST_CM2 = 10.0
"""Slices with less of the reference say nothing about Dice."""
NAME = "real_ct.json"
_NUMBER = re.compile(r"\d+(\.\d+)?")
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Model:
    """A package and the digest that names it."""

    package: Package
    run_key: str


@dataclass(frozen=True)
class Found:
    """What a model found in one slice, or in one volume.

    Attributes:
        opened: The scan.
        prediction: Of its slice or volume.
        reference: (S, R, C) mask of the target on the same slices; None where there is none.
    """

    opened: Opened
    prediction: Prediction
    reference: Mask | None


def look_at_all(models: dict[str, Model], scans: Path, output: Path, every: int = 1) -> dict[str, Any]:
    """Run every model on its real scans; write pictures and real_ct.json, and return its content.

    A scan that is missing or refused has the reason as its `error`, and the others go on.

    Args:
        models: By task; subjects of other tasks are left out.
        scans: The folder with the real scans.
        output: Folder of the pictures and real_ct.json.
        every: Measure every so-manieth slice of a scan that has a reference.
    """
    looks = [_look(models[subject.task], subject, scans, output, every) for subject in SUBJECTS if subject.task in models]
    content = {"bioloc": __version__, "made": datetime.now(UTC).isoformat(timespec="seconds"), "looks": looks}
    write_json(output / NAME, content)
    return content


def _look(model: Model, subject: Subject, scans: Path, output: Path, every: int) -> dict[str, Any]:
    task = model.package.network.task
    facts = {
        "task": task.name,
        "name": subject.name,
        "image": subject.image,
        "origin": subject.origin,
        "to_see": subject.to_see,
        "run_key": model.run_key,
        "unit": task.unit,
    }
    figure = output / f"{subject.key}.png"
    figure.unlink(missing_ok=True)  # of an earlier model
    try:
        found = list(_found(model.package, subject, scans, every))
    except ImageError as error:
        return {**facts, "error": str(error)}
    numbers = _one(task, subject, found[0]) if subject.reference is None else _slices(subject, found)
    pictures, locator = _pictures(task, subject, found), locator_of(found[0].opened) if subject.reference is None else None
    gallery(pictures, figure, locator)
    return {**facts, "error": None, **numbers, "figure": figure.name, "caption": _caption(subject, task.volume, numbers)}


def _found(package: Package, subject: Subject, scans: Path, every: int) -> Iterator[Found]:
    task, image = package.network.task, scans / subject.image
    reference = None
    if subject.reference is None:
        todo = [Request(subject.key, image, auto=not task.volume)]
    else:
        ct = read_ct(image)
        reference = read_mask(scans / subject.reference, ct) > 0
        areas = reference.sum(axis=(1, 2)) * ct.spacing_mm[1] * ct.spacing_mm[2] / 100
        numbers = np.flatnonzero(areas >= LEAST_CM2)[::every].tolist()
        if not numbers:
            raise ImageError(f"{scans / subject.reference}: no slice with {LEAST_CM2:g} cm2 of the reference: nothing to compare")
        todo = [Request(subject.key, image, slice_number=number) for number in numbers]
    with closing(predicted(package, todo, force=False)) as steps:
        for request, opened, network in steps:
            if network.failure is not None:
                raise ImageError(network.failure)
            number = request.slice_number
            known = None if reference is None or number is None else reference[number : number + 1]
            yield Found(opened.result, network.result, known)


def _one(task: Task, subject: Subject, found: Found) -> dict[str, Any]:
    """The numbers of a slice that was found, or of a volume."""
    prediction, place = found.prediction, found.opened.place
    category = task.category(prediction.value)
    return {
        "value": prediction.value,
        "category": category,
        "slice": place.slice_number,
        "mask_value": prediction.candidates.value(prediction.mask),
        "candidates_value": prediction.candidates.total(),
        **prediction.uncertainty.row(),
        **_wanted(subject.category and f"category {subject.category}", category == subject.category),
        "warnings": list(found.opened.warnings),
        "found": [rule for rule in (place.found_slice, place.found_region) if rule is not None],
    }


def _slices(subject: Subject, found: list[Found]) -> dict[str, Any]:
    """The numbers of slices with a reference: each, and all together."""
    rows = [_slice(each) for each in found]
    known, values, dices = (np.array([row[name] for row in rows], np.float64) for name in ("known", "value", "dice"))
    flags = [row["unlike_training"] for row in rows]
    dice = {"mean": dices.mean(), "median": np.median(dices), "low": dices.min(), "high": dices.max()}
    return {
        "slices": rows,
        "n_slices": len(rows),
        "dice": dice,
        "dice_of_candidates_in_reference": float(np.mean([row["dice_of_candidates_in_reference"] for row in rows])),
        "mae": float(mae(known, values)),
        "bias": float(bias(known, values)),
        "pearson_r": float(pearson_r(known, values)),
        "unlike_training": None if None in flags else sum(flags),
        **_wanted(subject.least_dice and f"mean Dice >= {subject.least_dice:.2f}", dice["mean"] >= (subject.least_dice or 0)),
        "warnings": _once([text for each in found for text in each.opened.warnings]),
        "found": [],
    }


def _wanted(what: str | float | None, so: bool) -> dict[str, Any]:
    return {"wanted": what or None, "as_wanted": bool(so) if what else None}


def _once(warnings: list[str]) -> list[str]:
    """Warnings that differ only in their numbers once, with how often they were given."""
    kinds: dict[str, list[str]] = {}
    for text in warnings:
        kinds.setdefault(_NUMBER.sub("#", text), []).append(text)
    return [
        texts[0] + (f" ({len(texts)} slices; the numbers are the first one's)" if len(texts) > 1 else "")
        for texts in kinds.values()
    ]


def _slice(found: Found) -> dict[str, Any]:
    prediction, spacing = found.prediction, found.opened.scan.spacing_mm
    if found.reference is None:
        raise ValueError("slices are of subjects with a reference")
    best = found.reference & prediction.candidates.mask
    return {
        "slice": found.opened.place.slice_number,
        "value": prediction.value,
        "known": float(found.reference.sum()) * prediction.candidates.unit_worth,
        "dice": overlap(prediction.mask, found.reference, spacing)["dice"],
        "dice_of_candidates_in_reference": overlap(best, found.reference, spacing)["dice"],
        "mask_value": prediction.candidates.value(prediction.mask),
        **prediction.uncertainty.row(),
    }


def _pictures(task: Task, subject: Subject, found: list[Found]) -> list[Picture]:
    """At most six slices, from the feet: of a volume those with most of the mask; of many slices evenly spread ones."""
    if subject.reference is not None:
        chosen = dict.fromkeys(np.linspace(0, len(found) - 1, MAX_ROWS).round().astype(int).tolist())
        return [_picture(task, subject, found[number], 0) for number in chosen]
    (one,) = found
    if not task.volume:
        return [_picture(task, subject, one, 0)]
    shown = one.prediction.mask if one.prediction.mask.any() else one.prediction.candidates.mask
    fullest = np.argsort(-shown.sum(axis=(1, 2)), kind="stable")[:MAX_ROWS]
    there = [number for number in sorted(fullest.tolist()) if shown[number].any()]
    return [_picture(task, subject, one, number) for number in there or [len(shown) // 2]]


def _picture(task: Task, subject: Subject, found: Found, at: int) -> Picture:
    scan, prediction, number = found.opened.scan, found.prediction, found.opened.place.slice_number
    title = f"{subject.name}, slice {at if number is None else number}: {prediction.value:.1f} {task.unit}"
    if task.volume:
        whole = np.zeros(prediction.mask.shape, bool)
        whole[at] = prediction.mask[at]
        title += f" in all, {prediction.candidates.value(whole):.1f} of them in this slice's mask"
    if found.reference is not None:
        row = _slice(found)
        title += f" (reference {row['known']:.1f}), Dice {row['dice']:.3f}"
    reference = None if found.reference is None else found.reference[at]
    return Picture(scan.hu[at], scan.spacing_mm[1:], prediction.map[at], prediction.mask[at], reference, task.windows[0], title)


def _caption(subject: Subject, volume: bool, numbers: dict[str, Any]) -> str:
    parts = [f"Scan: {subject.origin}."]
    if numbers["wanted"]:
        parts.append(f"Wanted: {numbers['wanted']}, which is {'so' if numbers['as_wanted'] else 'NOT so'}.")
    parts.append(f"To be judged by the picture: {subject.to_see}.")
    if subject.reference is not None:
        parts.append(
            f"{numbers['n_slices']} slices with at least {LEAST_CM2:g} cm2 of the reference, neighbours of one patient; "
            "the pictures are spread evenly over them."
        )
    elif volume:
        parts.append("The pictures are the slices with most of the mask, and the value is of all slices.")
    for title, lines in (("Found", numbers["found"]), ("Warnings", numbers["warnings"])):
        if lines:
            parts.append(f"{title}: {'; '.join(lines)}.")
    return " ".join(parts)
