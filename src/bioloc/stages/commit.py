"""Which commit of the repository is at work."""

from __future__ import annotations

import subprocess
from pathlib import Path


def git_commit(root: Path) -> str | None:
    """Hash of HEAD, with `-dirty` when tracked files differ from it; None outside git."""
    head = _git(root, "rev-parse", "HEAD")
    if head is None:
        return None
    return head + (
        "-dirty" if _git(root, "status", "--porcelain", "--untracked-files=no", "--", "src", "params.yaml", "dvc.yaml") else ""
    )


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, encoding="utf-8", errors="replace", check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
