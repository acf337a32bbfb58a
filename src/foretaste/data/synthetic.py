"""A made-up catalogue of films and household goods whose right answers are known."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np
import polars as pl

from foretaste._typing import Codes, Float64, Id, Pointers, RandomState
from foretaste.data._words import WORDS, distinct, first_names, pick, slugs, title
from foretaste.data.interactions import Interactions
from foretaste.data.vocabulary import Vocabulary, as_column
from foretaste.exceptions import UnknownIdError
from foretaste.utils.random import generator
from foretaste.utils.validation import Constraint, Float, Int, check_parameters

SCALE = (0.5, 5.0)  # half stars
FINISHED = 0.9  # from this progress on a film counts as finished

_START, _NOW = np.datetime64("2024-01-01", "us"), np.datetime64("2026-01-01", "us")
_SPAN = 731.0  # days between them
_GLOBAL_MEAN, _BIAS = 3.2, 0.35  # people mostly watch what they will like, so that the ratings given lie higher
_OWN = 0.35  # how far a film strays from the middle of its genres
_FADING = 0.7  # each axis matters this much as much as the one before it
_FEWEST_RATINGS = 5
_GOODS_PER_USER = 3.0
_BLOCK = 200_000  # pairs of user and item looked at together; they should fit into the cache

_AXES = (("escapist", "serious"), ("gentle", "dark"), ("intimate", "epic"), ("everyday", "fantastic"))
_GENRES = {  # share of films, place on each of the axes, minutes
    "Drama": (0.20, (0.8, 0.2, -0.5, -0.6), 112),
    "Comedy": (0.16, (-0.6, -0.5, -0.4, -0.6), 98),
    "Thriller": (0.12, (-0.1, 0.8, 0.2, -0.4), 108),
    "Documentary": (0.09, (1.0, 0.0, 0.1, -0.9), 86),
    "Animation": (0.08, (-0.6, -0.6, 0.2, 0.9), 88),
    "Romance": (0.09, (0.1, -0.4, -0.9, -0.3), 104),
    "Science fiction": (0.08, (0.0, 0.3, 0.7, 1.0), 118),
    "Adventure": (0.07, (-0.8, -0.1, 1.0, 0.3), 121),
    "Horror": (0.06, (-0.3, 1.0, -0.3, 0.6), 94),
    "Family": (0.05, (-0.5, -1.0, 0.1, 0.2), 92),
}
_AISLES = {  # days a pack lasts, share of buyers who come back for more, price
    "Tea and coffee": (24, 0.9, 7),
    "Bath": (60, 0.95, 4),
    "Pantry": (16, 0.8, 5),
    "Household": (40, 0.6, 9),
    "Pets": (28, 0.85, 12),
}


@dataclass(frozen=True, eq=False)
class Truth:
    """What was planted: the answers that a model, a metric or a page ought to find.

    A rating is ``global_mean + user_bias + item_bias + user_factors @ item_factors + noise``, clipped to the scale and
    rounded to half stars. Rows of the arrays follow `users` and `items`.

    Attributes
    ----------
    users, items : Vocabulary
        Ids of the users and of the films.
    axes : tuple of (str, str)
        What lies at the low and at the high end of each latent axis; from the fifth on it is nothing in particular.
    user_factors : float64 array of shape (n_users, n_factors)
        Stars a user gives for one step along an axis.
    item_factors : float64 array of shape (n_items, n_factors)
        Place of a film on each axis, from its genres and a little of its own; mean 0 and variance 1, more or less.
    user_biases, item_biases : float64 arrays
    global_mean, noise : float
        `noise` is the standard deviation of what nobody can know about a rating.
    popularity : float64 array of shape (n_items,)
        How readily a film is chosen, taste aside; sums to one.
    periods : polars DataFrame
        user, item, period: days between purchases of the same thing, for users who come back for it.
    jitter : float
        No gap between purchases differs from its period by more than this share of it.
    half_finished : polars DataFrame
        user, item, progress: films begun and not finished.

    Examples
    --------
    >>> truth = make_catalogue(20, 10).truth
    >>> truth.axes[0], truth.rating_table().shape
    (('escapist', 'serious'), (20, 10))
    """

    users: Vocabulary
    items: Vocabulary
    axes: tuple[tuple[str, str], ...]
    user_factors: Float64
    item_factors: Float64
    user_biases: Float64
    item_biases: Float64
    global_mean: float
    noise: float
    popularity: Float64
    periods: pl.DataFrame
    jitter: float
    half_finished: pl.DataFrame

    @property
    def best_rmse(self) -> float:
        """RMSE of `ratings_of` against the ratings: the noise, and rounding to half stars.

        Clipping at the ends of the scale makes the real figure some five in a hundred smaller.
        """
        return float(np.sqrt(self.noise**2 + 0.5**2 / 12))

    def ratings_of(self, users: Iterable[Id], items: Iterable[Id]) -> Float64:
        """Expected rating of each pair of ids, clipped to the scale, before noise and rounding.

        Raises
        ------
        UnknownIdError
            An id is not in the catalogue, or an item is not a film.
        """
        user, item = _known("user", self.users, users), _known("item", self.items, items)
        return np.clip(self._before_clipping(user, item), *SCALE)

    def rating_table(self, users: Iterable[Id] | None = None, items: Iterable[Id] | None = None) -> Float64:
        """Expected ratings of some users (rows) and films (columns), by default of all."""
        user = _known("user", self.users, self.users.ids if users is None else users)
        item = _known("item", self.items, self.items.ids if items is None else items)
        taste = self.user_factors[user] @ self.item_factors[item].T
        return np.clip(self.global_mean + self.user_biases[user, None] + self.item_biases[item] + taste, *SCALE)

    def _before_clipping(self, user: Codes, item: Codes) -> Float64:
        taste = np.einsum("nk,nk->n", self.user_factors[user], self.item_factors[item])
        stars: Float64 = self.global_mean + self.user_biases[user] + self.item_biases[item] + taste
        return stars


@dataclass(frozen=True, eq=False, repr=False)
class Catalogue:
    """A small world of films, goods and people, from `make_catalogue`.

    Every id in one part is an id in the others. Times are polars datetimes before `now`; nothing happens to an item
    before it was added, or to a user before joining.

    Attributes
    ----------
    ratings : Interactions
        Half stars from 0.5 to 5 for films, with times; rows by user, then by time.
    items : polars DataFrame
        item, title, kind ("film" or "goods"), genres (one to three; of goods, the aisle), year, runtime (minutes),
        minimum_age, brand, price, added, expires (null where it stays). Films come first; goods have no year, runtime
        or minimum_age.
    users : polars DataFrame
        user, name, genres (the three that suit the user best), joined.
    events : polars DataFrame
        user, item, time, progress in (0, 1], kind ("finish" from `FINISHED` on, else "start"): films watched. Those
        finished were rated.
    purchases : polars DataFrame
        user, item, time: goods bought, most of them again and again.
    truth : Truth
        The planted answers.
    now : datetime
        The moment at which the records end.
    """

    ratings: Interactions
    items: pl.DataFrame
    users: pl.DataFrame
    events: pl.DataFrame
    purchases: pl.DataFrame
    truth: Truth
    now: datetime

    def __repr__(self) -> str:
        counts = f"{len(self.truth.users)} users, {len(self.truth.items)} films"
        return f"Catalogue({counts}, {self.ratings.n_ratings} ratings, {self.purchases.height} purchases)"


_CONSTRAINTS: dict[str, Constraint] = {
    **dict.fromkeys(("n_users", "n_items", "n_factors"), Int(1)),
    "n_goods": Int(0),
    "ratings_per_user": Float(1),
    **dict.fromkeys(("taste", "noise", "selection"), Float(0, 3)),
    "unfinished": Float(0, 1),
    "jitter": Float(0, 0.5),
}


def make_catalogue(  # noqa: PLR0913  each is one dial, all but the sizes by keyword
    n_users: int = 600,
    n_items: int = 400,
    *,
    n_goods: int = 40,
    n_factors: int = 6,
    ratings_per_user: float = 50.0,
    taste: float = 0.8,
    noise: float = 0.45,
    selection: float = 1.0,
    unfinished: float = 0.08,
    jitter: float = 0.05,
    random_state: RandomState = 0,
) -> Catalogue:
    """Make up people, films and goods, and what the people thought of them.

    What people rate depends on how well known a film is and on how much they will like it, so that ratings are not
    missing at random; the whole truth is in `Catalogue.truth`. Each part has random numbers of its own: under one seed
    a larger `n_users` keeps the users there were, and other goods leave the films alone.

    Parameters
    ----------
    n_users, n_items, n_goods : int
        People, films (the items that are watched and rated) and further items, which are used up and bought again.
    n_factors : int
        Axes of taste. The first four follow from the genres (see `Truth.axes`).
    ratings_per_user : float
        Films a user watches on average, roughly; a few watch many times as much, none more than half of all films.
    taste, noise : float in [0, 3]
        Standard deviations, in stars, of what taste adds to a rating and of what is not to be known about it.
    selection : float in [0, 3]
        A film is chosen e**selection times as readily for each star that taste adds to it; 0 is popularity alone.
    unfinished : float in [0, 1]
        Share of the films begun that are left half-finished, and not rated.
    jitter : float in [0, 0.5]
        Largest deviation of a gap between purchases, as a share of the period.
    random_state : int, Generator, RandomState or None
        The seed.

    Raises
    ------
    InvalidParameterError
        A parameter is of the wrong kind or out of range.

    Examples
    --------
    >>> catalogue = make_catalogue()
    >>> catalogue
    Catalogue(600 users, 400 films, 26259 ratings, 28480 purchases)
    >>> catalogue.items["title"].head(3).to_list()
    ['A Ransom for Ximena', 'What the Button Maker Knew about Keyholes', 'A Railway for Dalia']
    >>> round(catalogue.truth.best_rmse, 2)
    0.47
    """
    values = {
        "n_users": n_users,
        "n_items": n_items,
        "n_goods": n_goods,
        "n_factors": n_factors,
        "ratings_per_user": ratings_per_user,
        "taste": taste,
        "noise": noise,
        "selection": selection,
        "unfinished": unfinished,
        "jitter": jitter,
    }
    check_parameters("make_catalogue", values, _CONSTRAINTS)
    # One stream of random numbers for each part, drawn from `random_state` in one step.
    streams = np.random.default_rng(generator(random_state).integers(2**63)).spawn(6)
    films = _make_films(streams[0], n_items, n_factors)
    people = _make_people(streams[1], n_users, n_factors, taste)
    goods = _make_goods(streams[2], n_goods)
    counts = np.clip(ratings_per_user * people.weights, _FEWEST_RATINGS, (n_items + 1) // 2)
    chosen = _watch(streams[3], films, people, counts.astype(np.int64), selection, unfinished)
    purchases, periods = _buy(streams[4], goods, people, jitter)
    truth = Truth(
        users=Vocabulary(people.frame["user"]),
        items=Vocabulary(films.frame["item"]),
        axes=(*_AXES, *((f"minor {k} low", f"minor {k} high") for k in range(5, n_factors + 1)))[:n_factors],
        user_factors=people.factors,
        item_factors=films.factors,
        user_biases=people.biases,
        item_biases=films.biases,
        global_mean=_GLOBAL_MEAN,
        noise=float(noise),
        popularity=films.weights,
        periods=periods,
        jitter=float(jitter),
        half_finished=chosen.filter(pl.col("kind") == "start").select("user", "item", "progress"),
    )
    ratings = _rate(streams[5], truth, chosen.filter(pl.col("kind") == "finish"))
    items = pl.concat([films.frame, goods], how="diagonal")
    return Catalogue(ratings, items, people.frame, chosen, purchases, truth, _NOW.item())


class _Part(NamedTuple):
    """Films or people: what is shown, and what is known of them."""

    frame: pl.DataFrame
    factors: Float64
    biases: Float64
    weights: Float64  # popularity of films, activity of people
    since: Float64  # days from the start of the records until they are there


def _make_films(rng: np.random.Generator, n_items: int, n_factors: int) -> _Part:
    by_column, by_factor, by_genre, by_title = rng.spawn(4)
    u, z = by_column.random((n_items, 7)), by_factor.standard_normal((n_items, n_factors + 2))
    # One genre for 35 films of 100, two for 45, three for 20.
    film, genre = _draw(by_genre, np.digitize(u[:, 0], (0.35, 0.8)) + 1, lambda _: _shares(), len(_GENRES))
    n_genres = np.bincount(film)
    width = max(n_factors, len(_AXES))
    place = np.zeros((n_items, width))
    np.add.at(place, film, _loadings(width)[genre])
    place /= n_genres[:, None]
    # Three in ten came while the records ran, many of them lately.
    added = np.floor(np.interp(u[:, 1], (0, 0.7, 0.92, 1), (-1500, 0, _SPAN - 60, _SPAN - 1)))
    since = np.maximum(added, 0)
    rank = np.argsort(np.argsort(-0.5 * z[:, -1] - z[:, -2]))  # better films are a little better known
    popularity = (1 - since / _SPAN) / (rank + 1 + n_items / 50) ** 0.9
    year = _moments(added).dt.year().to_numpy() + np.floor(np.where(added > 0, 2, 16) * np.log1p(-u[:, 2]))
    genres = [[list(_GENRES)[code] for code in codes] for codes in np.split(genre, np.cumsum(n_genres)[:-1])]
    minutes = np.array([_GENRES[first][2] for first, *_ in genres])
    chances = by_title.random((n_items, 8))
    titles = distinct(title(row, first) for row, (first, *_) in zip(chances, genres, strict=True))
    columns = {
        "item": slugs(titles),
        "title": titles,
        "kind": ["film"] * n_items,
        "genres": genres,
        "year": np.maximum(year, 1931).astype(np.int64),
        "runtime": (minutes + 40 * (u[:, 3] - 0.4)).astype(np.int64),
        "minimum_age": np.array([0, 6, 12, 16, 18])[np.digitize(place[:, 1], (-0.5, 0.0, 0.4, 0.8))],
        "brand": [pick("studio", x**1.7) for x in u[:, 4]],
        "price": np.floor(2 + np.clip((year - 1990) / 5, 0, 7) + 4 * u[:, 5]) + 0.99,
        "added": _moments(added),
        # One in twelve leaves within two months.
        "expires": _moments(np.where(u[:, 6] < 1 / 12, _SPAN + np.ceil(720 * u[:, 6]), np.nan)),
    }
    factors = (place[:, :n_factors] + _OWN * z[:, :n_factors]) / _spread(n_factors)
    return _Part(pl.DataFrame(columns), factors, _BIAS * z[:, -1], popularity / popularity.sum(), since)


def _make_people(rng: np.random.Generator, n_users: int, n_factors: int, taste: float) -> _Part:
    by_column, by_factor, by_name = rng.spawn(3)
    u, z = by_column.random((n_users, 2)), by_factor.standard_normal((n_users, n_factors + 1))
    importance = _FADING ** np.arange(n_factors)
    factors = z[:, :n_factors] * importance / np.linalg.norm(importance)
    joined = np.interp(u[:, 0], (0, 0.4, 1), (-700, 0, _SPAN - 30))
    names = first_names(by_name, n_users)
    suitable = np.argsort(-(factors @ (_loadings(n_factors) / _spread(n_factors)).T), axis=1)[:, :3]
    columns = {
        "user": slugs(names),
        "name": names,
        "genres": [[list(_GENRES)[code] for code in codes] for codes in suitable],
        "joined": _moments(joined),
    }
    # A power law (Lomax with exponent 2.5) of mean 1 that leaves nobody idle.
    activity = 0.4 + 0.9 * ((1 - u[:, 1]) ** (-1 / 2.5) - 1)
    return _Part(pl.DataFrame(columns), taste * factors, _BIAS * z[:, -1], activity, np.maximum(joined, 0))


def _make_goods(rng: np.random.Generator, n_goods: int) -> pl.DataFrame:
    by_column, by_title = rng.spawn(2)
    u = by_column.random((n_goods, 2))
    aisles = [list(_AISLES)[code] for code in _aisles(n_goods)]
    offers = {aisle: [(house, thing) for house in WORDS["house"] for thing in WORDS[aisle]] for aisle in _AISLES}
    shuffled = {aisle: by_title.permutation(offer) for aisle, offer in offers.items()}
    pairs = [shuffled[aisle][place // len(_AISLES) % len(offers[aisle])] for place, aisle in enumerate(aisles)]
    titles = distinct(" ".join(pair) for pair in pairs)
    columns = {
        "item": slugs(titles),
        "title": titles,
        "kind": ["goods"] * n_goods,
        "genres": [[aisle] for aisle in aisles],
        "brand": [str(house) for house, _ in pairs],
        "price": np.floor([_AISLES[aisle][2] for aisle in aisles] * (0.7 + 0.6 * u[:, 0])) + 0.49,
        "added": _moments(np.floor(-1500 * u[:, 1])),
    }
    text = dict.fromkeys(("item", "title", "kind", "brand"), pl.String)
    return pl.DataFrame(columns, schema_overrides={**text, "genres": pl.List(pl.String)})


def _watch(
    rng: np.random.Generator, films: _Part, people: _Part, counts: Pointers, selection: float, unfinished: float
) -> pl.DataFrame:
    """Who watched what, when and how far, by user and then by time."""
    by_choice, by_time, by_end = rng.spawn(3)

    axes = np.ascontiguousarray(selection * films.factors.T)

    def weights(users: slice) -> Float64:
        # Not a matrix product, whose last digits may change with the number of rows and of threads.
        chances: Float64 = films.weights * np.exp(np.einsum("uk,ki->ui", people.factors[users], axes))
        return chances

    user, item = _draw(by_choice, counts, weights, len(films.weights))
    since = np.maximum(people.since[user], films.since[item])
    days = since + (_SPAN - since) * by_time.random(user.size)
    end = by_end.random((user.size, 2))
    finished = end[:, 0] >= unfinished
    finished[np.flatnonzero(np.diff(user, prepend=-1))] = True  # so that everybody has a rating
    progress = np.where(finished, np.minimum(FINISHED + 0.2 * end[:, 1], 1), 0.05 + 0.8 * end[:, 1])
    order = np.lexsort((days, user))
    columns = {
        "user": people.frame["user"].gather(user[order]),
        "item": films.frame["item"].gather(item[order]),
        "time": _moments(days[order]),
        "progress": np.round(progress[order], 2),
        "kind": np.where(finished[order], "finish", "start"),
    }
    return pl.DataFrame(columns)


def _rate(rng: np.random.Generator, truth: Truth, finished: pl.DataFrame) -> Interactions:
    user, item = truth.users.encode(finished["user"]), truth.items.encode(finished["item"])
    stars = truth._before_clipping(user, item) + truth.noise * rng.standard_normal(user.size)  # noqa: SLF001  its own file
    ratings = np.floor(2 * np.clip(stars, *SCALE) + 0.5) / 2
    # Each pair is drawn once, so that there are no duplicates to look for.
    return Interactions.from_arrays(
        finished["user"], finished["item"], ratings, times=finished["time"], scale=SCALE, duplicates="keep"
    )


def _buy(
    rng: np.random.Generator, goods: pl.DataFrame, people: _Part, jitter: float
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Purchases, by user and then by time, and the periods behind them."""
    by_count, by_choice, by_pair, by_gap = rng.spawn(4)
    counts = np.minimum(by_count.poisson(_GOODS_PER_USER, people.since.size), goods.height)
    user, item = _draw(by_choice, counts, lambda _: np.ones(1), goods.height)
    u = by_pair.random((user.size, 3))
    lasts, loyalty, _ = np.array([*_AISLES.values()]).T[:, _aisles(goods.height)[item]]
    period = lasts * 2.0 ** (u[:, 0] - 0.5)
    first = people.since[user] + period * u[:, 1]
    # The gaps of all pairs one after the other, more than enough of each; users who do not come back have none.
    n_gaps = np.where(u[:, 2] < loyalty, np.ceil(_SPAN / period / (1 - jitter)), 0).astype(np.int64)
    pair = np.repeat(np.arange(user.size), n_gaps)
    gaps = period[pair] * (1 + jitter * (2 * by_gap.random(pair.size) - 1))
    run = np.concatenate([[0.0], np.cumsum(gaps)])
    days = np.concatenate([first, first[pair] + run[1:] - run[np.cumsum(n_gaps) - n_gaps][pair]])
    pair = np.concatenate([np.arange(user.size), pair])
    pair, days = pair[days < _SPAN], days[days < _SPAN]
    order = np.lexsort((days, user[pair]))
    pair, days = pair[order], days[order]
    users, items = people.frame["user"].gather(user), goods["item"].gather(item)
    purchases = pl.DataFrame({"user": users.gather(pair), "item": items.gather(pair), "time": _moments(days)})
    periods = pl.DataFrame({"user": users, "item": items, "period": period})
    return purchases, periods.filter((n_gaps > 0) & (first < _SPAN))


def _draw(
    rng: np.random.Generator, counts: Pointers, weights: Callable[[slice], Float64], n_items: int
) -> tuple[Pointers, Pointers]:
    """So many items for each user, none twice: the winners of an exponential race, in which weight is speed."""
    block = max(1, _BLOCK // max(1, n_items))
    winners = [np.empty(0, np.int64)]
    for start in range(0, counts.size, block):
        users = slice(start, min(start + block, counts.size))
        arrival = rng.standard_exponential((users.stop - start, n_items)) / weights(users)
        rows = zip(arrival, counts[users], strict=True)
        winners += [np.argpartition(row, count - 1)[:count] for row, count in rows if count]
    return np.repeat(np.arange(counts.size), counts), np.concatenate(winners)


def _shares() -> Float64:
    return np.array([share for share, _, _ in _GENRES.values()])


def _loadings(n_factors: int) -> Float64:
    """Each genre's place on each axis, centred so that taste moves no film's or user's mean."""
    loadings = np.zeros((len(_GENRES), max(n_factors, len(_AXES))))
    loadings[:, : len(_AXES)] = [place for _, place, _ in _GENRES.values()]
    return (loadings - _shares() @ loadings)[:, :n_factors]


def _spread(n_factors: int) -> Float64:
    """Standard deviation of films on each axis; the mean of several genres lies closer to the middle than one."""
    return np.sqrt((0.35 + 0.45 / 2 + 0.2 / 3) * (_shares() @ _loadings(n_factors) ** 2) + _OWN**2)


def _aisles(n_goods: int) -> Pointers:
    return np.arange(n_goods) % len(_AISLES)


def _moments(days: Float64) -> pl.Series:
    """Days from the start of the records as datetimes to the second; null for NaN."""
    seconds = pl.Series(np.floor(days * 86_400), nan_to_null=True).cast(pl.Int64)
    return (seconds * 1_000_000 + int(_START.astype(np.int64))).cast(pl.Datetime("us"))


def _known(kind: str, vocabulary: Vocabulary, ids: Iterable[Id]) -> Codes:
    column = as_column(ids)
    codes = vocabulary.encode(column)
    unknown = np.flatnonzero(codes < 0)
    if unknown.size:
        shown = ", ".join(repr(column[int(place)]) for place in unknown[:3])
        message = f"{unknown.size} of {codes.size} {kind} ids are unknown to this catalogue: {shown}."
        raise UnknownIdError(message)
    return codes
