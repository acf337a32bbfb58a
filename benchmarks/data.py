"""What the contestants are given: arrays, the same for every library.

Archives are looked for in the folder that FORETASTE_DATA names (../shared/data beside the repository by default), the
fixed splits in the folder that FORETASTE_SPLITS names (the folder `splits` beside that of the archives by default).
"""

from __future__ import annotations

import csv
import io
import multiprocessing
import os
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse.linalg import svds
from sklearn.model_selection import KFold

from benchmarks.by_time import (  # noqa: F401  rows name what is here
    Timed,
    film_genres,
    ml_100k_by_time,
    ml_100k_by_time_validation,
)
from benchmarks.files import archives, existing, scratch

Array = npt.NDArray[Any]

_STARS = (1.0, 5.0)
_N_FACTORS = 64
_N_BEST = 10
_N_LISTED = 20
_N_USERS = 512  # users scored at a time
_N_CHECKED = 500  # users whose recommendations are compared with an exact search


@dataclass(frozen=True, eq=False)
class Ratings:
    """One entry a row; `times`, where there are any, in seconds since 1970."""

    users: Array
    items: Array
    ratings: Array
    times: Array | None = None

    def head(self, n: int) -> Ratings:
        """The first n rows."""
        return self.rows(slice(n))

    def rows(self, chosen: slice | Array) -> Ratings:
        """Some of the rows."""
        times = None if self.times is None else self.times[chosen]
        return Ratings(self.users[chosen], self.items[chosen], self.ratings[chosen], times)


@dataclass(frozen=True, eq=False)
class Split:
    """What is learned from and what is predicted."""

    train: Ratings
    test: Ratings
    scale: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Events:
    """Events to learn from, and those to be found among the best; ids are 0, 1, 2 ... on both sides.

    `candidates` are the items that are ranked, in ascending order, less those that a user has in the training part;
    `tags` those of each item, where any are used.
    """

    users: Array
    items: Array
    test_users: Array
    test_items: Array
    candidates: Array
    tags: tuple[tuple[str, ...], ...] = ()

    def asked(self) -> Array:
        """Users with events in both parts, in ascending order."""
        return np.intersect1d(self.test_users, self.users)

    def matrix(self) -> sparse.csr_array:
        """The training events, a row a user, a column an item, an entry of 1 for each."""
        shape = (int(self.users.max()) + 1, int(max(self.items.max(), self.candidates.max())) + 1)
        return sparse.csr_array((np.ones(self.users.size, np.float32), (self.users, self.items)), shape)

    def best(self, score: Callable[[Array], Array]) -> Array:
        """The best 20 candidates of each user asked for, for libraries that do not choose them by themselves.

        Equal scores keep the order of ids; -1 is no item.

        Parameters
        ----------
        score : callable
            From users to their scores of the candidates, a row a user.
        """
        users, matrix = self.asked(), self.matrix()[:, self.candidates]
        found = np.empty((users.size, _N_LISTED), np.int64)
        for first in range(0, users.size, _N_USERS):
            rows = slice(first, first + _N_USERS)
            scores = np.array(score(users[rows]), np.float64)
            scores[matrix[users[rows]].nonzero()] = -np.inf
            best = np.argsort(-scores, axis=1, kind="stable")[:, :_N_LISTED]
            left = np.isfinite(np.take_along_axis(scores, best, axis=1))
            found[rows] = np.where(left, self.candidates[best], -1)
        return found

    def accuracy(self, found: Array) -> dict[str, float]:
        """NDCG@10 and Recall@20 of 20 items for each user asked for, best first: means over these users.

        NDCG counts a hit at rank r as 1 / log2(r + 1), over the same sum for min(10, test items) hits from the top;
        recall is hits over all of the user's test items. -1 is no item.
        """
        users = self.asked()
        wanted = sparse.csr_array((np.ones(self.test_users.size, bool), (self.test_users, self.test_items)))
        discounts = 1 / np.log2(np.arange(2, _N_BEST + 2))
        ideal = np.cumsum(discounts)
        ndcg, recall = np.empty(users.size), np.empty(users.size)
        for row, user in enumerate(users):
            own = wanted.indices[wanted.indptr[user] : wanted.indptr[user + 1]]
            hits = np.isin(found[row], own)
            ndcg[row] = hits[:_N_BEST] @ discounts / ideal[min(_N_BEST, own.size) - 1]
            recall[row] = hits.sum() / own.size
        return {"ndcg@10": float(ndcg.mean()), "recall@20": float(recall.mean()), "users": users.size}


@dataclass(frozen=True, eq=False)
class Baskets:
    """Purchases to learn from, and the first basket of each customer after them; ids are 0, 1, 2 ...

    A row is one customer, one item and one day, in the order of days. `asked` are the customers whose first later
    basket holds something they had bought before, `moments` the days of these baskets, and a row of `test_users` and
    `test_items` such a thing.
    """

    users: Array
    items: Array
    days: Array
    asked: Array
    moments: Array
    test_users: Array
    test_items: Array

    def accuracy(self, found: Callable[[int, int], Array]) -> dict[str, float]:
        """Recall@10 and NDCG@10 of what was bought again, means over the customers asked for.

        Parameters
        ----------
        found : callable
            From a customer and a day to that customer's own items, the likeliest first.
        """
        discounts = 1 / np.log2(np.arange(2, _N_BEST + 2))
        recall, ndcg = np.empty(self.asked.size), np.empty(self.asked.size)
        for row in np.argsort(self.moments, kind="stable"):  # in the order of time, as a shop would ask
            user, day = int(self.asked[row]), int(self.moments[row])
            wanted = self.test_items[self.test_users == user]
            hits = np.isin(found(user, day)[:_N_BEST], wanted)
            recall[row] = hits.sum() / wanted.size
            ndcg[row] = hits @ discounts[: hits.size] / discounts[: wanted.size].sum()
        return {"recall@10": float(recall.mean()), "ndcg@10": float(ndcg.mean()), "customers": self.asked.size}


@dataclass(frozen=True, eq=False)
class Scores:
    """Factors whose products are to be ranked, and the items each user has seen; ids are 0, 1, 2 ... on both sides."""

    user_factors: Array
    item_factors: Array
    seen: sparse.csr_array

    def exact(self, users: Array) -> Array:
        """The best unseen items of some users in double precision, best first."""
        best = np.empty((users.size, _N_BEST), np.int64)
        items = self.item_factors.astype(np.float64)
        for row, user in enumerate(users):
            scores = items @ self.user_factors[user].astype(np.float64)
            scores[self.seen.indices[self.seen.indptr[user] : self.seen.indptr[user + 1]]] = -np.inf
            chosen = np.argpartition(-scores, _N_BEST)[:_N_BEST]
            best[row] = chosen[np.argsort(-scores[chosen])]
        return best

    def agreement(self, users: Array, found: Array) -> float:
        """Share of the places of some recommendations (rows of items, best first) that an exact search fills so."""
        rows = np.linspace(0, users.size - 1, min(users.size, _N_CHECKED)).astype(int)
        return float((self.exact(users[rows]) == found[rows]).mean())


@dataclass(frozen=True, eq=False)
class Candidates:
    """What a varied list is to be chosen from, and the one that maximises the determinant step by step."""

    scores: Array
    vectors: Array
    weight: float
    n_slots: int
    exact: Array

    def agreement(self, chosen: Array) -> float:
        """Share of the places filled as in the exact list."""
        return float((np.asarray(chosen) == self.exact).mean())


# MovieLens -----------------------------------------------------------------------------------------------------------


def ml_1m_fold() -> Split:
    """ml-1m: fold 0 of 5 random ones is the test part."""
    table = _rating_table("ml-1m")
    return _split(table, table["fold"] != 0, table["fold"] == 0)


def ml_1m_tenth() -> Split:
    """ml-1m: a random tenth is the test part."""
    table = _rating_table("ml-1m")
    return _split(table, ~table["test10"], table["test10"])


def ml_1m_tenth_validation() -> Split:
    """The training part of `ml_1m_tenth` alone, about a tenth of it held out for the choice of settings."""
    table = _rating_table("ml-1m")
    return _split(table, ~table["test10"] & ~table["valid10"], ~table["test10"] & table["valid10"])


def ml_1m_validation() -> Split:
    """The training part of `ml_1m_fold` alone, about a tenth of it held out for the choice of settings."""
    table = _rating_table("ml-1m")
    learning = table["fold"] != 0
    return _split(table, learning & ~table["valid10"], learning & table["valid10"])


def ml_1m_file() -> Path:
    """ratings.dat of ml-1m, unpacked."""
    with zipfile.ZipFile(existing(archives() / "ml-1m.zip")) as archive:
        return Path(archive.extract("ml-1m/ratings.dat", scratch()))


def ml_100k_folds() -> dict[str, Split]:
    """ml-100k: the publisher's folds u1 to u5."""
    names = [f"u{number}" for number in range(1, 6)]
    return {name: Split(_published(f"{name}.base"), _published(f"{name}.test"), _STARS) for name in names}


def ml_100k_fold_names() -> tuple[str, ...]:
    """The publisher's folds of ml-100k, for who reads them by themselves."""
    return ("u1", "u2", "u3", "u4", "u5")


def first_name(names: tuple[str, ...]) -> tuple[str, ...]:
    """One of the folds."""
    return names[:1]


def ml_100k_random_folds() -> dict[str, Split]:
    """ml-100k: the random folds of `foretaste compare ml-100k --cv 5`."""
    return _random_folds(_published("u.data"))


def ml_1m_random_folds() -> dict[str, Split]:
    """ml-1m: the random folds of `foretaste compare ml-1m --cv 5`."""
    return _random_folds(_columns(ml_1m_file().read_text(encoding="latin-1").replace("::", "\t").splitlines()))


def few(split: Split) -> Split:
    """A thousand ratings to learn from and a hundred to predict: enough to load what is needed."""
    return Split(split.train.head(1000), split.test.head(100), split.scale)


def few_of_one_fold(splits: dict[str, Split]) -> dict[str, Split]:
    """A few ratings of the first fold."""
    name, split = next(iter(splits.items()))
    return {name: few(split)}


def ml_1m_factors() -> Scores:
    """All ratings of ml-1m as seen, and the factors of their truncated singular value decomposition."""
    table = _rating_table("ml-1m")
    seen = sparse.csr_array((table["r"].astype(np.float32), (table["u"], table["i"])))
    left, lengths, right = svds(seen, k=_N_FACTORS, v0=np.ones(min(seen.shape), np.float32))
    root = np.sqrt(lengths)
    return Scores(np.ascontiguousarray(left * root), np.ascontiguousarray(right.T * root), seen)


def _rating_table(name: str) -> dict[str, Array]:
    return _table(f"{name}-rating")


def _table(name: str) -> dict[str, Array]:
    default = archives().parent / "splits"
    path = existing(Path(os.environ.get("FORETASTE_SPLITS", default)) / f"{name}.npz")
    with np.load(path) as table:
        return dict(table)


def _published(member: str) -> Ratings:
    """A table of ml-100k, in the order of its rows."""
    with zipfile.ZipFile(existing(archives() / "ml-100k.zip")) as archive, archive.open(f"ml-100k/{member}") as lines:
        return _columns(lines)


def _columns(lines: Iterable[str | bytes]) -> Ratings:
    """Users, items, ratings and times between tabs."""
    users, items, ratings = np.loadtxt(lines, np.int64, delimiter="\t", usecols=(0, 1, 2), unpack=True)
    return Ratings(users, items, ratings.astype(np.float32))


def _random_folds(whole: Ratings) -> dict[str, Split]:
    """Five folds, cut from the rows in their order by what `compare` cuts them by."""
    parts = KFold(5, shuffle=True, random_state=0).split(whole.users)
    return {
        f"fold {fold}": Split(whole.rows(train), whole.rows(test), _STARS) for fold, (train, test) in enumerate(parts)
    }


def _split(table: dict[str, Array], train: Array, test: Array) -> Split:
    users, items = table["user_ids"][table["u"]], table["item_ids"][table["i"]]
    parts = (Ratings(users[rows], items[rows], table["r"][rows], table["ts"][rows]) for rows in (train, test))
    return Split(*parts, scale=_STARS)


# Events --------------------------------------------------------------------------------------------------------------


def ml_1m_events() -> Events:
    """ml-1m, all ratings events: a random fifth of each user's is the test part."""
    table = _table("ml-1m-ranking")
    parts = (table[name] for name in ("train_u", "train_i", "test_u", "test_i"))
    return Events(*parts, candidates=np.unique(table["train_i"]))


def ml_1m_events_validation() -> Events:
    """The training part of `ml_1m_events` alone, a fifth of each user's held out for the choice of settings."""
    table = _table("ml-1m-ranking")
    users, items, held_out = table["train_u"], table["train_i"], table["tune_mask"]
    learned = items[~held_out]
    return Events(users[~held_out], learned, users[held_out], items[held_out], candidates=np.unique(learned))


def ml_1m_new_items() -> Events:
    """ml-1m, all ratings events: those of a random fifth of the films are the test part; genres are known."""
    with zipfile.ZipFile(existing(archives() / "ml-1m.zip")) as archive:
        films = [line.split("::") for line in archive.read("ml-1m/movies.dat").decode("latin-1").splitlines()]
    ratings = np.loadtxt(ml_1m_file(), np.int64, delimiter=":", usecols=(0, 2), encoding="latin-1")
    return _new_items(*ratings.T, {int(film): tuple(genres.split("|")) for film, _, genres in films})


def lastfm_new_items() -> Events:
    """Last.fm: the listeners of a random fifth of the artists are the test part; tags are known."""
    with zipfile.ZipFile(existing(archives() / "hetrec2011-lastfm-2k.zip")) as archive:

        def table(name: str, columns: tuple[int, ...]) -> Array:
            with archive.open(next(member for member in archive.namelist() if member.endswith(name))) as lines:
                return np.loadtxt(lines, np.int64, delimiter="\t", usecols=columns, skiprows=1, encoding="latin-1")

        listened, tagged = table("user_artists.dat", (0, 1)), table("user_taggedartists.dat", (1, 2))
    tags: dict[int, tuple[str, ...]] = {}
    for artist, tag in np.unique(tagged, axis=0).tolist():
        tags[artist] = (*tags.get(artist, ()), str(tag))
    return _new_items(*listened.T, tags)


def ml_100k_last_fifth() -> Events:
    """ml-100k, all ratings events: the last fifth of each user's is the test part; genres are known."""
    with zipfile.ZipFile(existing(archives() / "ml-100k.zip")) as archive, archive.open("ml-100k/u.data") as lines:
        users, items, _, times = np.loadtxt(lines, np.int64, delimiter="\t", unpack=True)
    order = np.lexsort((items, times, users))
    users, items = users[order] - 1, items[order] - 1
    counts = np.bincount(users)
    rank = np.arange(users.size) - np.repeat(np.cumsum(counts) - counts, counts)
    test = rank >= np.ceil(0.8 * counts)[users]
    return Events(users[~test], items[~test], users[test], items[test], np.unique(items[~test]), film_genres())


def online_retail_baskets() -> Baskets:
    """Online Retail: what is bought before the last fifth of the time, and the first basket of each customer in it."""
    return _baskets(0.8, 1.0)


def online_retail_earlier_baskets() -> Baskets:
    """Likewise inside the first four fifths, for the choice of settings: learned from four fifths of these."""
    return _baskets(0.64, 0.8)


def _baskets(begin: float, end: float) -> Baskets:
    """The test part lies between two shares of the time; the lines are those that foretaste's loader keeps."""
    with zipfile.ZipFile(existing(archives() / "online-retail.zip")) as archive:
        member = next(name for name in archive.namelist() if name.endswith("Online Retail.csv"))
        with archive.open(member) as lines:
            rows = [
                (row["CustomerID"], row["StockCode"], np.datetime64(row["InvoiceDate"][:10], "D").astype(int))
                for row in csv.DictReader(io.TextIOWrapper(lines, "utf-8"))
                if row["CustomerID"] not in ("", "NA")
                and not row["InvoiceNo"].startswith("C")
                and float(row["Quantity"]) > 0
            ]
    users, items, days = (np.array(column) for column in zip(*rows, strict=True))
    (_, users), (_, items) = (np.unique(ids, return_inverse=True) for ids in (users, items))
    days, users, items = np.unique(np.stack([days, users, items]), axis=1)
    first, length = days[0], days[-1] + 1 - days[0]
    cut, last = first + begin * length, first + end * length
    learned, later = days < cut, (days >= cut) & (days < last)
    moments = np.full(users.max() + 1, days[-1] + 1)
    np.minimum.at(moments, users[later], days[later])
    pairs = users * (items.max() + 1) + items
    again = later & (days == moments[users]) & np.isin(pairs, pairs[learned])
    asked = np.unique(users[again])
    columns = (column[learned] for column in (users, items, days))
    return Baskets(*columns, asked, moments[asked], users[again], items[again])


def _new_items(users: Array, items: Array, tags: dict[int, tuple[str, ...]]) -> Events:
    (_, users), (item_ids, items) = (np.unique(ids, return_inverse=True) for ids in (users, items))
    described = tuple(tags.get(int(item), ()) for item in item_ids)
    return _hold_out_items(users, items, described, seed=0)


def _hold_out_items(users: Array, items: Array, tags: tuple[tuple[str, ...], ...], *, seed: int) -> Events:
    """A random fifth of the items that have events is the test part."""
    known = np.unique(items)
    new = known[np.random.default_rng(seed).random(known.size) < 0.2]
    learned = ~np.isin(items, new)
    test = ~learned & np.isin(users, users[learned])
    return Events(users[learned], items[learned], users[test], items[test], new, tags)


def ml_1m_new_items_validation() -> Events:
    """The training part of `ml_1m_new_items` alone, a random fifth of its films held out."""
    return _without_test_part(ml_1m_new_items())


def lastfm_new_items_validation() -> Events:
    """The training part of `lastfm_new_items` alone, a random fifth of its artists held out."""
    return _without_test_part(lastfm_new_items())


def _without_test_part(events: Events) -> Events:
    return _hold_out_items(events.users, events.items, events.tags, seed=1)


def few_events(events: Events) -> Events:
    """A thousand events to learn from."""
    return replace(events, users=events.users[:1000], items=events.items[:1000])


def varied_candidates() -> Candidates:
    """200 candidates with random directions and scores, and the naive choice of 20."""
    rng = np.random.default_rng(0)
    scores, vectors = rng.random(200), rng.normal(size=(200, _N_FACTORS))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Candidates(scores, vectors, 0.3, 20, best_by_determinants(scores, vectors, 0.3, 20))


def best_by_determinants(scores: Array, vectors: Array, weight: float, n: int) -> Array:
    """One after the other the candidate that raises (1 - w) sum s + w log det of the cosines most, by determinants."""
    cosines, chosen = vectors @ vectors.T, np.zeros(0, np.int64)
    for _ in range(n):
        left = np.setdiff1d(np.arange(scores.size), chosen)
        more = np.column_stack([np.tile(chosen, (left.size, 1)), left])
        logs = np.linalg.slogdet(cosines[more[:, :, None], more[:, None, :]])[1]
        chosen = np.append(chosen, left[np.argmax((1 - weight) * scores[left] + weight * logs)])
    return chosen


# Synthetic -----------------------------------------------------------------------------------------------------------


def synthetic_20m() -> Ratings:
    """20 million ratings in half stars at the shape of the largest MovieLens sets; no structure to be learned."""
    return _synthetic(138_000, 27_000, 20_000_000)


def synthetic_150k_users_split() -> Split:
    """10 million ratings by 150,000 users of 5,000 items, likewise, and the first 100,000 of them to predict."""
    whole = _synthetic(150_000, 5_000, 10_000_000)
    return Split(whole, whole.head(100_000), (0.5, 5.0))


def _synthetic(n_users: int, n_items: int, n_ratings: int) -> Ratings:
    rng = np.random.default_rng(0)
    users, items = _distinct_pairs(n_users, n_items, n_ratings, n_ratings // 10, rng)
    return Ratings(users, items, rng.integers(1, 11, n_ratings).astype(np.float32) / 2)


def synthetic_20m_split() -> Split:
    """`synthetic_20m`, and its first thousand rows to predict: there is nothing in it to be predicted."""
    whole = synthetic_20m()
    return Split(whole, whole.head(1000), (0.5, 5.0))


@dataclass(frozen=True)
class Files:
    """The columns of some ratings in files of their own: to be read at will, and to be let go of."""

    users: Path
    items: Path
    ratings: Path
    scale: tuple[float, float]

    def read(self) -> Ratings:
        """The columns, in memory."""
        return Ratings(*(np.load(path) for path in (self.users, self.items, self.ratings)))

    def write(self, part: Ratings) -> None:
        """Fill the files."""
        for path, column in ((self.users, part.users), (self.items, part.items), (self.ratings, part.ratings)):
            np.save(path, column)


def synthetic_netflix() -> Files:
    """100,480,507 ratings in whole stars at the shape of the Netflix Prize's training set; no structure in them.

    7 bytes a rating, as that set needs: users as int32, items as int16, stars as uint8; rows in random order. They are
    made in another process, whose memory is many times that.
    """
    made = _new_files((1.0, 5.0))
    maker = multiprocessing.get_context("spawn").Process(target=_write_netflix, args=(made,))
    maker.start()
    maker.join()
    if maker.exitcode:
        message = f"the process that makes the ratings ended with status {maker.exitcode}."
        raise RuntimeError(message)
    return made


def few_of_files(made: Files) -> Files:
    """A few of the ratings, in files of their own."""
    small = _new_files(made.scale)
    small.write(made.read().head(1000))
    return small


def _new_files(scale: tuple[float, float]) -> Files:
    folder = Path(scratch())
    return Files(*(folder / f"{name}.npy" for name in ("users", "items", "ratings")), scale=scale)


def _write_netflix(made: Files) -> None:
    rng, n_ratings = np.random.default_rng(0), 100_480_507
    users, items = _distinct_pairs(480_189, 17_770, n_ratings, n_ratings // 5, rng)
    made.write(Ratings(users, items.astype(np.int16), rng.integers(1, 6, n_ratings, dtype=np.uint8)))


def _distinct_pairs(
    n_users: int, n_items: int, n_pairs: int, n_surplus: int, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Pairs in random order, none twice; the surplus is drawn to make up for those that would be."""
    drawn_users, drawn_items = (_power_law(n, n_pairs + n_surplus, rng) for n in (n_users, n_items))
    pairs = drawn_users.astype(np.int64) * n_items + drawn_items
    pairs.sort()
    pairs = rng.permutation(pairs[1:][pairs[1:] > pairs[:-1]])[:n_pairs]
    users, items = (ids.astype(np.int32) for ids in np.divmod(pairs, n_items))
    return users, items


def many_items() -> Scores:
    """20,000 users, 100,000 items, two million seen pairs, random factors."""
    return _random_scores(20_000, 100_000, 2_000_000)


def many_rated_items() -> Ratings:
    """The pairs of `many_items` with random ratings."""
    users, items = many_items().seen.nonzero()
    return Ratings(users, items, np.random.default_rng(0).integers(1, 6, users.size).astype(np.float32))


def million_items() -> Scores:
    """1,000 users, a million items, each seen by one or two users, random factors."""
    return _random_scores(1_000, 1_000_000, 1_200_000)


def _random_scores(n_users: int, n_items: int, n_seen: int) -> Scores:
    """Every user and item occurs at least once, as a model can only know ids that do."""
    rng = np.random.default_rng(0)
    more = n_seen - n_items
    users = np.concatenate(
        [rng.permutation(np.arange(n_items, dtype=np.int32) % n_users), _power_law(n_users, more, rng)]
    )
    items = np.concatenate([np.arange(n_items, dtype=np.int32), _power_law(n_items, more, rng)])
    seen = sparse.csr_array((np.ones(n_seen, np.float32), (users, items)), shape=(n_users, n_items))
    seen.sum_duplicates()
    factors = (rng.normal(size=(n, _N_FACTORS)).astype(np.float32) for n in (n_users, n_items))
    return Scores(*factors, seen)


def _power_law(n_ids: int, n_rows: int, rng: np.random.Generator) -> Array:
    """Ids 0 .. n_ids - 1, their frequencies falling as a power of their rank; ranks are dealt out at random."""
    weights = np.cumsum((np.arange(n_ids) + 100.0) ** -0.7)
    ranks = np.searchsorted(weights, rng.random(n_rows) * weights[-1])
    return rng.permutation(n_ids).astype(np.int32)[np.minimum(ranks, n_ids - 1)]
