"""Other people's tables are read as text, whatever their format."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from bioloc.cohorts.tables import number_in, read_text_table
from bioloc.errors import ManifestError


@pytest.mark.parametrize("ending", ["csv", "parquet", "xlsx"])
def test_cells_are_text_and_empty_where_there_is_nothing(tmp_path: Path, ending: str) -> None:
    table = pd.DataFrame({" id ": ["007", "NA"], "value": [1.5, None], "slice": pd.array([4, None], dtype="Int64")})
    path = tmp_path / f"t.{ending}"
    getattr(table, {"csv": "to_csv", "parquet": "to_parquet", "xlsx": "to_excel"}[ending])(path, index=False)
    found = read_text_table(path)
    assert found.columns.tolist() == ["id", "value", "slice"]
    assert found.to_numpy().tolist() == [["007", "1.5", "4"], ["NA", "", ""]]


@pytest.mark.parametrize(("ending", "kind"), [("csv", "CSV"), ("parquet", "Parquet"), ("xlsx", "an Excel sheet")])
def test_another_content_is_told(tmp_path: Path, ending: str, kind: str) -> None:
    path = tmp_path / f"t.{ending}"
    path.write_bytes(b"\xff\xfe\x00\x81,\n" * 3)
    with pytest.raises(ManifestError, match=f"cannot be read as {kind}"):
        read_text_table(path)


def test_a_number_in_a_cell_is_finite_and_not_negative() -> None:
    assert [number_in(text) for text in ("0", "12.5", "1e3")] == [0, 12.5, 1000]
    assert [number_in(text) for text in ("", "n/a", "-1", "nan", "inf")] == [None] * 5


def test_a_comma_at_each_rows_end_names_no_column(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id, value\na, 1,\nb,2,\n")
    found = read_text_table(path)
    assert found.columns.tolist() == ["id", "value"]
    assert found.to_numpy().tolist() == [["a", "1"], ["b", "2"]]
    path.write_text("id,value\na,1,more\nb,2,\n")
    with pytest.raises(ManifestError, match="more cells than the 2 columns that the first line names"):
        read_text_table(path)
