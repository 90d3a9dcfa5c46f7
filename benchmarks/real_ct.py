"""The models on real scans, with numbers where there is a reference, and pictures; `make real` runs it.

    python benchmarks/real_ct.py [--real DIR] [--output reports/real_ct] [--package TASK=FOLDER ...] [--every N]

Champions are taken, or what was trained last, unless --package names others. Pictures and real_ct.json go to the output
folder, from where `bioloc-cli report` takes them. The scans are looked for in ../shared/real_ct of the repository, or where
BIOLOC_REAL_CT says; neither they nor pictures of them belong into git.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from common import ended, package_of, run_key

from bioloc.errors import UsageError
from bioloc.inference.package import load_package
from bioloc.prediction.real_ct import Model, look_at_all
from bioloc.prediction.real_scans import SUBJECTS, scans_folder
from bioloc.project import Project
from bioloc.tasks import TASKS


def main() -> None:
    """Look at every real scan with the model of its task."""
    options = arguments()
    project = Project.find()
    default = os.environ.get("BIOLOC_REAL_CT") or project.root.parent / "shared" / "real_ct"
    scans = scans_folder(Path(options.real or default))
    given = dict(_named(text) for text in options.package)
    models = {}
    for name in dict.fromkeys(subject.task for subject in SUBJECTS):
        folder = package_of(project, TASKS[name], given.get(name))
        models[name] = Model(load_package(folder), run_key(folder))
    output = options.output or project.root / "reports" / "real_ct"
    for look in look_at_all(models, scans, output, options.every)["looks"]:
        print(f"{look['task']} on {look['name']}: {told(look)}")
    print(f"pictures and numbers are in {output}; `bioloc-cli report` shows them on reports/index.html")


def told(look: dict) -> str:
    """A look in a line."""
    if look["error"]:
        return f"failed: {look['error']}"
    if "dice" in look:
        dice = look["dice"]
        spread = f"median {dice['median']:.3f}, {dice['low']:.3f} to {dice['high']:.3f}"
        return f"{look['n_slices']} slices, Dice {dice['mean']:.3f} ({spread}), MAE {look['mae']:.1f} {look['unit']}"
    category = "" if look["category"] is None else f", category {look['category']}"
    return f"{look['value']:.1f} {look['unit']}{category}" + ("" if look["slice"] is None else f", slice {look['slice']}")


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", type=Path, metavar="DIR", help="folder of the real scans")
    parser.add_argument("--output", type=Path, metavar="DIR", help="reports/real_ct, if not given")
    parser.add_argument("--package", action="append", default=[], metavar="TASK=FOLDER", help="another model for a task")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every N-th slice of the abdomen")
    return parser.parse_args()


def _named(text: str) -> tuple[str, Path]:
    task, _, folder = text.partition("=")
    if task not in TASKS or not folder:
        raise UsageError(f"--package {text}: give TASK=FOLDER, the task one of {', '.join(TASKS)}")
    return task, Path(folder)


if __name__ == "__main__":
    sys.exit(ended(main))
