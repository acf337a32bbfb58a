"""One page of what a model has learned, to be read without the network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from foretaste._typing import Id
from foretaste.exceptions import DataError
from foretaste.models import Recommender
from foretaste.plotting.figures import history_arrays, load_extra, new_axes, plot_history
from foretaste.plotting.maps import map_of, plot_map
from foretaste.plotting.svg import to_svg
from foretaste.utils.files import write_whole
from foretaste.utils.looks import looks

_NARROW = 3.7  # inches, of the pictures for a telephone


class Rated(NamedTuple):
    """An item and what somebody has given it; `usual` is what others give it on average."""

    title: str
    kind: str
    rating: float
    usual: float | None = None


class Suggestion(NamedTuple):
    """An item for somebody, and why.

    Attributes
    ----------
    title, kind : str
    score : float
        The rating predicted.
    usual : float or None
        What the model would say of the item for anybody.
    reasons : tuple of Rated
        The person's own ratings that speak for it most, strongest first.
    usual_rank : int or None
        Its rank for somebody of whom nothing is known.
    truth : float or None
        The right answer, where it is known.
    """

    title: str
    kind: str
    score: float
    usual: float | None = None
    reasons: tuple[Rated, ...] = ()
    usual_rank: int | None = None
    truth: float | None = None


class Person(NamedTuple):
    """Somebody in the data: what they rated highest, and what they might like."""

    name: str
    n_ratings: int
    mean_rating: float
    liked: tuple[Rated, ...]
    suggestions: tuple[Suggestion, ...]


class Neighbours(NamedTuple):
    """An item and those near it: title, kind, similarity."""

    title: str
    kind: str
    nearest: tuple[tuple[str, str, float], ...]


class Newcomer(NamedTuple):
    """Somebody the model never met, a few ratings of theirs, and what they get."""

    ratings: tuple[Rated, ...]
    suggestions: tuple[Suggestion, ...]


class TruthCheck(NamedTuple):
    """How far predictions of unrated pairs lie from the planted truth, as RMSE.

    Attributes
    ----------
    n_pairs : int
    model, mean : float
        Of the model, and of saying the mean rating every time.
    noise : float
        RMSE against real ratings that even the truth itself would have.
    """

    n_pairs: int
    model: float
    mean: float
    noise: float


@dataclass(frozen=True, eq=False)
class Report:
    """The parts of the page that `write_report` writes.

    Attributes
    ----------
    title, lead : str
        The heading, and the sentence under it.
    figures : dict from word to number, both as text
        The data in figures.
    comparison : polars DataFrame
        The table of `compare`, best first: model, rmse, rmse_se, mae, fit_seconds, predict_seconds.
    model : Recommender
        Fitted, with a history and item factors; its name is in the comparison if it took part.
    labels, groups : dict from item to text
        For the map.
    person, neighbours, newcomer
        The people and items the page tells about.
    truth : TruthCheck, optional
        Where the right answers are known.
    things : str
        What the items are, in the plural.
    fewest : int
        Suggestions are of items with at least so many ratings.
    notes : tuple of str
        Lines at the foot of the page: where the data come from, and their terms.
    """

    title: str
    lead: str
    figures: Mapping[str, str]
    comparison: pl.DataFrame
    model: Recommender
    labels: Mapping[Id, str]
    groups: Mapping[Id, str]
    person: Person
    neighbours: Neighbours
    newcomer: Newcomer
    truth: TruthCheck | None = None
    things: str = "items"
    fewest: int = 1
    notes: tuple[str, ...] = field(default=())


def write_report(path: str | Path, report: Report) -> Path:
    """Write the page to a file, which appears under its name only when it is whole.

    Parameters
    ----------
    path : str or Path
        Where to; a file of that name is replaced.
    report : Report

    Returns
    -------
    Path
        Where it is now, in full.

    Raises
    ------
    DataError
        The folder does not exist or cannot be written to.
    MissingExtraError
        matplotlib or jinja2 is not installed.
    """
    path = checked_path(path)
    write_whole(path, render_report(report).encode())
    return path


def checked_path(path: str | Path) -> Path:
    """The full path of a file to be written, once it is clear that its folder is there.

    Raises
    ------
    DataError
        It is not, or the path is that of a folder.
    """
    path = Path(path).absolute()
    if not path.parent.is_dir():
        message = f"the folder {path.parent} does not exist. Hint: create it, or choose another."
        raise DataError(message)
    if path.is_dir():
        message = f"{path} is a folder. Hint: name a file in it."
        raise DataError(message)
    return path


def render_report(report: Report) -> str:
    """The page as text; see `write_report`."""
    environment = page_environment()
    environment.filters |= {"stars": _stars, "seconds": _seconds}
    rows = report.comparison.to_dicts()
    worst = max(row["rmse"] for row in rows)
    page: str = environment.get_template("report.html").render(
        report=report,
        model=type(report.model).__name__,
        rows=[row | {"share": row["rmse"] / worst} for row in rows],
        middle=sum(report.model.scale_) / 2,
        curve=curve_picture(report.model),
        map=_map(report),
        looks=environment.globals["markup"](looks()),
    )
    return page


def page_environment() -> Any:  # noqa: ANN401  jinja2 publishes its types, but may be absent
    """What fills the templates of this room: everything is escaped but what goes through `markup`.

    Raises
    ------
    MissingExtraError
        jinja2 is not installed.
    """
    jinja2 = load_extra("jinja2")
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("foretaste.plotting"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["markup"] = jinja2.utils.markupsafe.Markup
    return environment


class Picture(NamedTuple):
    """A picture twice, for wide and narrow windows, and what it says in words."""

    wide: str
    narrow: str
    words: str


def curve_picture(model: Recommender) -> Picture:
    """The learning curve of a model.

    Raises
    ------
    UnsupportedError
        It learns without epochs.
    """
    curve = history_arrays(model)
    measure = "RMSE" if model.measure == "rmse" else model.measure
    words = f"Over {curve['epoch'].size} epochs the training {measure} goes from {curve['train'][0]:.3f} to "
    words += f"{curve['train'][-1]:.3f}."
    if not np.isnan(curve["valid"]).all():
        best = int(np.nanargmin(curve["valid"]))
        words += f" The validation {measure} is lowest, {curve['valid'][best]:.3f}, after {best + 1} epochs."
    drawn = [plot_history(model, ax=new_axes(*size)) for size in ((7.6, 3.2), (_NARROW, 2.8))]
    return _pictures("curve", f"Learning curve. {words}", drawn, words)


def _map(report: Report) -> Picture:
    places = map_of(report.model)
    words = (
        f"The plane holds {sum(places.shares):.0%} of the variance of the {report.things}' factors. {places.caution}"
    )
    drawn = [
        plot_map(
            report.model,
            places=places,
            labels=report.labels,
            groups=report.groups,
            n_labels=n_labels,
            caution=False,  # the page says it in words
            ax=new_axes(*size),
        )
        for n_labels, size in ((18, (7.6, 6.0)), (6, (_NARROW, 4.5)))
    ]
    return _pictures("map", f"Map of the {report.things} by their factors. {words}", drawn, words)


def _pictures(name: str, label: str, drawn: list[Any], words: str) -> Picture:
    wide, narrow = (
        to_svg(ax.figure, label=label, name=f"{name}-{size}")
        for ax, size in zip(drawn, ("wide", "narrow"), strict=True)
    )
    return Picture(wide, narrow, words)


def _stars(value: float) -> str:
    """A rating as people write it: 4, 4.5, and a prediction with two digits."""
    return f"{value:g}" if float(value * 2).is_integer() else f"{value:.2f}"


def _seconds(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"  # noqa: PLR2004  the last digit shown
