"""Reading a CT: MB/s against MONAI's loader on the same files in the same run, and peak memory: `python benchmarks/reading.py`.

MONAI's side is LoadImage, EnsureChannelFirst, Orientation("RAS") and Spacing to the scan's own mm, so that nothing is
resampled. Both sides take turns, first one first and then the other; the best round of each counts. Memory is what
`read_ct` adds at its peak to a fresh process that has imported everything, as a multiple of the volume's int16 size.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))  # its maker of DICOM files

from dicom_files import write_series  # noqa: E402  # after the path to it

from bioloc.ct import read_ct  # noqa: E402  # after the path to it
from bioloc.ct.write import write_array  # noqa: E402  # after the path to it

SHAPE, SPACING = (160, 512, 512), (1.0, 0.7, 0.7)
MEGABYTES = np.prod(SHAPE) * 2 / 1e6
ROUNDS = 3


def main() -> None:
    """Print the figures as JSON, and as a table on stderr."""
    found = reading()
    print(json.dumps(found, indent=2))
    for name, row in found.items():
        print(
            f"{name:6} {row['bioloc_mb_per_s']:6.0f} MB/s against {row['monai_mb_per_s']:5.0f}: {row['ratio']:.2f} x; "
            f"peak memory {row['peak_volumes']:.2f} volumes",
            file=sys.stderr,
        )


def reading() -> dict[str, dict[str, float]]:
    """Speeds, their ratio and peak memory for a NIfTI file and a DICOM folder of one synthetic scan."""
    with tempfile.TemporaryDirectory() as folder:
        paths = write_scans(Path(folder), SHAPE)
        small = write_scans(Path(folder) / "small", (2, 16, 16))
        return {name: {**speeds(path), "peak_volumes": peak(small[name], path)} for name, path in paths.items()}


def write_scans(folder: Path, shape: tuple[int, int, int]) -> dict[str, Path]:
    """A noisy body in air, as NIfTI with the axes that converters give it and as a DICOM folder."""
    rng = np.random.default_rng(0)
    rows, columns = np.ogrid[-1 : 1 : shape[1] * 1j, -1 : 1 : shape[2] * 1j]
    body = np.where((rows / 0.7) ** 2 + (columns / 0.9) ** 2 < 1, 40, -1000)
    hu = (body + rng.normal(0, 20, shape)).clip(-1024, 3000).astype(np.int16)
    folder.mkdir(exist_ok=True)
    nifti = folder / "scan.nii.gz"
    write_array(nifti, hu.transpose(2, 1, 0)[:, ::-1], np.diag([-SPACING[2], SPACING[1], SPACING[0], 1.0]))
    return {"nifti": nifti, "dicom": write_series(folder / "dicom", hu, SPACING)}


def speeds(path: Path) -> dict[str, float]:
    """MB of int16 voxels per second, bioloc's and MONAI's."""
    sides: dict[str, Callable[[], object]] = {"bioloc": lambda: read_ct(path), "monai": monai_loader(path)}
    best = dict.fromkeys(sides, float("inf"))
    for turn in range(ROUNDS):
        for name in list(sides)[:: 1 if turn % 2 == 0 else -1]:
            begun = time.perf_counter()
            sides[name]()
            best[name] = min(best[name], time.perf_counter() - begun)
    return {
        "bioloc_mb_per_s": MEGABYTES / best["bioloc"],
        "monai_mb_per_s": MEGABYTES / best["monai"],
        "ratio": best["monai"] / best["bioloc"],
    }


def monai_loader(path: Path) -> Callable[[], object]:
    """MONAI's transforms that end where `read_ct` does: one orientation, mm known."""
    warnings.simplefilter("ignore")  # MONAI's remarks on its own dependencies
    logging.disable(logging.WARNING)
    from monai.transforms import Compose, EnsureChannelFirst, LoadImage, Orientation, Spacing

    load = Compose([LoadImage(image_only=True), EnsureChannelFirst(), Orientation("RAS"), Spacing(SPACING[::-1])])
    return lambda: load(path)


def peak(small: Path, path: Path) -> float:
    """What reading `path` adds at its peak to a process that has read `small`, in volumes of int16."""
    command = [sys.executable, __file__, "--peak", str(small), str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout) / (MEGABYTES * 1e6)


def print_peak(small: Path, path: Path) -> None:
    """Print the bytes by which the peak of this process exceeds what it held before reading `path`."""
    read_ct(small)
    before = psutil.Process().memory_info().rss
    read_ct(path)
    status = Path("/proc/self/status").read_text(encoding="utf-8")  # getrusage would count the parent's peak
    highest = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    print(int(highest.split()[1]) * 1024 - before)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--peak"]:
        print_peak(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        main()
