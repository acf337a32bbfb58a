"""`foretaste tune`: the settings a model does best with, and the model in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import polars as pl

from foretaste import model_selection
from foretaste.cli import _output
from foretaste.cli._models import make_model
from foretaste.cli._source import read_source, source_options
from foretaste.exceptions import DataError


@click.command()
@source_options
@click.option("--model", "name", default="funk-svd", show_default=True, help="Which model, e.g. als, ease.")
@click.option("--metric", help="What to do best in. By default rmse; ndcg@10 for a model that only orders items.")
@click.option("--trials", default=30, show_default=True, help="How many in all, with those the study holds already.")
@click.option("--cv", type=int, help="Number of random folds; by default one validation part, a tenth of the data.")
@click.option("--set", "settings", multiple=True, metavar="PARAMETER=VALUE", help="A setting that stays; repeatable.")
@click.option("--seed", default=0, show_default=True, help="Seed of validation part, trials and model.")
@click.option(
    "--jobs", default=-1, show_default=True, help="Threads; -1 for all cores. The result does not depend on it."
)
@click.option("--study", type=click.Path(path_type=Path), help="A file that keeps the trials, to go on from.")
@click.option("--format", "form", type=click.Choice(_output.FORMATS), help="How to write the trials.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The model file to write, of the best settings.")
def tune(  # noqa: PLR0913, PLR0917  an argument for each option
    source: str,
    name: str,
    metric: str | None,
    trials: int,
    cv: int | None,
    settings: tuple[str, ...],
    seed: int,
    jobs: int,
    study: Path | None,
    form: _output.Format | None,
    output: Path | None,
    **options: Any,  # noqa: ANN401  those of `source_options`
) -> None:
    """Look for the settings a model does best with on SOURCE, a file or a known set."""
    model = make_model(name, settings, seed=seed, jobs=jobs)
    model.check_parameters()
    fixed = {setting.partition("=")[0] for setting in settings}
    space = {key: values for key, values in model_selection.default_space(model).items() if key not in fixed}
    if output is not None and not output.parent.is_dir():  # better said before the learning than after it
        message = f"'{output}' cannot be written: there is no folder '{output.parent}'."
        raise DataError(message)
    found = model_selection.tune(
        model,
        read_source(source, **options),
        space,
        metric=metric,
        trials=trials,
        cv=cv,
        random_state=seed,
        study=study,
    )
    if output is not None:
        found.best_model.save(output)
    _output.write(pl.DataFrame(found.to_frame()), form, None, f"{source}, {name}")
    best = " ".join(f"--set {key}={value}" for key, value in found.best_parameters.items())
    kept = f" It is in {output}." if output is not None else ""
    told = f"Best: {found.metric} {found.best_value:.4f} with {best or 'the settings as they were given'}.{kept}"
    _output.notes().print(told, markup=False)
