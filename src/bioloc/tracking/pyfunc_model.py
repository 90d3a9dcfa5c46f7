"""The registered model's own code: MLflow runs this file, without a pickle, to load a package and predict."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from bioloc.cohorts.build import place_scan
from bioloc.ct.hounsfield import to_hu
from bioloc.ct.image import AIR
from bioloc.errors import ImageError
from bioloc.inference.package import load_package
from bioloc.inference.scan import grid_of, predict_scan


# `predict` has no type hints: MLflow would make a schema of them.
class ScanModel(PythonModel):  # type: ignore[misc,unused-ignore]  # untyped in some MLflow versions
    """HU, spacing and perhaps a region in; value, unit and map out."""

    _skip_type_hint_validation = True  # MLflow's own switch against its advice to add hints

    def load_context(self, context: PythonModelContext) -> None:
        """Load the package that was logged with the model."""
        self.package = load_package(Path(context.artifacts["package"]))

    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]  # noqa: ARG002  # MLflow's own arguments, see above
        """Predict one scan.

        Args:
            context: Not used.
            model_input: `hu` (S, R, C) HU, `spacing` (3,) mm: slice increment, row and column spacing, and where
                the task knows one `region` (S, R, C), positive inside.
            params: Not used.

        Returns:
            `value`, `unit` and `map` (S, R, C) float32; and `interval_low`, `interval_high`, `interval_level`,
            `unlike_training` and `novelty`, None where the package has none.

        Raises:
            ImageError: An input is missing or of a wrong shape, the task is measured on one slice and there are several, or it
                needs a region and there is none.
        """
        hu, spacing, region = _inputs(model_input)
        task = self.package.network.task
        if len(hu) > 1 and not task.volume:
            raise ImageError(f"{task.title} is measured on one slice, hu has {len(hu)}: give that slice, (1, R, C)")
        scan = place_scan(task, grid_of(self.package), hu, spacing, None if task.region == "none" else region)
        found = predict_scan(self.package, scan)
        return {"value": found.value, "unit": found.unit, "map": found.map, **found.uncertainty.row()}


def _inputs(given: dict[str, Any]) -> tuple[Any, tuple[float, float, float], Any]:
    missing = [name for name in ("hu", "spacing") if given.get(name) is None]
    if missing:
        raise ImageError(f"the input lacks {' and '.join(missing)}: give hu (S, R, C) in HU and spacing (3,) in mm")
    hu, spacing = np.asarray(given["hu"]), np.asarray(given["spacing"], np.float64).ravel()
    if hu.ndim != 3 or not hu.size or len(spacing) != 3 or not (spacing > 0).all():
        raise ImageError(
            f"hu of shape {hu.shape} and spacing {spacing.tolist()} are no scan: give (S, R, C) and three sizes in mm"
        )
    region = given.get("region")
    if region is not None:
        region = np.asarray(region) > 0
        if region.shape != hu.shape:
            raise ImageError(f"the region's shape {region.shape} is not that of hu, {hu.shape}: give both on the same grid")
    whole = to_hu(np.nan_to_num(hu, nan=AIR))  # a copy: to_hu may write into what it is given
    return whole, (float(spacing[0]), float(spacing[1]), float(spacing[2])), region


set_model(ScanModel())
