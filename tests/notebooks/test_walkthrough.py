"""The notebook runs from its first cell to its last."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_walkthrough_runs():
    notebook = nbformat.read(REPOSITORY / "notebooks/walkthrough.ipynb", as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(REPOSITORY / "notebooks")}}).execute()
    printed = "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", []))
    for name in ("pma", "sfa", "cac", "liver"):
        assert f"{name}: reference" in printed
