"""`foretaste compare`: several models on the same folds, in one table."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import polars as pl

from foretaste import model_selection
from foretaste.cli import _output
from foretaste.cli._models import ALL_RANKING, ALL_RATINGS, make_model, model_names
from foretaste.cli._source import read_source, source_options
from foretaste.data import Interactions, datasets
from foretaste.exceptions import InvalidParameterError

# Models, metrics and folds of a task where none are named.
_DEFAULTS = {
    "rating": ("baseline,als,funk-svd", "rmse,mae", "5"),
    "ranking": (ALL_RANKING, "ndcg@10,recall@20,coverage", "users"),
}
# What --cv may hold out: a splitter by the seed, and how a title says it.
_SPLITS: dict[str, tuple[Callable[[int], model_selection.Splitter], str]] = {
    "random": (lambda seed: model_selection.RandomHoldout(random_state=seed), "a fifth of all rows held out"),
    "users": (lambda seed: model_selection.UserHoldout(random_state=seed), "a fifth of each user's rows held out"),
    "last": (lambda _: model_selection.LeaveLastOut(), "the last row of each user held out"),
    "time": (lambda _: model_selection.TimeSplit(), "the last fifth by time held out"),
    "new-users": (
        lambda seed: model_selection.NewUsers(random_state=seed),
        "a fifth of each new user's rows held out; a fifth of the users are new",
    ),
    "new-items": (lambda seed: model_selection.NewItems(random_state=seed), "a fifth of the items held out"),
}


@click.command()
@source_options
@click.option(
    "--task",
    type=click.Choice(["rating", "ranking"]),
    default="rating",
    show_default=True,
    help="What is judged: predicted ratings, or lists; it decides what --models, --metrics and --cv are by default.",
)
@click.option(
    "--models",
    help=f"Models, with commas between; {ALL_RATINGS} is every one that learns ratings from ratings alone, "
    f"{ALL_RANKING} every one that only orders items. By default {_DEFAULTS['rating'][0]}; for rankings "
    f"{_DEFAULTS['ranking'][0]}.",
)
@click.option(
    "--metrics",
    help=f"Metrics, with commas between; the first ranks. By default {_DEFAULTS['rating'][1]}; for rankings "
    f"{_DEFAULTS['ranking'][1]}.",
)
@click.option(
    "--cv",
    help=f"Number of random folds; what is held out ({', '.join(_SPLITS)}); or u1-u5 for the folds of ml-100k. "
    f"By default {_DEFAULTS['rating'][2]}; for rankings {_DEFAULTS['ranking'][2]}.",
)
@click.option(
    "--set", "settings", multiple=True, metavar="MODEL.PARAMETER=VALUE", help="A setting of one model; repeatable."
)
@click.option("--seed", default=0, show_default=True, help="Seed of folds and models.")
@click.option("--format", "form", type=click.Choice(_output.FORMATS), help="How to write the result.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Where to write it.")
def compare(  # noqa: PLR0913, PLR0917  an argument for each option
    source: str,
    task: str,
    models: str | None,
    metrics: str | None,
    cv: str | None,
    settings: tuple[str, ...],
    seed: int,
    form: _output.Format | None,
    output: Path | None,
    **options: Any,  # noqa: ANN401  those of `source_options`
) -> None:
    """Fit and test models on the same folds of SOURCE, a file or a known set."""
    default_models, default_metrics, default_cv = _DEFAULTS[task]
    cv = cv or default_cv
    names = model_names(models or default_models)
    chosen = {name: make_model(name, _own(name, settings, names), seed=seed) for name in names}
    ratings: Interactions | None
    folds: Any
    if cv == "u1-u5":
        if source != "ml-100k":
            message = f"--cv u1-u5 are the folds of ml-100k; {source} needs a number."
            raise InvalidParameterError(message)
        ratings, folds, cut = None, datasets.movielens_folds("100k"), "folds u1 to u5"
    else:
        if not cv.isdecimal() and cv not in _SPLITS:
            message = f"--cv must be a number of folds, one of {', '.join(_SPLITS)}, or u1-u5, got {cv!r}."
            raise InvalidParameterError(message)
        ratings = read_source(source, **options)
        if cv.isdecimal():
            folds, cut = int(cv), f"{cv} random folds"
        else:
            make, cut = _SPLITS[cv]
            folds = make(seed)
    comparison = model_selection.compare(
        chosen, ratings, metrics=(metrics or default_metrics).split(","), cv=folds, random_state=seed
    )
    frame = pl.DataFrame(comparison.to_frame())
    if output is None and form in (None, "table") and sys.stdout.isatty() and not _output.fits(frame):
        frame = frame.drop(pl.selectors.ends_with("_se"))
        _output.notes().print("The standard errors do not fit on this screen; --format csv shows them.")
    _output.write(frame, form, output, f"{source}, {cut}")
    _tell(comparison, task)


def _tell(comparison: model_selection.Comparison, task: str) -> None:
    """Say what could not be tested as it should be."""
    told = {
        f"{comparison.n_unknown:,} of {comparison.n_ratings:,} test {'ratings' if task == 'rating' else 'events'} are "
        "of users or items that the training part does not hold; "
        + ("they are predicted by" if task == "rating" else "lists are made by")
        + " what is known of the rest.": comparison.n_unknown,
        f"{comparison.n_dropped_users:,} users of the test part have nothing left to be found and are left "
        "out.": comparison.n_dropped_users,
    }
    for sentence, count in told.items():
        if count:
            _output.notes().print(sentence)
    for what, count in comparison.dropped.items():
        _output.notes().print(f"{count:,} {what}.")


def _own(name: str, settings: tuple[str, ...], names: list[str]) -> list[str]:
    """The settings of one model, without its name."""
    for setting in settings:
        if setting.partition(".")[0] not in names:
            message = f"{setting!r} is for none of the models compared. Hint: write MODEL.PARAMETER=VALUE."
            raise InvalidParameterError(message)
    return [setting.partition(".")[2] for setting in settings if setting.partition(".")[0] == name]
