"""The stages of the study as commands, and `evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from bioloc.cli.options import InitUri, Json, MethodName, ModelUri, TaskName, check_model, note, print_json, start_of, study_of
from bioloc.errors import UsageError
from bioloc.methods import get_method
from bioloc.tasks import get_task

SPLITS = ("val", "gate", "test", "shift", "train")


def phantom(
    task: TaskName,
    output: Annotated[
        Path | None,
        typer.Option("--output", help="Folder of a fresh cohort; without it, the study's data/raw/TASK.", metavar="DIR"),
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", min=0, help="Seed of the fresh cohort; 1, if not given.", metavar="N")
    ] = None,
    patients: Annotated[
        int | None, typer.Option("--patients", min=1, help="Patients of the fresh cohort; 32, if not given.", metavar="K")
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            "--split", help="Split of the fresh cohort, test if not given; shift: unseen scanners, bodies.", metavar="SPLIT"
        ),
    ] = None,
) -> None:
    """Draw a cohort of phantoms, as NIfTI with a manifest."""
    from bioloc.cohorts.phantom_cohort import orders, write_phantoms
    from bioloc.files import folder_written_aside
    from bioloc.stages.raw import make_raw

    if output is None:
        if any(given is not None for given in (seed, patients, split)):
            raise UsageError("--seed, --patients and --split go with --output: params.yaml says what the study's own cohort is")
        project, params, chosen = study_of(task)
        for skipped in make_raw(project, params, chosen):
            note(f"skipped {skipped.what}: {skipped.reason}")
        return
    chosen, split = get_task(task), split or "test"
    if split not in SPLITS:
        raise UsageError(f"--split {split}: choose from {', '.join(SPLITS)}")
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise UsageError(f"{output} exists and is not an empty folder: choose another --output")
    count = patients or 32
    with folder_written_aside(output.resolve()) as aside:
        write_phantoms(orders(chosen, 1 if seed is None else seed, {split: count}), aside, workers=2)
    note(f"{count} patients in {output}")


def cohort(
    task: TaskName,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Open the source's scans and say what would be taken; change nothing.")
    ] = False,
    source: Annotated[
        str | None,
        typer.Option("--source", help="With --dry-run: try this source, not that of params.yaml.", metavar="NAME:PATH"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Bring the raw cohort to the working grid."""
    project, params, chosen = study_of(task)
    if dry_run:
        from bioloc.stages.raw import survey_raw

        content = survey_raw(project, params, chosen, source)
        print_json(content) if as_json else _print_survey(content)
        return
    if source is not None or as_json:
        raise UsageError(f"--source and --json go with --dry-run: the study's own source is tasks.{task}.source in params.yaml")
    from bioloc.stages.data import make_cohort

    make_cohort(project, params, chosen)


def masks(task: TaskName) -> None:
    """Pack reference masks, for evaluation and segmenter."""
    from bioloc.stages.data import make_masks

    make_masks(*study_of(task))


def candidates(task: TaskName) -> None:
    """Find the pixels that may count, and what each is worth."""
    from bioloc.stages.data import make_candidates

    make_candidates(*study_of(task))


def validate(task: TaskName) -> None:
    """Check the prepared cohort; status 1 if it is unfit."""
    from bioloc.stages.validate import make_validation

    project, _, chosen = study_of(task)
    for warning in make_validation(project, chosen):
        note(f"warning: {warning}")
    note(f"{chosen.name}: no critical failure, see {project.validation(chosen.name)}")


def train(task: TaskName, method: MethodName = "localizer", init: InitUri = None) -> None:
    """Train a method; a killed training goes on."""
    from bioloc.stages.train import make_model

    by = get_method(method)
    project, params, chosen = study_of(task)
    reason = make_model(project, params, chosen, by, start_of(project, chosen, init))
    if reason is not None:
        note(f"warning: {chosen.name}: {by.name} is left out: {reason}")


def evaluate(
    task: TaskName,
    model: ModelUri = None,
    split: Annotated[str, typer.Option("--split", help="val, gate, test, shift or train.", metavar="SPLIT")] = "test",
    method: Annotated[
        str | None,
        typer.Option("--method", help="Evaluate this trained method into reports/ (the study's stage).", metavar="METHOD"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure how good a model is on a split of the cohort."""
    chosen = get_task(task)
    if split not in SPLITS:
        raise UsageError(f"--split {split}: choose from {', '.join(SPLITS)}")
    project, params, chosen = study_of(task)
    if method is not None:
        from bioloc.stages.evaluate import make_evaluation

        make_evaluation(project, params, chosen, get_method(method))
        return
    from bioloc.inference.package import load_package
    from bioloc.stages.evaluate import evaluate_split
    from bioloc.tracking.address import resolve

    folder, resolved = resolve(project.root, chosen.name, model)
    check_model(load_package(folder).spec.task, chosen, resolved)
    _, found = evaluate_split(project, params, chosen, folder, split)
    asked = model or f"models:/bioloc-{chosen.name}@champion"
    content = {"task": chosen.name, "model": asked, "resolved": resolved, "split": split, **found}
    if as_json:
        print_json(content)
        return
    _print_metrics(content, chosen.title)


def compare(task: TaskName) -> None:
    """Compare the methods, with paired statistics."""
    from bioloc.stages.evaluate import make_comparison

    make_comparison(*study_of(task))


def promote(task: TaskName, method: MethodName = "localizer") -> None:
    """Make a model champion if it passes every gate."""
    from bioloc.stages.promote import make_promotion

    decision = make_promotion(*study_of(task), get_method(method))
    note(f"{task}: {decision['decision']}: {decision['message']}")


def report(
    readme: Annotated[bool, typer.Option("--readme", help="Write the results table into README.md too.")] = False,
    task: Annotated[
        str | None, typer.Option("--task", help="Accepted for symmetry; the report covers all tasks.", metavar="TASK")
    ] = None,
) -> None:
    """Write reports/index.html and reports/results.md."""
    from bioloc.params import read_params
    from bioloc.project import Project
    from bioloc.stages.report import make_report

    if task is not None:
        get_task(task)
    project = Project.find()
    for path in make_report(project, read_params(project.root), readme):
        note(f"wrote {path}")


def register(app: typer.Typer) -> None:
    """Add the commands, in the order of the pipeline."""
    for command in (phantom, cohort, masks, candidates, validate, train, evaluate, compare, promote, report):
        app.command()(command)


def _print_survey(content: dict[str, Any]) -> None:
    counts = ", ".join(f"{content[f'n_{name}']} {name}" for name in ("patients", "scans", "samples"))
    splits = ", ".join(f"{count} {split}" for split, count in content["splits"].items())
    typer.echo(f"{content['task']} from {content['source']}: {counts}")
    typer.echo(f"  values: {content['values_given']} given, {content['values_measured']} measured from masks")
    typer.echo(f"  splits: {splits}")
    for one in content["skipped"]:
        typer.echo(f"  skipped {one['what']}: {one['reason']}")
    if content["would_stop"]:
        typer.echo("  more than half of the scans cannot be used: the stage would stop")


def _print_metrics(content: dict[str, Any], title: str) -> None:
    counts = f"{content['n_cases']} cases of {content['n_patients']} patients"
    typer.echo(f"{title}: {content['model']} on {content['split']}: {counts}, values in {content['unit']}")
    for name, metric in content["metrics"].items():
        if metric["value"] == metric["value"]:
            typer.echo(f"  {name:18} {metric['value']:10.4g}   95 % interval {metric['ci_low']:.4g} to {metric['ci_high']:.4g}")
