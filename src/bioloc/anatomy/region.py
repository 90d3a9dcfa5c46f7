"""A region of a scan, and the sentence with which a search gives up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bioloc.errors import AnatomyError


@dataclass(frozen=True)
class Region:
    """Where to look.

    Attributes:
        mask: (S, R, C) voxels of the scan.
        rule: One sentence: how it was found.
    """

    mask: NDArray[np.bool_]
    rule: str


@contextmanager
def giving_up(wanted: str, remedy: str) -> Iterator[None]:
    """Say of an error what was wanted and what to do instead.

    Raises:
        AnatomyError: The search gave up; its reason is kept.
    """
    try:
        yield
    except AnatomyError as error:
        raise AnatomyError(f"cannot find {wanted} ({error}): {remedy}") from None
