"""The biomarkers, as data. A fifth one is one more entry and, at most, one more candidate rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bioloc.errors import UsageError


@dataclass(frozen=True)
class Needs:
    """What a scan must be like for a task's number to mean anything; `bioloc.fitness` checks it.

    Attributes:
        lungs: What becomes of a slice without lungs that no person chose, since the task is measured in the chest: it is refused,
            or warned of where the phantoms have such slices too; None where no lungs are looked for.
        whole_outline: The trunk's outline lies within the field of view.
        unenhanced: No contrast medium is in the blood.
        tube_voltage_kvp: The voltage that the HU limits hold for; None where they hold well enough for any.
        region_hu: Range of the region's median HU; None where any will do.
        increment_mm: Slice increments that are thin, thick, and too thick, by their limits; None where any will do.
        height_mm: The least height of a whole region; None where any will do.
        pixel_mm: Larger pixels blur the edges.
    """

    lungs: Literal["refuse", "warn"] | None = None
    whole_outline: bool = False
    unenhanced: bool = False
    tube_voltage_kvp: float | None = None
    region_hu: tuple[float, float] | None = None
    increment_mm: tuple[float, float, float] | None = None
    height_mm: float | None = None
    pixel_mm: float = 2.0


@dataclass(frozen=True)
class Task:
    """A biomarker: what it is called, which pixels may count, and what a pixel is worth.

    Attributes:
        name: Short name, as in commands and folders.
        title: What it measures.
        structure: What is outlined.
        unit: Unit of the value.
        unit_worth: How many mm² (or points) are one unit.
        rule: Candidate rule: pixels of a HU window, or calcified lesions.
        hu_range: Candidates' HU, both ends included.
        volume: The value sums over a volume's slices; otherwise over one slice.
        region: Whether the candidates lie in a region of interest: never, where one is given, or always.
        region_finder: What is looked for where a region is wanted and none is given.
        slice_finder: How a volume's slice is found: just above the aortic arch, or where the region is largest.
        anchor: What the working grid is centred on.
        windows: HU windows that the network sees, (low, high).
        relative_window: Half width in HU of one more window around the healthy organ's; None for none.
        depth: Whether a prepared cohort holds how deep each pixel lies under the skin.
        skin_mm: So deep under the body's outline lies skin, where nothing is a candidate; 0 where candidates may lie anywhere.
        loss_space: Values are compared as they are or as log(1 + value).
        categories: Upper edges of the risk categories, in the unit; None for none.
        category_names: Names of the categories.
        phantom: Module and target of the phantom.
        plausible_fraction: Candidates' share of the image: outside it validation warns.
        needs: What a scan must be like.
    """

    name: str
    title: str
    structure: str
    unit: str
    unit_worth: float
    rule: Literal["window", "lesions"]
    hu_range: tuple[float, float]
    volume: bool
    region: Literal["none", "optional", "required"]
    region_finder: Literal["none", "heart", "liver"]
    slice_finder: Literal["none", "arch", "largest-region"]
    anchor: Literal["body", "region"]
    windows: tuple[tuple[float, float], ...]
    relative_window: float | None
    depth: bool
    skin_mm: float
    loss_space: Literal["linear", "log1p"]
    categories: tuple[float, ...] | None
    category_names: tuple[str, ...]
    phantom: tuple[str, str]
    plausible_fraction: tuple[float, float]
    needs: Needs

    def category(self, value: float) -> str | None:
        """Name of the risk category of a value in the task's unit; None where the task has none.

        A real-valued prediction falls in the first category whose upper edge it does not exceed. Edges of
        the Agatston score are 0.5, 10, 100 and 400: below half a point rounds to "0".
        """
        number = self.category_number(value)
        return None if number is None else self.category_names[number]

    def category_number(self, value: float) -> int | None:
        """Index of `category`, from 0."""
        if self.categories is None:
            return None
        return sum(value > edge for edge in self.categories)


TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        Task(
            name="pma",
            title="pectoralis muscle area",
            structure="pectoralis major and minor",
            unit="cm2",
            unit_worth=100.0,
            rule="window",
            hu_range=(-50, 90),
            volume=False,
            region="none",
            region_finder="none",
            slice_finder="arch",
            anchor="body",
            windows=((-160, 240), (-1000, 500)),
            relative_window=None,
            depth=True,
            skin_mm=0.0,
            loss_space="linear",
            categories=None,
            category_names=(),
            phantom=("chest", "pectoralis"),
            plausible_fraction=(0.005, 0.7),
            needs=Needs(lungs="refuse", whole_outline=True),
        ),
        Task(
            name="sfa",
            title="subcutaneous fat area",
            structure="subcutaneous fat",
            unit="cm2",
            unit_worth=100.0,
            rule="window",
            hu_range=(-200, 0),
            volume=False,
            region="none",
            region_finder="none",
            slice_finder="arch",
            anchor="body",
            windows=((-200, 100), (-1000, 500)),
            relative_window=None,
            depth=True,
            skin_mm=2.0,
            loss_space="linear",
            categories=None,
            category_names=(),
            phantom=("chest", "subcutaneous_fat"),
            plausible_fraction=(0.005, 0.8),
            needs=Needs(lungs="warn", whole_outline=True),
        ),
        Task(
            name="cac",
            title="coronary calcium (Agatston score)",
            structure="coronary calcium",
            unit="points",
            unit_worth=1.0,
            rule="lesions",
            hu_range=(130, 4096),
            volume=True,
            region="optional",
            region_finder="heart",
            slice_finder="none",
            anchor="region",
            windows=((-200, 300), (0, 1000)),
            relative_window=None,
            depth=False,
            skin_mm=0.0,
            loss_space="log1p",
            categories=(0.5, 10, 100, 400),
            category_names=("0", "1-10", "11-100", "101-400", ">400"),
            phantom=("heart", "coronary_calcium"),
            plausible_fraction=(0.0, 0.15),
            needs=Needs(
                lungs="warn",
                unenhanced=True,
                tube_voltage_kvp=120,
                increment_mm=(2.0, 3.5, 6.0),
                height_mm=80,
                pixel_mm=1.0,
            ),
        ),
        Task(
            name="liver",
            title="liver tumour area",
            structure="liver tumour",
            unit="cm2",
            unit_worth=100.0,
            rule="window",
            hu_range=(-100, 400),
            volume=False,
            region="required",
            region_finder="liver",
            slice_finder="largest-region",
            anchor="region",
            windows=((-60, 240),),
            relative_window=60.0,
            depth=False,
            skin_mm=0.0,
            loss_space="linear",
            categories=None,
            category_names=(),
            phantom=("abdomen", "liver_tumour"),
            plausible_fraction=(0.005, 0.6),
            needs=Needs(region_hu=(-20, 200)),
        ),
    )
}


def get_task(name: str) -> Task:
    """The task called `name`.

    Raises:
        UsageError: There is none.
    """
    try:
        return TASKS[name]
    except KeyError:
        raise UsageError(f"unknown task '{name}': choose one of {', '.join(TASKS)}") from None
