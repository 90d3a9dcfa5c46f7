"""Studies are read, tabled and drawn."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bioloc.files import write_json
from bioloc.reporting.study import read_studies, study_table
from bioloc.reporting.study_figures import draw_study


def _row(study: str, variant: str, x: float | None = None, task: str = "pma", **metrics: float) -> dict[str, Any]:
    return {"study": study, "task": task, "method": "localizer", "variant": variant, "x": x, "seed": 1, "metrics": metrics}


def _write(folder: Path, *rows: Any, name: str = "results.json") -> None:
    write_json(folder / name, {"machine": {"processor": "a processor", "threads": 2, "accelerator": "none"}, "rows": list(rows)})


def test_seeds_are_one_row_with_their_spread(tmp_path: Path) -> None:
    _write(tmp_path, *(_row("seeds", f"seed-{at}", pearson_r=r, mae=2.0) for at, r in enumerate((0.91, 0.93, 0.95))))
    (study,), problems = read_studies(tmp_path)
    table = study_table(study)
    assert problems == []
    assert table.rows == [["pma", "localizer", "all seeds", "3", "0.930 ± 0.020", "2.00 ± 0", "–"]]
    assert "a processor, 2 threads" in table.caption


def test_a_curve_has_a_row_for_each_amount_and_scores_are_compared_as_logs(tmp_path: Path) -> None:
    _write(tmp_path, *(_row("learning-curve", f"p{x}", x, "cac", pearson_r=0.1, pearson_r_log1p=x / 1000) for x in (32, 512)))
    (study,), _ = read_studies(tmp_path)
    assert study.is_curve
    assert [row[3:6] for row in study_table(study).rows] == [["32.0", "1", "0.032"], ["512", "1", "0.512"]]


def test_the_papers_scale_comes_after_and_says_so(tmp_path: Path) -> None:
    _write(tmp_path, _row("ablation", "a", mae=1.0))
    _write(tmp_path, _row("ablation", "b", mae=1.0), name="paper.json")
    assert [study.title[-14:] for study in read_studies(tmp_path)[0]] == ["e of its parts", " (paper scale)"]


def test_broken_documents_are_a_line(tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text("{")
    _write(tmp_path, 3, name="paper.json")
    studies, problems = read_studies(tmp_path)
    assert studies == []
    assert len(problems) == 2
    assert read_studies(tmp_path / "none") == ([], [])


@pytest.mark.parametrize("x", [None, 32.0])
def test_a_study_is_drawn_a_row_per_task(tmp_path: Path, x: float | None) -> None:
    def height(tasks: tuple[str, ...]) -> int:
        rows = [
            _row("ablation", f"v{at}", None if x is None else x * (at + 1), task, pearson_r=0.9, pearson_r_log1p=0.8, dice=0.5)
            for task in tasks
            for at in range(2)
        ]
        _write(tmp_path, *rows)
        picture = Image.open(io.BytesIO(draw_study(read_studies(tmp_path)[0][0])))
        assert np.asarray(picture.convert("RGB")).std() > 5
        return picture.height

    assert height(("pma", "cac")) > 1.6 * height(("pma",))
