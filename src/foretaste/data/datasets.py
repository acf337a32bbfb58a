"""Known sets, and the small table of albums that the tutorials are about.

Archives are looked for in the folder that the environment variable FORETASTE_DATA names (taken as they are), then in
the user's cache, and then downloaded from the publisher and checked against the publisher's checksum. Only ml-100k and
ml-1m are downloaded; of the others no checksum is known, so that they have to be put into the folder by hand, and the
`DatasetNotFoundError` says from where. None of them may be passed on: see the terms in `KNOWN`.

Frames of items have `item` and `title` in common, whatever the items are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, TypeAlias, get_args

import polars as pl

from foretaste.data._archives import KNOWN, KnownSet, archive, known_set
from foretaste.data._columns import as_ids, as_numbers, as_plain, as_times
from foretaste.data._sources import read_member
from foretaste.data._tables import Table, parse
from foretaste.data.interactions import Interactions
from foretaste.data.readers import Columns, table_interactions
from foretaste.exceptions import InvalidParameterError

__all__ = [
    "KNOWN",
    "NAMES",
    "KnownSet",
    "album_features",
    "albums",
    "load",
    "load_items",
    "load_lastfm",
    "load_lastfm_items",
    "load_movielens",
    "load_movielens_items",
    "load_movielens_users",
    "load_movietweetings",
    "load_movietweetings_items",
    "load_online_retail",
    "load_online_retail_items",
    "movielens_folds",
]

Size: TypeAlias = Literal["100k", "1m", "latest-small"]

NAMES = tuple(KNOWN)
"""What `load` knows."""

_RATINGS_FILES = {"100k": "u.data", "1m": "ratings.dat", "latest-small": "ratings.csv"}
_YEAR = r"\((\d{4})(?:[-\u2013]\d{0,4})?\)\s*$"  # a series has two, with a dash of either length between them

# The words for ml-1m's numbers, in their order, from the README of the set.
_OCCUPATIONS_1M = [
    *("other", "academic/educator", "artist", "clerical/admin", "college/grad student", "customer service"),
    *("doctor/health care", "executive/managerial", "farmer", "homemaker", "K-12 student", "lawyer", "programmer"),
    *("retired", "sales/marketing", "scientist", "self-employed", "technician/engineer", "tradesman/craftsman"),
    *("unemployed", "writer"),
]


def load(name: str) -> Interactions:
    """A known set by its name, one of `NAMES`.

    Raises
    ------
    InvalidParameterError
        There is none of that name.
    DatasetNotFoundError
        It is not on this machine and cannot be fetched.
    """
    return _LOADERS[known_set(name).name][0]()


def load_items(name: str) -> pl.DataFrame:
    """What is known of the items of a known set: item, title and more; errors as in `load`."""
    return _LOADERS[known_set(name).name][1]()


def load_movielens(size: Size = "100k") -> Interactions:
    """MovieLens: ratings of films with times in unix seconds, on a scale of 1 to 5 (latest-small: 0.5 to 5).

    Parameters
    ----------
    size : {"100k", "1m", "latest-small"}
    """
    return _movielens_file(_checked_size(size, get_args(Size)), _RATINGS_FILES[size])


def movielens_folds(size: Literal["100k"] = "100k") -> Iterator[tuple[str, Interactions, Interactions]]:
    """The publisher's five folds of ml-100k, u1 to u5: name, training and test part.

    Each rating is in the test part of one fold. Both parts keep the scale of the whole.
    """
    _checked_size(size, ("100k",))
    names = [f"u{number}" for number in range(1, 6)]
    return ((name, _movielens_file("100k", f"{name}.base"), _movielens_file("100k", f"{name}.test")) for name in names)


def load_movielens_items(size: Size = "100k") -> pl.DataFrame:
    """The films of MovieLens: item, title, year and genres.

    Titles are the publisher's, with the year in brackets; `year` is null where a title has none. `genres` is a list,
    empty for a film without any.
    """
    _checked_size(size, get_args(Size))
    if size == "1m":
        return _films(_table("ml-1m", "movies.dat").frame)
    if size == "latest-small":
        return _films(_table("ml-latest-small", "movies.csv").frame)
    names = _table("ml-100k", "u.genre").frame.to_series(0)
    flags = _table("ml-100k", "u.item").frame
    # The last columns are flags, one a genre, in the order of u.genre.
    genres = [
        pl.when(flags.to_series(flags.width - len(names) + place) == "1").then(pl.lit(name))
        for place, name in enumerate(names)
    ]
    joined = flags.select(pl.concat_str(genres, separator="|", ignore_nulls=True).alias("genres")).to_series()
    return _films(flags.select(flags.columns[:2]).with_columns(joined))


def load_movielens_users(size: Literal["100k", "1m"] = "100k") -> pl.DataFrame:
    """The users of MovieLens: user, age, gender, occupation, zip_code.

    The ages of 1m are the lower ends of brackets (18 stands for 18 to 24), and 1 stands for everyone under 18.
    """
    if _checked_size(size, ("100k", "1m")) == "100k":
        frame = _table("ml-100k", "u.user").frame
        frame.columns = ["user", "age", "gender", "occupation", "zip_code"]
    else:
        frame = _table("ml-1m", "users.dat").frame
        frame.columns = ["user", "gender", "age", "occupation", "zip_code"]
        words = {str(number): word for number, word in enumerate(_OCCUPATIONS_1M)}
        frame = frame.with_columns(pl.col("occupation").replace(words))
    typed = [as_ids(frame["user"]), as_plain(frame["age"]), frame["gender"], frame["occupation"], frame["zip_code"]]
    return pl.DataFrame(typed)


def load_movietweetings() -> Interactions:
    """MovieTweetings 100K: ratings of films from tweets, 0 to 10, with times; items are IMDb numbers, as strings."""
    table = _table("movietweetings-100k", "ratings.dat")
    return table_interactions(table, Columns(*table.frame.columns), scale=(0, 10))


def load_movietweetings_items() -> pl.DataFrame:
    """The films of MovieTweetings: item, title, year and genres, as in `load_movielens_items`."""
    return _films(_table("movietweetings-100k", "movies.dat").frame)


def load_lastfm() -> Interactions:
    """Last.fm: who listened to which artist; there are no ratings, and the weights are counts of plays."""
    return table_interactions(_table("lastfm-2k", "user_artists.dat"), Columns("userID", "artistID", weight="weight"))


def load_lastfm_items() -> pl.DataFrame:
    """The artists of Last.fm: item, title (the name) and tags, a list with the most frequent first."""
    artists = _table("lastfm-2k", "artists.dat").frame
    words = _table("lastfm-2k", "tags.dat").frame.select("tagID", tag="tagValue")
    tags = (
        _table("lastfm-2k", "user_taggedartists.dat")
        .frame.join(words, on="tagID")
        .group_by("artistID", "tag")
        .len("uses")
        .sort("uses", "tag", descending=[True, False])
        .group_by("artistID", maintain_order=True)
        .agg(tags="tag")
    )
    joined = artists.join(tags, left_on="id", right_on="artistID", how="left", maintain_order="left")
    titles = joined["name"].str.strip_chars()
    return pl.DataFrame({"item": as_ids(joined["id"]), "title": titles, "tags": joined["tags"].fill_null([])})


def load_online_retail() -> Interactions:
    """Online Retail: one event a line of an invoice, with quantities as weights and times as datetimes.

    Cancelled invoices (their number begins with C), lines whose quantity is not positive and lines without a customer
    are left out, always: 397,924 of 541,909 lines remain. A customer may buy the same thing again, also on one invoice.
    """
    lines = _table("online-retail", "Online Retail.csv")
    kept = lines.frame.filter(
        pl.col("CustomerID").is_not_null(),
        ~pl.col("InvoiceNo").str.starts_with("C"),
        as_numbers(lines.frame["Quantity"]) > 0,
    )
    return Interactions.from_arrays(
        as_ids(kept["CustomerID"]),
        as_ids(kept["StockCode"]),
        times=as_times(kept["InvoiceDate"]),
        weights=as_numbers(kept["Quantity"]),
        duplicates="keep",
    )


def load_online_retail_items() -> pl.DataFrame:
    """The goods of Online Retail: item, title (the most frequent description) and price (the median, in pounds).

    Both come from sales, so that they are null for a thing that was never sold at a price.
    """
    frame = _table("online-retail", "Online Retail.csv").frame
    prices = as_numbers(frame["UnitPrice"])
    sold = frame.with_columns(prices.alias("price")).filter((as_numbers(frame["Quantity"]) > 0) & (prices > 0))
    titles = (
        sold.with_columns(title=pl.col("Description").str.strip_chars())
        .drop_nulls("title")
        .group_by("StockCode", "title", maintain_order=True)
        .len("uses")
        .sort("uses", descending=True, maintain_order=True)
        .unique("StockCode", keep="first", maintain_order=True)
    )
    medians = sold.group_by("StockCode").agg(pl.col("price").median())
    items = frame.select(pl.col("StockCode").unique(maintain_order=True))
    for found in (titles.drop("uses"), medians):
        items = items.join(found, on="StockCode", how="left", maintain_order="left")
    return items.select(item="StockCode", title="title", price="price")


def albums() -> pl.DataFrame:
    """Four listeners and five albums: user, item and rating (0 to 5), 16 rows; the table of the lecture.

    The lecture states eleven of the ratings. Bhavana's 5, 1 and 1 are worked out: together with `album_features` they
    give the lecture's regression to the digits it prints (4.05, 0.74 and -3.4, hence 0.724 for BTS). Cordelia's 5 for
    Zhou Shen and 4 for Sanam are chosen: she is said to like both.

    Examples
    --------
    >>> albums().pivot("item", index="user", values="rating")
    shape: (4, 6)
    ┌──────────┬────────┬─────────────┬──────┬───────────┬───────┐
    │ user     ┆ ommazh ┆ melt-banana ┆ bts  ┆ zhou-shen ┆ sanam │
    │ ---      ┆ ---    ┆ ---         ┆ ---  ┆ ---       ┆ ---   │
    │ str      ┆ i64    ┆ i64         ┆ i64  ┆ i64       ┆ i64   │
    ╞══════════╪════════╪═════════════╪══════╪═══════════╪═══════╡
    │ an       ┆ 5      ┆ 5           ┆ 0    ┆ 1         ┆ 1     │
    │ bhavana  ┆ 4      ┆ 5           ┆ null ┆ 1         ┆ 1     │
    │ cordelia ┆ null   ┆ 2           ┆ 4    ┆ 5         ┆ 4     │
    │ diego    ┆ 2      ┆ null        ┆ 5    ┆ null      ┆ 4     │
    └──────────┴────────┴─────────────┴──────┴───────────┴───────┘
    """
    rated = {
        "an": {"ommazh": 5, "melt-banana": 5, "bts": 0, "zhou-shen": 1, "sanam": 1},
        # Worked out: the last three.
        "bhavana": {"ommazh": 4, "melt-banana": 5, "zhou-shen": 1, "sanam": 1},
        # Chosen: the last two.
        "cordelia": {"melt-banana": 2, "bts": 4, "zhou-shen": 5, "sanam": 4},
        "diego": {"ommazh": 2, "bts": 5, "sanam": 4},
    }
    rows = [(user, item, rating) for user, ratings in rated.items() for item, rating in ratings.items()]
    return pl.DataFrame(rows, schema=["user", "item", "rating"], orient="row")


def album_features() -> pl.DataFrame:
    """How much of two styles each album of `albums` has: item, lo_fi_indie and slick_pop.

    The lecture states those of Ommazh and BTS. The other three are worked out, as the only values of two decimals near
    its description that give its regressions to the digits it prints: 7.7, -2.63 and -7.2 for An, 4.05, 0.74 and -3.4
    for Bhavana, and for Diego 1 for Melt-Banana and 5.46 for Zhou Shen.
    """
    features = {
        "ommazh": (0.80, 0.10),
        "melt-banana": (0.95, 0.01),  # worked out
        "bts": (0.05, 0.99),
        "zhou-shen": (0.02, 0.95),  # worked out
        "sanam": (0.20, 0.90),  # worked out
    }
    rows = [(item, *values) for item, values in features.items()]
    return pl.DataFrame(rows, schema=["item", "lo_fi_indie", "slick_pop"], orient="row")


_LOADERS: dict[str, tuple[Callable[[], Interactions], Callable[[], pl.DataFrame]]] = {
    "ml-100k": (lambda: load_movielens("100k"), lambda: load_movielens_items("100k")),
    "ml-1m": (lambda: load_movielens("1m"), lambda: load_movielens_items("1m")),
    "ml-latest-small": (lambda: load_movielens("latest-small"), lambda: load_movielens_items("latest-small")),
    "movietweetings-100k": (load_movietweetings, load_movietweetings_items),
    "lastfm-2k": (load_lastfm, load_lastfm_items),
    "online-retail": (load_online_retail, load_online_retail_items),
}


def _table(name: str, file: str) -> Table:
    return parse(read_member(archive(name), file))


def _movielens_file(size: str, file: str) -> Interactions:
    table = _table(f"ml-{size}", file)
    lowest = 0.5 if size == "latest-small" else 1
    return table_interactions(table, Columns(*table.frame.columns), scale=(lowest, 5))


def _films(frame: pl.DataFrame) -> pl.DataFrame:
    """A frame of number, title and genres between bars, with names and types."""
    ids, titles, genres = frame.get_columns()
    split = genres.fill_null("").replace("(no genres listed)", "").str.split("|")
    return pl.DataFrame(
        {
            "item": as_ids(ids),
            "title": titles,
            "year": titles.str.extract(_YEAR).cast(pl.Int64),
            "genres": split.list.eval(pl.element().filter(pl.element().str.len_bytes() > 0)),
        }
    )


def _checked_size(size: str, sizes: tuple[str, ...]) -> str:
    if size not in sizes:
        message = f"'size' must be one of {', '.join(map(repr, sizes))}, got {size!r}."
        raise InvalidParameterError(message)
    return size
