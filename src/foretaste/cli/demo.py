"""`foretaste demo`: from ratings to recommendations in one go, on the terminal and as a page."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np
import polars as pl
from rich.console import Console

from foretaste import model_selection
from foretaste._typing import Codes, Float64, Id
from foretaste.cli import _output
from foretaste.data import Interactions, datasets, synthetic
from foretaste.exceptions import MissingExtraError, UnknownIdWarning
from foretaste.models import ALS, Baseline, FunkSVD, GlobalMean
from foretaste.models._factors import FactorModel
from foretaste.plotting import report as pages
from foretaste.plotting.report import Neighbours, Newcomer, Person, Rated, Report, Suggestion, TruthCheck

SOURCES = ("catalogue", "ml-100k", "ml-1m", "ml-latest-small")
_PAGE = "foretaste-demo.html"

_FEWEST = 20  # ratings of an item that is recommended: of others too little is known
_FEWEST_OF_KIND = 20  # items of a genre that a newcomer may love
_N_LIKED, _N_SUGGESTED, _N_REASONS, _N_NEAREST, _N_RATED = 6, 5, 3, 8, 3


class World(NamedTuple):
    """Ratings, and what is known about those who gave them and what they are of.

    Attributes
    ----------
    name : str
        What the page calls the data.
    ratings : Interactions
    titles : dict from item to title
    genres : dict from item to its genres
    names : dict from user to name
    notes : tuple of str
        Where the data come from, and their terms.
    truth : Truth or None
        The right answers, where they are known.
    """

    name: str
    ratings: Interactions
    titles: dict[Id, str]
    genres: dict[Id, list[str]]
    names: dict[Id, str]
    notes: tuple[str, ...]
    truth: synthetic.Truth | None = None

    def kind(self, item: Id) -> str:
        """The genres of an item in words."""
        return ", ".join(self.genres[item])


@click.command()
@click.option("--data", "source", type=click.Choice(SOURCES), default="catalogue", show_default=True, help="Ratings.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help=f"The page to write.  [default: {_PAGE}]")
@click.option("--seed", default=0, show_default=True, help="Seed of the folds, the models and the catalogue.")
def demo(source: str, output: Path | None, seed: int) -> None:
    """Learn from ratings, compare models, recommend, explain, and write a page about it all.

    The catalogue is made up and built in; the MovieLens sets are fetched, or read from $FORETASTE_DATA. The page needs
    the extra `plot` (matplotlib and jinja2).
    """
    path = pages.checked_path(output or _PAGE)  # before the work, not after it
    out = _output.console()
    world = load_world(source, seed)
    _head(out, "The data", world.name)
    figures = describe(world.ratings)
    out.print(_output.table(pl.DataFrame({"": list(figures), " ": list(figures.values())})))

    _head(out, "Four models on the same three folds", "RMSE is the typical error, in the units of the rating")
    comparison = compare(world.ratings, seed)
    out.print(_output.table(comparison.select("model", "rmse", "rmse_se", "mae", "fit_seconds", "predict_seconds")))

    _head(out, "FunkSVD learns from everything", "until ratings held out say that it is enough")
    model = FunkSVD(early_stopping=True, random_state=seed).fit(world.ratings)
    report = gather(world, model, comparison)
    best = pl.DataFrame(model.history_)["valid_rmse"].arg_min()
    curve = pl.DataFrame(model.history_).with_row_index()
    out.print(_output.table(curve.filter(pl.col("index").is_in([0, best, len(curve) - 1])).drop("index")))
    _tell(out, report)
    try:
        written = pages.write_report(path, report)
    except MissingExtraError as error:
        if output is not None:
            raise
        _output.notes().print(f"No page was written: {error}", markup=False)
    else:
        out.print(f"\nThe page with all of this: {written}", markup=False)


def load_world(source: str, seed: int = 0) -> World:
    """One of `SOURCES`."""
    if source == "catalogue":
        made = synthetic.make_catalogue(random_state=seed)
        ratings, items, truth = made.ratings, made.items, made.truth
        names = dict(zip(made.users["user"], made.users["name"], strict=True))
        name, notes = "a made-up catalogue", ["The films and the people are made up; any likeness is chance."]
    else:
        ratings, items, truth = datasets.load(source), datasets.load_items(source), None
        names = {user: f"Person {user}" for user in ratings.users.ids}
        known = datasets.KNOWN[source]
        name = known.title.partition(":")[0]
        notes = [f"Data: {known.title}; {known.page.partition('://')[2].rstrip('/')}.", f"Terms: {known.licence}."]
    titles = dict(zip(items["item"], items["title"], strict=True))
    genres = dict(zip(items["item"], items["genres"].to_list(), strict=True))
    return World(name, ratings, titles, genres, names, tuple(notes), truth)


def describe(ratings: Interactions) -> dict[str, str]:
    """The data in figures, in words."""
    figures = ratings.describe()
    low, high = figures["scale"]
    return {
        "ratings": f"{figures['rows']:,}",
        "people": f"{figures['users']:,}",
        "films": f"{figures['items']:,}",
        "of all pairs are rated": f"{figures['density']:.1%}",
        "ratings a person (median)": f"{figures['rows per user (min, median, max)'][1]:g}",
        "ratings a film (median)": f"{figures['rows per item (min, median, max)'][1]:g}",
        "mean rating": f"{figures['mean rating']:.2f}",
        "scale": f"{low:g} to {high:g}",
    }


def compare(ratings: Interactions, seed: int = 0) -> pl.DataFrame:
    """The ladder from a constant to factors, on three random folds."""
    models = {
        "GlobalMean": GlobalMean(),
        "Baseline": Baseline(),
        "ALS": ALS(random_state=seed),
        "FunkSVD": FunkSVD(random_state=seed),
    }
    return pl.DataFrame(model_selection.compare(models, ratings, cv=3, random_state=seed).to_frame())


# The parts of the page ----------------------------------------------------------------------------------------------


def gather(world: World, model: FactorModel, comparison: pl.DataFrame) -> Report:
    """The whole page, from a model fitted on the ratings of the world."""
    ratings = world.ratings
    unrated = 1 - len(ratings) / (ratings.n_users * ratings.n_items)
    counts = np.diff(ratings.by_item().indptr)
    fewest = min(_FEWEST, int(np.median(counts)))  # small data have fewer
    items = ratings.items.ids
    well_known = items.filter(pl.Series(counts >= fewest)).to_list()
    person, favourite = _person(world, model, well_known)
    return Report(
        title="What would they like?",
        lead=f"foretaste has read {len(ratings):,} ratings by {ratings.n_users:,} people of {ratings.n_items:,} films "
        f"({world.name}). It has learned to guess the {unrated:.0%} that nobody has given, and it can say why.",
        figures=describe(ratings),
        comparison=comparison,
        model=model,
        labels=world.titles,
        groups={item: world.genres[item][0] if world.genres[item] else "other" for item in items},
        person=person,
        neighbours=_neighbours(world, model, favourite, well_known),
        newcomer=_newcomer(world, model, well_known, counts),
        truth=None if world.truth is None else _truth(world.truth, model, ratings),
        things="films",
        fewest=fewest,
        notes=(*world.notes, "Made with foretaste; this page is one file and loads nothing from anywhere."),
    )


def _person(world: World, model: FactorModel, candidates: Sequence[Id]) -> tuple[Person, Id]:
    """Somebody with many ratings and decided tastes, and of what they like most what tastes divide on most."""
    ratings = world.ratings
    indptr, codes, values = ratings.by_user()
    counts = np.diff(indptr)
    many = np.flatnonzero((counts >= np.quantile(counts, 0.8)) & (counts <= np.quantile(counts, 0.95)))
    known = model.item_vocabulary_.encode(candidates)
    taste = model.user_factors_[many] @ model.item_factors_[known].T
    chosen = int(many[np.argmax(taste.std(axis=1))])
    user, own = ratings.users.decode_one(chosen), slice(*indptr[chosen : chosen + 2])
    rated = dict(zip(ratings.items.decode(codes[own]).to_list(), map(float, values[own]), strict=True))
    usual = dict(zip(rated, _means(ratings)[codes[own]].tolist(), strict=True))
    # Of equals those first that others like less: they say most about this person.
    liked = sorted(rated, key=lambda item: (-rated[item], usual[item], str(item)))[:_N_LIKED]
    suggested = pl.DataFrame(model.recommend(user, n=_N_SUGGESTED, items=candidates))
    person = Person(
        name=world.names[user],
        n_ratings=len(rated),
        mean_rating=float(values[own].mean()),
        liked=tuple(Rated(world.titles[item], world.kind(item), rated[item], usual[item]) for item in liked),
        suggestions=tuple(
            _suggestion(world, model, user, item, score, rated)
            for item, score in suggested.select("item", "score").rows()
        ),
    )
    return person, _favourite(model, ratings, rated)


def _favourite(model: FactorModel, ratings: Interactions, rated: dict[Id, float]) -> Id:
    """Of the best-known items that somebody rated highest the one that tastes divide on most."""
    counts = np.diff(ratings.by_item().indptr)
    top = np.array([ratings.items.encode_one(item) for item in rated if rated[item] == max(rated.values())])
    best_known = top[counts[top] >= min(np.quantile(counts, 0.8), counts[top].max())]
    lengths = np.linalg.norm(model.item_factors_[best_known], axis=1)
    return ratings.items.decode_one(int(best_known[np.argmax(lengths)]))


def _suggestion(
    world: World, model: FactorModel, user: Id, item: Id, score: float, rated: dict[Id, float]
) -> Suggestion:
    """An item with the ratings that speak for it most."""
    terms = pl.DataFrame(model.explain(user, item, by="history"))
    item_of = {f"rated {known} {rating:g}": known for known, rating in rated.items()}
    reasons = terms.filter(pl.col("term").is_in(list(item_of)) & (pl.col("value") > 0)).sort("value", descending=True)
    strongest = [item_of[term] for term in reasons["term"].head(_N_REASONS)]
    return Suggestion(
        title=world.titles[item],
        kind=world.kind(item),
        score=score,
        usual=terms["value"][0],
        reasons=tuple(Rated(world.titles[known], world.kind(known), rated[known]) for known in strongest),
        truth=None if world.truth is None else float(world.truth.ratings_of([user], [item])[0]),
    )


def _neighbours(world: World, model: FactorModel, item: Id, candidates: Iterable[Id]) -> Neighbours:
    """The well-known items nearest to one."""
    frame = pl.DataFrame(model.similar_items(item, n=world.ratings.n_items))
    near = frame.filter(pl.col("similar_item").is_in(list(candidates))).head(_N_NEAREST)
    nearest = near.select("similar_item", "similarity").rows()
    return Neighbours(
        title=world.titles[item],
        kind=world.kind(item),
        nearest=tuple((world.titles[other], world.kind(other), value) for other, value in nearest),
    )


def _newcomer(world: World, model: FactorModel, candidates: Sequence[Id], counts: Codes) -> Newcomer:
    """Somebody who loves the best-known items of one genre and dislikes those of the genre furthest from it."""
    known = set(candidates)
    by_count = [item for item in world.ratings.items.decode(np.argsort(-counts, kind="stable")) if item in known]
    loved, disliked = _opposite_genres(world, model, by_count)
    low, high = world.ratings.scale
    given = [(item, high) for item in _best_known(world, by_count, loved, disliked)]
    given += [(item, low) for item in _best_known(world, by_count, disliked, loved)]
    folded = model.fold_in(given)
    suggested = pl.DataFrame(folded.recommend(n=_N_NEAREST, items=candidates)).select("item", "score").rows()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnknownIdWarning)  # it is meant to be unknown
        stranger = pl.DataFrame(model.recommend(object(), n=len(known), items=candidates))["item"].to_list()
    return Newcomer(
        ratings=tuple(Rated(world.titles[item], world.kind(item), rating) for item, rating in given),
        suggestions=tuple(
            Suggestion(world.titles[item], world.kind(item), score, usual_rank=stranger.index(item) + 1)
            for item, score in suggested
        ),
    )


def _opposite_genres(world: World, model: FactorModel, items: Sequence[Id]) -> tuple[str, str]:
    """The two genres whose items lie furthest apart on average, the better-known one first."""
    members: dict[str, list[Id]] = {}
    for item in items:
        for genre in world.genres[item]:
            members.setdefault(genre, []).append(item)
    for fewest in (_FEWEST_OF_KIND, _N_RATED, 1):
        large = {genre: ids for genre, ids in members.items() if len(ids) >= fewest}
        if len(large) > 1:
            break
    centres = {
        genre: model.item_factors_[model.item_vocabulary_.encode(ids)].mean(axis=0) for genre, ids in large.items()
    }
    pairs = [(first, second) for first in centres for second in centres if first < second]
    furthest = max(pairs, key=lambda pair: float(np.linalg.norm(centres[pair[0]] - centres[pair[1]])))
    first, second = sorted(furthest, key=lambda genre: items.index(members[genre][0]))
    return first, second


def _best_known(world: World, by_count: Iterable[Id], genre: str, other: str) -> list[Id]:
    """The best-known items of one genre that are not of the other too."""
    return [item for item in by_count if genre in world.genres[item] and other not in world.genres[item]][:_N_RATED]


def _truth(truth: synthetic.Truth, model: FactorModel, ratings: Interactions) -> TruthCheck:
    """How far the predictions of all pairs that nobody has rated are from the planted truth."""
    given = truth.ratings_of(ratings.users.decode(ratings.user_codes), ratings.items.decode(ratings.item_codes))
    users, items = model.user_vocabulary_, model.item_vocabulary_
    right = truth.rating_table(users.ids, items.ids)
    unrated = np.ones(right.shape, np.bool_)
    unrated[np.repeat(np.arange(len(users)), np.diff(model.known_.indptr)), model.known_.indices] = False
    user_codes, item_codes = np.nonzero(unrated)
    pairs = pl.DataFrame({"user": users.decode(user_codes), "item": items.decode(item_codes)})
    answers = right[unrated]
    mean = float(model.known_.values.mean(dtype=np.float64))
    return TruthCheck(
        n_pairs=answers.size,
        model=_rmse(model.predict(pairs) - answers),
        mean=_rmse(mean - answers),
        noise=_rmse(given - ratings.values),
    )


def _rmse(errors: Float64) -> float:
    return float(np.sqrt(np.mean(errors**2)))


def _means(ratings: Interactions) -> Float64:
    """The mean rating of each item."""
    counts = np.bincount(ratings.item_codes, minlength=ratings.n_items)
    return np.bincount(ratings.item_codes, ratings.values, ratings.n_items) / counts


# On the terminal ----------------------------------------------------------------------------------------------------


def _tell(out: Console, report: Report) -> None:
    """The people and items of the page as tables."""
    person, neighbours, newcomer = report.person, report.neighbours, report.newcomer
    _head(out, f"For {person.name}", f"who has rated {person.n_ratings} {report.things}")
    _rows(out, "Rated highest", {"title": str, "kind": str, "rating": float}, (thing[:3] for thing in person.liked))
    columns = {"title": str, "predicted": float, "because you rated": str}
    _rows(out, "Recommended", columns, ((thing.title, thing.score, _because(thing)) for thing in person.suggestions))
    _head(out, f"What is like {neighbours.title}", neighbours.kind)
    _rows(out, None, {"title": str, "kind": str, "cosine": float}, neighbours.nearest)
    _head(out, "A newcomer", "folded in from a few ratings, nothing trained again")
    _rows(out, "Rated", {"title": str, "kind": str, "rating": float}, (thing[:3] for thing in newcomer.ratings))
    columns = {"title": str, "kind": str, "predicted": float, "before": int}
    rows = ((thing.title, thing.kind, thing.score, thing.usual_rank) for thing in newcomer.suggestions)
    _rows(out, "Recommended (before: its rank for somebody of whom nothing is known)", columns, rows)
    if report.truth is not None:
        truth = report.truth
        _head(out, "How near to the truth", f"{truth.n_pairs:,} pairs that nobody has rated")
        out.print(f"RMSE against what was planted: {truth.model:.3f}; always saying the mean: {truth.mean:.3f}.")


def _because(thing: Suggestion) -> str:
    return "; ".join(f"{reason.title} {reason.rating:g}" for reason in thing.reasons)


def _head(out: Console, title: str, more: str) -> None:
    out.print(f"\n{title}", style="bold", markup=False, end="")
    out.print(f" ({more})" if more else "", markup=False)


def _rows(out: Console, title: str | None, columns: dict[str, type], rows: Iterable[tuple[Any, ...]]) -> None:
    """Rows as a table, numbers with two digits, never cut off; words give way to them."""
    frame = pl.DataFrame(list(rows), schema=columns, orient="row")
    numeric = [kind is not str for kind in columns.values()]
    shown = frame.with_columns(
        pl.col(name).map_elements(lambda x: f"{x:.2f}", pl.String)
        for name in frame.columns
        if frame[name].dtype.is_float()
    )
    drawn = _output.table(shown, title)
    for column, is_number in zip(drawn.columns, numeric, strict=True):
        column.justify, column.no_wrap = ("right", True) if is_number else ("left", False)
    out.print(drawn)
