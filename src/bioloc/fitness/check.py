"""All checks of one scan for one task."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bioloc.ct.image import CT
from bioloc.fitness.blood import check_blood
from bioloc.fitness.field_of_view import check_field_of_view
from bioloc.fitness.finding import Finding
from bioloc.fitness.header import check_header
from bioloc.fitness.metal import check_metal
from bioloc.fitness.place import check_place
from bioloc.fitness.sample import Sample
from bioloc.fitness.sampling import check_sampling
from bioloc.tasks import Task


def check_fitness(
    task: Task, ct: CT, region: NDArray[np.bool_] | None, slice_number: int | None, slice_named: bool
) -> list[Finding]:
    """Everything that speaks against measuring `task` on a scan, refusals first; empty when nothing does.

    Args:
        task: The biomarker; its `needs` say what is checked.
        ct: The whole scan.
        region: (S, R, C) region of interest; None where there is none, or where the volume is the region.
        slice_number: The slice of a one-slice task; may be None when the scan has one slice.
        slice_named: A person chose what is measured, so the wrong part of the body is only warned of.

    Raises:
        ImageError: The scan has no such slice.
    """
    sample = Sample.of(task, ct, region, slice_number)
    findings = [
        *check_header(task, ct.acquisition),
        *check_sampling(sample),
        *check_place(sample, slice_named),
        *check_field_of_view(sample),
        *check_blood(sample),
        *check_metal(sample),
    ]
    return sorted(findings, key=lambda finding: finding.severity != "refuse")
