"""results.jsonl: one line per finished case, appended as it ends, so that a killed run has lost at most the case at work.

Only places in the file are kept in memory; tables are written from the file at the end.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path
from typing import Any

from bioloc.errors import UsageError
from bioloc.files import to_json
from bioloc.prediction.requests import Request

NAME = "results.jsonl"
_FILES = ("map", "mask", "overlay", "dicom_seg", "dicom_map", "dicom_report")


class Journal:
    """The rows of one batch on disk; the first line says what they were made with."""

    def __init__(self, folder: Path, made_with: dict[str, Any], resume: bool) -> None:
        """Begin a journal, or with `resume` go on with the one in `folder`.

        Raises:
            UsageError: The one in `folder` was made with something else.
        """
        self._path = folder / NAME
        self._at: dict[str, tuple[str, int]] = {}
        folder.mkdir(parents=True, exist_ok=True)
        if resume and self._path.is_file():
            self._take_up(made_with)
        else:
            self._path.write_text(to_json(made_with) + "\n", encoding="utf-8")

    def row(self, request: Request) -> dict[str, Any] | None:
        """The good row of this very request, whose files are still there; None where it is to be done."""
        key, at = self._at.get(request.case_id, ("", -1))
        if at < 0 or key != _key(request):
            return None
        row: dict[str, Any] = self._read(at)["row"]
        whole = row["status"] == "ok" and all(Path(row[name]).is_file() for name in _FILES if row[name] is not None)
        return row if whole else None

    def add(self, request: Request, row: dict[str, Any]) -> None:
        """Append a row; it is on disk when this returns."""
        key = _key(request)
        with self._path.open("a", encoding="utf-8") as stream:
            at = stream.tell()
            stream.write(to_json({"key": key, "row": row}) + "\n")
        self._at[request.case_id] = key, at

    def rows(self, case_ids: list[str]) -> Iterator[dict[str, Any]]:
        """The newest row of each of these cases."""
        for case_id in case_ids:
            yield self._read(self._at[case_id][1])["row"]

    def _take_up(self, made_with: dict[str, Any]) -> None:
        lines = self._path.read_bytes().split(b"\n")
        whole = lines[:-1]  # after the last line end stands nothing, or what a kill cut short
        if not whole or json.loads(whole[0]) != json.loads(to_json(made_with)):
            raise UsageError(
                f"--resume: {self._path.parent} holds results of another model or other options: "
                "give another --output, or leave --resume out to begin anew"
            )
        at = len(whole[0]) + 1
        for line in whole[1:]:
            content = json.loads(line)
            self._at[content["row"]["case_id"]] = content["key"], at
            at += len(line) + 1
        if lines[-1]:
            with self._path.open("r+b") as stream:
                stream.truncate(at)

    def _read(self, at: int) -> Any:
        with self._path.open("rb") as stream:
            stream.seek(at)
            return json.loads(stream.readline())


def _key(request: Request) -> str:
    """Digest of a request and of the state of its files: a scan that was replaced is done again."""
    stamps = [_stamp(path) for path in (request.image, request.roi) if path is not None]
    return hashlib.md5(repr((astuple(request), stamps)).encode(), usedforsecurity=False).hexdigest()


def _stamp(path: Path) -> tuple[int, int, int]:
    """Number of files, their size in all, and the newest change."""
    files = [file.stat() for file in (path.rglob("*") if path.is_dir() else [path]) if file.is_file()]
    return len(files), sum(file.st_size for file in files), max((file.st_mtime_ns for file in files), default=0)
