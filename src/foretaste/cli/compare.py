"""`foretaste compare`: several models on the same folds, in one table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import polars as pl

from foretaste import model_selection
from foretaste.cli import _output
from foretaste.cli._models import ALL_RATINGS, make_model, model_names
from foretaste.cli._source import read_source, source_options
from foretaste.data import Interactions, datasets
from foretaste.exceptions import InvalidParameterError


@click.command()
@source_options
@click.option(
    "--models",
    default="baseline,als,funk-svd",
    show_default=True,
    help=f"Models, with commas between; {ALL_RATINGS} is every one that learns ratings from ratings alone.",
)
@click.option("--metrics", default="rmse,mae", show_default=True, help="Metrics, with commas between; the first ranks.")
@click.option("--cv", default="5", show_default=True, help="Number of random folds, or u1-u5 for those of ml-100k.")
@click.option(
    "--set", "settings", multiple=True, metavar="MODEL.PARAMETER=VALUE", help="A setting of one model; repeatable."
)
@click.option("--seed", default=0, show_default=True, help="Seed of folds and models.")
@click.option("--format", "form", type=click.Choice(_output.FORMATS), help="How to write the result.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Where to write it.")
def compare(
    source: str,
    models: str,
    metrics: str,
    cv: str,
    settings: tuple[str, ...],
    seed: int,
    form: _output.Format | None,
    output: Path | None,
    **options: Any,  # noqa: ANN401  those of `source_options`
) -> None:
    """Fit and test models on the same folds of SOURCE, a file or a known set."""
    names = model_names(models)
    chosen = {name: make_model(name, _own(name, settings, names), seed=seed) for name in names}
    ratings: Interactions | None
    folds: Any
    if cv == "u1-u5":
        if source != "ml-100k":
            message = f"--cv u1-u5 are the folds of ml-100k; {source} needs a number."
            raise InvalidParameterError(message)
        ratings, folds = None, datasets.movielens_folds("100k")
    else:
        if not cv.isdecimal():
            message = f"--cv must be a number of folds or u1-u5, got {cv!r}."
            raise InvalidParameterError(message)
        ratings, folds = read_source(source, **options), int(cv)
    comparison = model_selection.compare(chosen, ratings, metrics=metrics.split(","), cv=folds, random_state=seed)
    title = f"{source}, {'folds u1 to u5' if cv == 'u1-u5' else f'{cv} random folds'}"
    _output.write(pl.DataFrame(comparison.to_frame()), form, output, title)
    if comparison.n_unknown:
        _output.notes().print(
            f"{comparison.n_unknown:,} of {comparison.n_ratings:,} test ratings are of users or items that the "
            f"training part does not hold; they are predicted by what is known of the rest."
        )


def _own(name: str, settings: tuple[str, ...], names: list[str]) -> list[str]:
    """The settings of one model, without its name."""
    for setting in settings:
        if setting.partition(".")[0] not in names:
            message = f"{setting!r} is for none of the models compared. Hint: write MODEL.PARAMETER=VALUE."
            raise InvalidParameterError(message)
    return [setting.partition(".")[2] for setting in settings if setting.partition(".")[0] == name]
