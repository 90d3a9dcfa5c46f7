"""What speaks against a scan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["refuse", "warn"]
"""Without a number, or with one and the reason to doubt it."""


@dataclass(frozen=True)
class Finding:
    """One thing that makes a scan wrong, or doubtful, for a task.

    Attributes:
        code: Its short name: the rows of the table in docs/fitness.md.
        severity: Whether the scan is refused or only warned of.
        text: One sentence: what was seen, why it matters, what to do. It names no patient and quotes no free text of a header.
    """

    code: str
    severity: Severity
    text: str
