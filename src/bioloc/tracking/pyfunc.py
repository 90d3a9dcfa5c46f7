"""Log a package as an MLflow model that loads where neither bioloc nor this repository is."""

from __future__ import annotations

import warnings
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import bioloc
from bioloc.tasks import Task

if TYPE_CHECKING:
    from mlflow import MlflowClient

_REQUIREMENTS = (
    "captum",
    "isal",
    "mlflow",
    "nibabel",
    "numpy",
    "pandas",
    "pydantic",
    "pydicom",
    "pyyaml",
    "safetensors",
    "scipy",
    "segmentation-models-pytorch",
    "simpleitk",
    "threadpoolctl",
    "timm",
    "torch",
    "torchvision",
    "tqdm",
)


def requirements() -> list[str]:
    """What the model needs, at the installed versions; a build's local part (+cpu) is not on the index."""
    return [f"{name}=={version(name).split('+')[0]}" for name in _REQUIREMENTS]


def signature() -> Any:
    """The model's signature: a schema of the outputs only, since the model checks its inputs itself.

    MLflow's tensor schemas know no optional input, drop what they do not name, and take one type only: HU as they are stored,
    int16, would be refused where float32 is named.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    volume = (-1, -1, -1)
    outputs: list[Any] = [
        TensorSpec(np.dtype(np.float64), (-1,), "value"),
        TensorSpec(np.dtype(np.str_), (-1,), "unit"),
        TensorSpec(np.dtype(np.float32), volume, "map"),
    ]
    return ModelSignature(outputs=Schema(outputs))


def log_package(client: MlflowClient, experiment_id: str, run_id: str, task: Task, package: Path, run_key: str) -> str:
    """Log the package with a run, once; returns the logged model's identifier."""
    import mlflow.pyfunc
    from mlflow.models import Model

    found = client.search_logged_models([experiment_id], filter_string=f"source_run_id = '{run_id}'")
    ready = [model.model_id for model in found if str(model.status) in ("READY", "LoggedModelStatus.READY")]
    if ready:
        return str(ready[0])
    tags = {"bioloc.run_key": run_key, "bioloc.task": task.name}
    model = client.create_logged_model(experiment_id, name="model", source_run_id=run_id, tags=tags, model_type="bioloc")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow asks for type hints, which would replace the signature
        Model.log(
            artifact_path=None,
            name="model",
            flavor=mlflow.pyfunc,
            run_id=run_id,
            model_id=model.model_id,
            python_model=str(Path(__file__).with_name("pyfunc_model.py")),
            artifacts={"package": str(package)},
            code_paths=[str(Path(bioloc.__file__).parent)],
            pip_requirements=requirements(),
            signature=signature(),
            metadata={"task": task.name, "unit": task.unit, "region": task.region, "run_key": run_key},
        )
    return str(model.model_id)
