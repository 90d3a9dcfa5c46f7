"""Tables that other people made: CSV, Parquet or Excel, every cell as text."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pandas as pd

from bioloc.errors import ManifestError

_KINDS = {".parquet": "Parquet", ".xlsx": "an Excel sheet"}


def read_text_table(path: Path, separator: str = ",") -> pd.DataFrame:
    """A table whose cells are text, empty where there is nothing; ids like 007 or NA stay as they are.

    Raises:
        ManifestError: The file cannot be read as what its ending says.
    """
    kind = path.suffix.lower()
    try:
        if kind == ".parquet":
            table = pd.read_parquet(path, dtype_backend="numpy_nullable")  # whole numbers stay whole beside empty cells
        elif kind == ".xlsx":
            table = pd.read_excel(path, dtype=str, keep_default_na=False)
        else:
            table = pd.read_csv(path, dtype=str, keep_default_na=False, sep=separator)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ManifestError(f"{path}: cannot be read as {_KINDS.get(kind, 'CSV')} ({error})") from error
    text = table.astype("string").fillna("").astype(object)
    return text.rename(columns=lambda name: str(name).strip())


def number_in(text: str) -> float | None:
    """The number in a cell when it can be a value, finite and at least 0; None otherwise."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None
