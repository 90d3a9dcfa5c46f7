"""What a row of a table says of an error."""

import pytest

from bioloc.errors import ImageError, reason_of


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ImageError("scan.nii: no image"), "scan.nii: no image"),
        (MemoryError(), "not enough memory for this scan"),
        (ValueError("two\n  lines"), "ValueError: two lines"),
    ],
)
def test_a_reason_is_one_line(error, reason):
    assert reason_of(error) == reason
