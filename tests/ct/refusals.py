"""What every refusal of a scan has to be: one sentence that names the path."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bioloc.errors import ImageError


def refused(call: Callable[[], Any], path: Path, words: str) -> None:
    with pytest.raises(ImageError, match=words) as caught:
        call()
    text = str(caught.value)
    assert str(path) in text
    assert "\n" not in text
    assert len(text) < 600
