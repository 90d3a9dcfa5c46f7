"""A training that starts from a trained model: its weights, and whether they fit what params.yaml asks for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bioloc.errors import UsageError
from bioloc.inference.package import Package, load_package
from bioloc.methods import METHODS, Method, get_method
from bioloc.networks.network import Network, Spec
from bioloc.project import key_of

_MUST_FIT = {
    "size": "grid.size",
    "pixel_mm": "grid.pixel_mm",
    "patch": "grid.patch",
    "encoder": "training.encoder",
    "decoder_channels": "training.decoder_channels",
    "subpixels": "training.subpixels",
    "depth": "training.inputs.depth",
    "fat_depth": "training.inputs.fat_depth",
    "folded": "training.inputs.folded",
    "deviation": "training.inputs.deviation",
}
"""What the weights hang on, and below which key of tasks.<task> it is set."""


@dataclass(frozen=True)
class Start:
    """The model that a training starts from.

    Attributes:
        package: The model.
        uri: What names it.
        run_key: The digest of its package, as in run.json.
    """

    package: Package
    uri: str
    run_key: str

    @property
    def facts(self) -> dict[str, Any]:
        """What the new model's record says: URI, run key, and the md5 of every cohort that these weights were trained on."""
        facts = self.package.facts
        earlier = (facts.get("started_from") or {}).get("cohorts", [])
        return {"uri": self.uri, "run_key": self.run_key, "cohorts": [*earlier, facts.get("cohort_md5", "unknown")]}


def load_start(folder: Path, uri: str) -> Start:
    """The model of a package's folder.

    Raises:
        RegistryError: The folder holds no usable package.
    """
    return Start(load_package(folder), uri, key_of(folder))


def check_start(start: Start, wanted: Spec) -> None:
    """Raise unless a network of the wanted specification can take the model's weights and may.

    Raises:
        UsageError: The model is another task's, was trained with masks where values alone are promised, is of another kind
            of method, or its grid, encoder, decoder or channels are not those of params.yaml.
    """
    found = start.package.spec
    if found.task != wanted.task:
        raise UsageError(
            f"{start.uri} is a model of {found.task}, not of {wanted.task}: give --task {found.task}, or another --init"
        )
    mine, other = get_method(wanted.method), get_method(found.method)
    if mine.supervision == "value" and other.supervision == "mask":
        raise UsageError(
            f"{start.uri} was trained with masks ({other.name}), and a {mine.name} learns from values alone: "
            "give --init a model that was trained on values"
        )
    if _kind(mine) != _kind(other):
        able = [method.name for method in METHODS.values() if _kind(method) == _kind(mine) and _may_start(mine, method)]
        raise UsageError(
            f"{start.uri} is a {other.name}, whose network is not that of a {mine.name}: "
            f"give --init a {' or '.join(able)}, or --method {other.name}"
        )
    differing = [
        f"tasks.{wanted.task}.{key} to {_text(getattr(found, name))} (it is {_text(getattr(wanted, name))})"
        for name, key in _MUST_FIT.items()
        if getattr(found, name) != getattr(wanted, name)
    ]
    if differing:
        raise UsageError(
            f"{start.uri} has another network than params.yaml asks for: set {', '.join(differing)}, or leave --init out"
        )


def started(spec: Spec, start: Start) -> Network:
    """A network with the model's weights; output 0 and 1 mean what they meant when these were learnt."""
    known = start.package.spec
    network = Network(replace(spec, offset=known.offset, scale=known.scale, prior=known.prior))
    network.load_state_dict(start.package.network.state_dict())
    return network


def _kind(method: Method) -> tuple[str, bool, bool]:
    return method.output, method.sees_candidates, method.plain


def _may_start(method: Method, other: Method) -> bool:
    return method.supervision == "mask" or other.supervision == "value"


def _text(value: Any) -> str:
    """As it is written in params.yaml."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(list(value)) if isinstance(value, tuple) else str(value)
