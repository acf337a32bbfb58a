"""The command line: `foretaste` and its commands, one a file.

Here alone is anything printed. Results go to standard output; guesses, warnings, progress and errors to standard
error. Exit status: 0 for success, 2 for the caller's fault, 1 for ours, 130 for Ctrl-C; never a traceback, unless
FORETASTE_TRACEBACK is set.
"""

from __future__ import annotations

import os
import sys
import warnings
from typing import NoReturn

import click
from rich.console import Console

from foretaste.cli import _output
from foretaste.cli.compare import compare
from foretaste.cli.data import data
from foretaste.cli.demo import demo
from foretaste.cli.map import map_
from foretaste.cli.page import page
from foretaste.cli.predict import predict
from foretaste.cli.recommend import recommend
from foretaste.cli.similar import similar
from foretaste.cli.surprise import surprise
from foretaste.cli.train import train
from foretaste.cli.tune import tune
from foretaste.exceptions import ForetasteError, ForetasteWarning

_CALLERS_FAULT, _OURS, _INTERRUPTED = 2, 1, 130


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="foretaste")
def app() -> None:
    """Learn from ratings, measure, recommend, explain, compose pages."""


for command in (demo, data, train, predict, recommend, similar, map_, page, compare, tune, surprise):
    app.add_command(command)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run a command line and exit with its status."""
    sys.exit(_status(arguments))


def _status(arguments: list[str] | None) -> int:
    notes = _output.notes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", ForetasteWarning)
        warnings.showwarning = lambda message, *_, **__: notes.print(f"Warning: {message}", markup=False)
        try:
            app.main(arguments, prog_name="foretaste", standalone_mode=False)
        except BaseException as error:
            if os.environ.get("FORETASTE_TRACEBACK"):
                raise
            return _told(error, notes)
    return 0


def _told(error: BaseException, notes: Console) -> int:
    """Say on standard error what went wrong; the exit status that goes with it."""
    match error:
        case click.exceptions.Exit():
            return error.exit_code
        case click.ClickException():
            error.show()
            return _CALLERS_FAULT
        case click.Abort() | KeyboardInterrupt():
            notes.print("Interrupted; nothing was left half-written.")
            return _INTERRUPTED
        case BrokenPipeError():
            # The reader of the pipe has had enough (`| head`); nothing more may be written to it, at exit either.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        case ForetasteError() | OSError():
            notes.print(f"{type(error).__name__}: {error}", markup=False)
            return _CALLERS_FAULT
        case _:
            notes.print(
                f"Internal error: {type(error).__name__}: {error}\n"
                f"Hint: this is a defect of foretaste; FORETASTE_TRACEBACK=1 shows where.",
                markup=False,
            )
            return _OURS
