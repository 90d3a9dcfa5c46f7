"""Tables that other people made: CSV, Parquet or Excel, every cell as text."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pandas as pd

from bioloc.errors import ManifestError

_KINDS = {".parquet": "Parquet", ".xlsx": "an Excel sheet"}


def read_text_table(path: Path, separator: str = ",") -> pd.DataFrame:
    """A table whose cells are text, empty where there is nothing or only spaces; ids like 007 or NA stay as they are.

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
            table = _as_wide_as_named(pd.read_csv(path, dtype=str, keep_default_na=False, sep=separator, skipinitialspace=True))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ManifestError(f"{path}: cannot be read as {_KINDS.get(kind, 'CSV')} ({error})") from error
    text = table.astype("string").fillna("").astype(object)
    return text.map(str.strip).rename(columns=lambda name: str(name).strip())


def _as_wide_as_named(table: pd.DataFrame) -> pd.DataFrame:
    """The table without the empty cells that a comma at each row's end makes; pandas takes the first column for an index then.

    Raises:
        ValueError: The cells beyond the named columns hold something.
    """
    if isinstance(table.index, pd.RangeIndex):
        return table
    whole = table.reset_index()
    named = len(table.columns)
    if (whole.iloc[:, named:] != "").any(axis=None):
        raise ValueError(f"rows have more cells than the {named} columns that the first line names")
    return whole.iloc[:, :named].set_axis(table.columns, axis=1)


def number_in(text: str) -> float | None:
    """The number in a cell when it can be a value, finite and at least 0; None otherwise."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None
