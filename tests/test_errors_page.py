"""docs/errors.md against the code: each mistake has its test, and each sentence is one that the code says."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROW = re.compile(r"^\| (?P<wrong>[^|]+) \| `(?P<said>[^|]+)` \| `(?P<file>[^:|]+)::(?P<test>\w+)` \|$", re.MULTILINE)
PAGE = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
ROWS = [match.groupdict() for match in ROW.finditer(PAGE)]


def texts_of_the_code() -> list[str]:
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "src").rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    return [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def test_every_row_of_the_page_is_read_and_there_are_at_least_40_kinds() -> None:
    lines = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| what is wrong")]
    assert len(ROWS) == len(lines)
    assert len({row["wrong"] for row in ROWS}) == len(ROWS) >= 40


def test_every_sentence_is_one_that_the_code_says() -> None:
    texts = texts_of_the_code()
    assert [row["said"] for row in ROWS if not any(row["said"] in text for text in texts)] == []


@pytest.mark.parametrize("file", sorted({row["file"] for row in ROWS}))
def test_every_test_is_there(file: str) -> None:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    there = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    assert {row["test"] for row in ROWS if row["file"] == file} <= there
