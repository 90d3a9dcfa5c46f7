"""A trained model on disk: weights.safetensors and model.json, never a pickle."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file

from bioloc import __version__
from bioloc.calibration import Calibration
from bioloc.errors import BiolocError, RegistryError
from bioloc.files import folder_written_aside, read_json, write_json
from bioloc.networks.network import Network, Spec, channels_last

FORMAT = "bioloc-model-3"
"""Raised whenever weights of before would be misread: since 3, depths and places are the last channels."""


@dataclass(frozen=True)
class Package:
    """A network with the threshold that turns its map into a mask, what is known of it, and how sure its values are."""

    network: Network
    threshold: float
    facts: dict[str, Any] = field(default_factory=dict)
    calibration: Calibration = field(default_factory=Calibration)

    @property
    def spec(self) -> Spec:
        """The network's specification."""
        return self.network.spec


def save_package(package: Package, folder: Path) -> None:
    """Write the package, whole or not at all."""
    task = package.network.task
    with folder_written_aside(folder) as aside:
        state = {name: tensor.detach().cpu().contiguous() for name, tensor in package.network.state_dict().items()}
        save_file(state, aside / "weights.safetensors")
        content = {
            "format": FORMAT,
            "bioloc": __version__,
            "spec": package.spec.to_dict(),
            "threshold": package.threshold,
            "value": {"name": task.title, "unit": task.unit},
            "network_data_format": {
                "modality": "CT",
                "format": "hounsfield",
                "axes": "slice (from the feet), row (to the back), column (to the patient's left)",
                "region": task.region,
            },
            "facts": package.facts,
            **package.calibration.to_dict(),
        }
        write_json(aside / "model.json", content)


def load_package(folder: Path) -> Package:
    """Read a package.

    Raises:
        RegistryError: A file is missing, damaged, or of another format.
    """
    try:
        content = read_json(folder / "model.json")
        if content.get("format") != FORMAT:
            raise RegistryError(f"{folder}: model.json is of format '{content.get('format')}', this version reads '{FORMAT}'")
        network = Network(Spec.from_dict(content["spec"]))
        network.load_state_dict(load_file(folder / "weights.safetensors"))
        threshold, facts = float(content["threshold"]), dict(content["facts"])
        calibration = _calibration(content, folder)
    except BiolocError:
        raise
    except Exception as error:  # whatever a damaged file raises: the folder is no model
        reason = f"{type(error).__name__}: {next(iter(str(error).splitlines()), '')}"
        raise RegistryError(f"{folder}: no usable model in this folder ({reason})") from error
    network.eval()
    return Package(channels_last(network), threshold, facts, calibration)


def _calibration(content: dict[str, Any], folder: Path) -> Calibration:
    try:
        return Calibration.from_dict(content)
    except RegistryError as error:
        raise RegistryError(f"{folder}: {error}") from error
