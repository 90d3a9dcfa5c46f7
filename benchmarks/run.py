"""Speed and memory, each as a ratio of two things measured side by side in this run: `make bench`.

1. Training, images/s: bioloc's step against a plain SMP U-Net float32 loop with a DataLoader (same encoder, size, decoder).
2. Cohort building, volumes/s: against a plain nibabel loop that makes the same arrays.
3. Prediction of a 512 x 512 x 300 CT: seconds and peak memory, in a process of its own.
4. Reading NIfTI and DICOM, MB/s: against MONAI's loader (reading.py).
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import torch
from common import split_of
from reading import reading
from scipy import ndimage

from bioloc.cohorts.build import build_cohort
from bioloc.cohorts.manifest import read_manifest
from bioloc.cohorts.phantom_cohort import orders, write_phantoms
from bioloc.ct.write import axial_affine, write_array
from bioloc.files import write_json
from bioloc.inference.package import Package, save_package
from bioloc.networks.backbone import import_backbones
from bioloc.networks.network import Network, Spec
from bioloc.params import Augment, Grid, SelfTraining, Training
from bioloc.tasks import TASKS
from bioloc.training.loop import Loop, Setting
from bioloc.training.precision import resolve

ENCODER, SLIM, WIDE = "regnetx_002", (64, 48, 32, 16, 8), (256, 128, 64, 32, 16)
SIZE, BATCH, STEPS, ROUNDS = 128, 16, 12, 3


def main() -> None:
    """Run all four and write benchmarks/results.json."""
    torch.set_num_threads(2)
    with tempfile.TemporaryDirectory() as folder:
        found: dict[str, Any] = {"training": training(), "cohort": cohort(Path(folder)), "prediction": prediction(Path(folder))}
    found["reading"] = reading()
    for name, row in found["reading"].items():
        speed = f"{row['bioloc_mb_per_s']:.0f} MB/s, {row['ratio']:.2f} x MONAI"
        print(f"reading {name}: {speed}; peak memory {row['peak_volumes']:.2f} volumes")
    write_json(Path(__file__).with_name("results.json"), found)


def training() -> dict[str, float]:
    """Images/s, the two loops in turns; the best round of each counts."""
    rng = np.random.default_rng(0)
    hu = rng.normal(0, 300, (256, 1, SIZE, SIZE)).clip(-1000, 1000).astype(np.int16)
    worth = (rng.random((256, 1, SIZE, SIZE)) < 0.4).astype(np.float32) * 0.1
    step, channels = bioloc_step(hu, worth)
    loops = {
        "bioloc": step,
        "plain SMP float32, slim decoder": plain_step(hu, worth, channels, SLIM),
        "plain SMP float32, default decoder": plain_step(hu, worth, channels, WIDE),
    }
    speeds = dict.fromkeys(loops, 0.0)
    for _ in range(ROUNDS):
        for name, one in loops.items():
            begun = time.perf_counter()
            for _ in range(STEPS):
                one()
            speeds[name] = max(speeds[name], STEPS * BATCH / (time.perf_counter() - begun))
    for name, speed in speeds.items():
        print(f"training, {name}: {speed:.1f} images/s; bioloc is {speeds['bioloc'] / speed:.2f} x")
    return speeds


def bioloc_step(hu: np.ndarray, worth: np.ndarray) -> tuple[Callable[[], object], int]:
    """One training step as the study takes it: augmentation, value loss and self-training."""
    split = split_of(hu, worth)
    params = Training(
        encoder=ENCODER,
        decoder_channels=list(SLIM),
        images_seen=10**6,
        batch_size=BATCH,
        learning_rate=1e-3,
        weight_decay=0.01,
        ema=0.98,
        checks=1,
        augment=Augment(flip=True, shift=4, hu=8.0),
        self_training=SelfTraining(weight=0.5, start=0.0),
    )
    network = Network(Spec("pma", "localizer", ENCODER, SLIM, SIZE, 3.2, 0))
    loop = Loop(network, split, split, Setting(params, 0, resolve("auto")), Path("/nonexistent"), {})
    return lambda: loop._step(1, np.random.default_rng(0).integers(0, 256, BATCH)), network.channels


def plain_step(hu: np.ndarray, worth: np.ndarray, channels: int, decoder: tuple[int, ...]) -> Callable[[], object]:
    """What one would write: float32, the default memory format, a DataLoader, no augmentation, a value loss."""
    _, smp = import_backbones()
    net = smp.Unet(f"tu-{ENCODER}", encoder_weights=None, in_channels=channels, classes=1, decoder_channels=decoder)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    images = (torch.from_numpy(hu[:, 0]).float() / 1000)[:, None].repeat(1, channels, 1, 1)
    area = torch.from_numpy(worth[:, 0])
    data = torch.utils.data.TensorDataset(images, area, area.sum((1, 2)) / 3)
    loader = iter([])

    def step() -> None:
        nonlocal loader
        batch = next(loader, None)
        if batch is None:
            loader = iter(torch.utils.data.DataLoader(data, batch_size=BATCH, shuffle=True, num_workers=0))
            batch = next(loader)
        image, weight, value = batch
        loss = torch.nn.functional.smooth_l1_loss((torch.sigmoid(net(image)[:, 0]) * weight).sum((1, 2)), value)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def cohort(folder: Path) -> dict[str, float]:
    """Volumes/s of building the working grid, against a plain loop."""
    task, grid = TASKS["cac"], Grid(size=144, pixel_mm=1.1, patch=32)
    write_phantoms(orders(task, 3, {"test": 32}), folder / "raw", 2)
    cases = read_manifest(folder / "raw" / "manifest.csv", task)
    begun = time.perf_counter()
    build_cohort(cases, task, grid, folder / "cohort", 2)
    ours = len(cases) / (time.perf_counter() - begun)
    begun = time.perf_counter()
    for case in cases:
        image = nib.load(case.image)
        array, zooms = image.get_fdata(), image.header.get_zooms()
        np.save(folder / "plain.npy", ndimage.zoom(array, (zooms[0] / 1.1, zooms[1] / 1.1, 1), order=1).astype(np.int16))
    plain = len(cases) / (time.perf_counter() - begun)
    print(f"cohort: {ours:.1f} volumes/s against {plain:.1f} with a plain nibabel loop: {ours / plain:.2f} x")
    return {"bioloc": ours, "plain nibabel loop": plain}


def prediction(folder: Path) -> dict[str, float]:
    """Seconds and peak memory of `predict` on a 512 x 512 x 300 CT with calcium, as a process of its own."""
    rng = np.random.default_rng(0)
    hu = ndimage.gaussian_filter(rng.normal(0, 60, (300, 512, 512)).astype(np.float32), (0, 1, 1)).astype(np.int16)
    hu[:, :40] = -1000
    for k in range(300):
        row, column = rng.integers(100, 400, 2)
        hu[k, row : row + 12, column : column + 6] = 400
    write_array(folder / "big.nii.gz", hu.transpose(2, 1, 0), axial_affine((1.0, 0.7, 0.7)))
    roi = np.zeros(hu.shape, np.uint8)
    roi[100:220, 120:360, 120:360] = 1
    write_array(folder / "roi.nii.gz", roi.transpose(2, 1, 0), axial_affine((1.0, 0.7, 0.7)))
    package = Package(Network(Spec("cac", "localizer", ENCODER, SLIM, 144, 1.1, 32)).eval(), 0.5)
    save_package(package, folder / "package")
    command = [
        sys.executable,
        "-c",
        "import sys; from bioloc.cli.main import run; sys.exit(run(sys.argv[1:]))",
        "predict",
        "--task",
        "cac",
        "--model",
        str(folder / "package"),
    ]
    begun = time.perf_counter()
    subprocess.run(
        [*command, "--roi", str(folder / "roi.nii.gz"), "--output", str(folder / "out"), str(folder / "big.nii.gz")], check=True
    )
    seconds = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024**2
    print(f"prediction of 512 x 512 x 300: {seconds:.1f} s, start-up and files included; peak memory {peak:.2f} GiB")
    return {"seconds": seconds, "peak_gib": peak}


if __name__ == "__main__":
    main()
