"""ml-100k cut at a moment, and what its films are about."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.files import archives, existing

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Timed:
    """Events before a moment, and those after it of users and items with any before; columns `user`, `item`, `time`."""

    before: dict[str, Array]
    after: dict[str, Array]
    at: int
    genres: tuple[tuple[str, ...], ...]


def ml_100k_by_time() -> Timed:
    """ml-100k, all ratings events: the last fifth by time, of all, is the test part."""
    return _timed(1.0)


def ml_100k_by_time_validation() -> Timed:
    """The training part of `ml_100k_by_time` alone, cut in the same way."""
    return _timed(0.8)


def _timed(share: float) -> Timed:
    """The first so many of the events by time, the last fifth of them held out."""
    with zipfile.ZipFile(existing(archives() / "ml-100k.zip")) as archive, archive.open("ml-100k/u.data") as lines:
        users, items, _, times = np.loadtxt(lines, np.int64, delimiter="\t", unpack=True)
    order = np.lexsort((items, users, times))
    users, items, times = (column[order][: int(share * times.size)] for column in (users - 1, items - 1, times))
    at = int(times[int(0.8 * times.size)])
    early = times < at
    late = ~early & np.isin(users, users[early]) & np.isin(items, items[early])
    parts = ({"user": users[part], "item": items[part], "time": times[part]} for part in (early, late))
    return Timed(*parts, at, film_genres())


def film_genres() -> tuple[tuple[str, ...], ...]:
    """Of each film of ml-100k."""
    with zipfile.ZipFile(existing(archives() / "ml-100k.zip")) as archive:
        films = [line.split("|") for line in archive.read("ml-100k/u.item").decode("latin-1").splitlines()]
        names = [line.split("|")[0] for line in archive.read("ml-100k/u.genre").decode("latin-1").split()]
    return tuple(tuple(name for name, has in zip(names, film[5:], strict=True) if has == "1") for film in films)
