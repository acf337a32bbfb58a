"""`foretaste train`: fit a model and keep it in a file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from foretaste.cli import _output
from foretaste.cli._models import make_model
from foretaste.cli._source import read_source, source_options
from foretaste.exceptions import DataError


@click.command()
@source_options
@click.option("--model", "name", default="funk-svd", show_default=True, help="Which model, e.g. als, baseline.")
@click.option("--set", "settings", multiple=True, metavar="PARAMETER=VALUE", help="A setting of the model; repeatable.")
@click.option("--seed", default=0, show_default=True, help="Seed of everything random.")
@click.option(
    "--jobs", default=-1, show_default=True, help="Threads; -1 for all cores. The result does not depend on it."
)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="The model file to write.")
def train(
    source: str,
    name: str,
    settings: tuple[str, ...],
    seed: int,
    jobs: int,
    output: Path,
    **options: Any,  # noqa: ANN401  those of `source_options`
) -> None:
    """Fit a model on SOURCE, a file or a known set, and write it to a file."""
    model = make_model(name, settings, seed=seed, jobs=jobs)
    model.check_parameters()
    if not output.parent.is_dir():  # better said before the learning than after it
        message = f"'{output}' cannot be written: there is no folder '{output.parent}'."
        raise DataError(message)
    interactions = read_source(source, **options)
    started = time.perf_counter()
    model.fit(interactions)
    seconds = time.perf_counter() - started
    model.save(output)
    history = model.history_
    measure = "RMSE" if model.measure == "rmse" else model.measure
    last = f"{history[f'train_{model.measure}'][-1]:.4f}" if len(history) else ""
    learned = f", {len(history)} epochs to a training {measure} of {last}" if last else ""
    _output.console().print(
        f"{type(model).__name__} learned from {interactions.n_ratings:,} rows in {seconds:.1f} s{learned}: {output}",
        markup=False,
    )
