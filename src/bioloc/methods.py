"""The methods that the study compares, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bioloc.errors import UsageError


@dataclass(frozen=True)
class Method:
    """A way to train.

    Attributes:
        name: Short name, as in commands and folders.
        title: How tables call it.
        supervision: What it learns from. Only `value` methods may be promoted.
        output: Whether its network gives a map or a number.
        sees_candidates: Whether candidates and worth are input channels.
        sums_candidates: Whether the map is summed inside the candidates only.
        plain: Whether it is the paper's: a network that sees the image (and what it is relative to the organ's HU) without
            candidates, m = sigmoid(f(x)), trained on the value's error alone, without what was added since.
    """

    name: str
    title: str
    supervision: Literal["value", "mask"]
    output: Literal["map", "value"]
    sees_candidates: bool
    sums_candidates: bool = True
    plain: bool = False

    @property
    def may_be_champion(self) -> bool:
        """Whether the registry takes it: what a person without masks can train, and that tells where."""
        return self.supervision == "value" and self.output == "map"


METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method("localizer", "localizer (values only)", "value", "map", sees_candidates=True),
        Method("localizer-paper", "localizer as in the paper (values only)", "value", "map", sees_candidates=False, plain=True),
        Method("regressor", "regressor + CAM (values only)", "value", "value", sees_candidates=False),
        Method("regressor-candidates", "regressor with candidates + CAM (values only)", "value", "value", sees_candidates=True),
        Method("segmenter", "segmenter (trained with masks)", "mask", "map", sees_candidates=True),
    )
}


def get_method(name: str) -> Method:
    """The method called `name`.

    Raises:
        UsageError: There is none.
    """
    try:
        return METHODS[name]
    except KeyError:
        raise UsageError(f"unknown method '{name}': choose one of {', '.join(METHODS)}") from None
