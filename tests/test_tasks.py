"""The registries of tasks and methods are consistent data."""

from __future__ import annotations

import pytest

from bioloc.errors import UsageError
from bioloc.methods import METHODS, get_method
from bioloc.tasks import TASKS, Task, get_task

each_task = pytest.mark.parametrize("task", TASKS.values(), ids=list(TASKS))


def test_names_are_those_that_other_programs_call() -> None:
    assert list(TASKS) == ["pma", "sfa", "cac", "liver"]
    assert {name: task.unit for name, task in TASKS.items()} == {"pma": "cm2", "sfa": "cm2", "cac": "points", "liver": "cm2"}
    assert {"localizer", "regressor", "segmenter"} <= set(METHODS)


@each_task
def test_an_entry_is_consistent(task: Task) -> None:
    assert task.hu_range[0] < task.hu_range[1]
    assert all(low < high for low, high in task.windows)
    assert task.unit_worth > 0
    assert 0 <= task.plausible_fraction[0] < task.plausible_fraction[1] <= 1
    if task.categories is None:
        assert task.category_names == ()
        assert task.category(3.0) is None
        assert task.category_number(3.0) is None
    else:
        assert len(task.category_names) == len(task.categories) + 1
        assert list(task.categories) == sorted(task.categories)


@pytest.mark.parametrize(
    ("score", "name"),
    [
        (0, "0"),
        (0.5, "0"),
        (0.51, "1-10"),
        (1, "1-10"),
        (10, "1-10"),
        (10.1, "11-100"),
        (11, "11-100"),
        (100, "11-100"),
        (101, "101-400"),
        (400, "101-400"),
        (400.5, ">400"),
        (5000, ">400"),
    ],
)
def test_categories_of_the_agatston_score(score: float, name: str) -> None:
    task = get_task("cac")
    assert task.category(score) == name
    assert task.category_names[task.category_number(score) or 0] == name


def test_hu_ranges_are_the_definitions() -> None:
    assert get_task("pma").hu_range == (-50, 90)
    assert get_task("sfa").hu_range == (-200, 0)
    assert get_task("cac").hu_range[0] == 130


def test_unknown_names_are_told_with_the_choices() -> None:
    with pytest.raises(UsageError, match=r"'bone'.*pma, sfa, cac, liver"):
        get_task("bone")
    with pytest.raises(UsageError, match=r"'oracle'.*localizer"):
        get_method("oracle")


def test_only_mask_methods_say_so() -> None:
    assert {name for name, method in METHODS.items() if method.supervision == "mask"} == {"segmenter"}
    assert {name for name, method in METHODS.items() if method.may_be_champion} == {"localizer", "localizer-paper"}
    assert all(name == method.name and get_method(name) is method for name, method in METHODS.items())
