"""bioloc-cli: commands, and how errors end them.

Exit status: 0 all good, 1 some scans failed or a gate refused the data, 2 wrong usage or unusable input.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

import typer

from bioloc import __version__
from bioloc.cli import calibrate, cross_validate, info, measure, predict, registry, study, study_grid
from bioloc.errors import BiolocError, GateError

_NAME = "bioloc-cli"
_INTERRUPTED = 130
_WRONG_USAGE: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
"""click's own, or that of the copy of click inside newer versions of typer."""

app = typer.Typer(
    name=_NAME,
    help="Biomarker values from CT, and where in the image they come from. Not a medical device.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for group in (info, study, cross_validate, predict, calibrate, measure):
    group.register(app)
app.add_typer(registry.app, name="registry", help="Registered models: show, promote, roll back, restore.")
app.add_typer(study_grid.app, name="study", help="The grid of ablations and curves: a row, or all of them.")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version and exit."),
) -> None:
    """Options before the command."""


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status; a user's mistake is one sentence on stderr, never a traceback."""
    _keep_quiet()
    try:
        result = app(args=list(arguments) if arguments is not None else None, prog_name=_NAME, standalone_mode=False)
    except _WRONG_USAGE as error:
        error.show()
        return 2
    except GateError as error:
        _say("refused", str(error))
        return 1
    except BiolocError as error:
        _say("error", str(error))
        return 2
    except OSError as error:  # a full disk, a folder that may not be written to, a file where a folder should be
        _say("error", f"{error.filename}: {error.strerror}" if error.filename else str(error))
        return 2
    except (typer.Abort, KeyboardInterrupt):
        result = _INTERRUPTED
    if result == _INTERRUPTED:  # newer versions of typer return it
        typer.echo("interrupted: what is finished stays, a rerun goes on from there", err=True)
    return result if isinstance(result, int) else 0


def _say(kind: str, text: str) -> None:
    """One line on stderr."""
    typer.echo(f"{kind}: {' '.join(line.strip() for line in text.splitlines())}", err=True)


def main() -> None:
    """Entry point of the script."""
    sys.exit(run())


def _keep_quiet() -> None:
    """No analytics, and no hub: nothing here needs the network."""
    for name, value in (
        ("MLFLOW_DISABLE_TELEMETRY", "true"),
        ("DO_NOT_TRACK", "true"),
        ("DVC_NO_ANALYTICS", "1"),
        ("GX_ANALYTICS_ENABLED", "false"),
        ("HF_HUB_OFFLINE", "1"),
        ("MPLBACKEND", "agg"),
    ):
        os.environ.setdefault(name, value)
