"""The known sets: what they are, and where their archives are found."""

from __future__ import annotations

import hashlib
import os
from contextlib import closing, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foretaste.exceptions import DatasetNotFoundError, InvalidParameterError

FOLDER_VARIABLE = "FORETASTE_DATA"

_CHUNK_BYTES = 1 << 16


@dataclass(frozen=True)
class KnownSet:
    """What is to be known about a set before it is read.

    Attributes
    ----------
    name : str
        What `load` and the command line call it.
    title : str
    file : str
        Name of the archive.
    licence : str
        The publisher's terms in one line.
    page : str
        Where the publisher describes it and gives it out.
    url, md5 : str or None
        The archive itself and its checksum as the publisher states it; only sets with both are downloaded.
    by_hand : str
        What to do where they are not: how the archive is made from what the page offers.
    """

    name: str
    title: str
    file: str
    licence: str
    page: str
    url: str | None = None
    md5: str | None = None
    by_hand: str = "download it"


_GROUPLENS_TERMS = "for research; no redistribution or commercial use without permission; cite the publisher's paper"

KNOWN = {
    known.name: known
    for known in (
        KnownSet(
            "ml-100k",
            "MovieLens 100K: 100,000 ratings of films, 1 to 5, 1997-98",
            "ml-100k.zip",
            _GROUPLENS_TERMS,
            "https://grouplens.org/datasets/movielens/100k/",
            "https://files.grouplens.org/datasets/movielens/ml-100k.zip",
            "0e33842e24a9c977be4e0107933c0723",
        ),
        KnownSet(
            "ml-1m",
            "MovieLens 1M: 1,000,209 ratings of films, 1 to 5, 2000-03",
            "ml-1m.zip",
            _GROUPLENS_TERMS,
            "https://grouplens.org/datasets/movielens/1m/",
            "https://files.grouplens.org/datasets/movielens/ml-1m.zip",
            "c4d9eecfca2ab87c1945afe126590906",
        ),
        KnownSet(
            "ml-latest-small",
            "MovieLens latest-small: 100,836 ratings of films, 0.5 to 5, 1996-2018",
            "ml-latest-small.zip",
            _GROUPLENS_TERMS,
            "https://grouplens.org/datasets/movielens/latest/",
        ),
        KnownSet(
            "movietweetings-100k",
            "MovieTweetings 100K: 100,000 ratings of films from tweets, 0 to 10",
            "movietweetings-100k.zip",
            "MIT; cite the publisher's paper",
            "https://github.com/sidooms/MovieTweetings",
            by_hand="download the files of snapshots/100K and zip them",
        ),
        KnownSet(
            "lastfm-2k",
            "Last.fm listening (HetRec 2011): 92,834 counts of plays by 1,892 listeners",
            "hetrec2011-lastfm-2k.zip",
            "for research, no commercial use; cite Last.fm and the HetRec 2011 workshop",
            "https://grouplens.org/datasets/hetrec-2011/",
        ),
        KnownSet(
            "online-retail",
            "Online Retail: 541,909 lines of invoices of a British gift shop, 2010-11",
            "online-retail.zip",
            "CC BY 4.0; cite the publisher's page",
            "https://archive.ics.uci.edu/dataset/352/online+retail",
            by_hand="download it, save the sheet as 'Online Retail.csv', times like 2010-12-01 08:26:00, and zip that",
        ),
    )
}


def known_set(name: str) -> KnownSet:
    """A known set by its name.

    Raises
    ------
    InvalidParameterError
        There is none of that name.
    """
    if name not in KNOWN:
        message = f"'name' of a known set must be one of {', '.join(map(repr, KNOWN))}, got {name!r}."
        raise InvalidParameterError(message)
    return KNOWN[name]


def archive(name: str) -> Path:
    """Where the archive of a known set lies on this machine, fetched first if need be.

    The folder in the environment variable FORETASTE_DATA comes first (what lies there is taken as it is, without a look
    at its checksum), then the user's cache, then the publisher.

    Raises
    ------
    DatasetNotFoundError
        It is in none of these places.
    """
    known = known_set(name)
    tried = [f"the folder in {FOLDER_VARIABLE} (not set)"]
    if folder := os.environ.get(FOLDER_VARIABLE):
        path = Path(folder) / known.file
        if path.is_file():
            return path
        tried = [f"the folder in {FOLDER_VARIABLE} ({folder})"]
    import pooch  # noqa: PLC0415  most calls end above, and `import foretaste` stays light

    cache = Path(pooch.os_cache("foretaste"))
    path = cache / known.file
    if path.is_file() and _is_whole(path, known.md5):
        return path
    tried.append(f"the cache ({cache})")
    if known.url and known.md5:
        try:
            return _download(known, cache)
        except (OSError, ValueError) as error:  # no network, no permission, or the wrong checksum
            if getattr(error, "response", None) is not None:
                error.response.close()  # type: ignore[union-attr]  # requests' errors hold the open connection
            tried.append(f"{known.url} ({_reason(error)})")
            raise _not_found(known, tried) from error
    raise _not_found(known, tried)


def _is_whole(path: Path, md5: str | None) -> bool:
    return md5 is None or hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest() == md5


def _download(known: KnownSet, cache: Path) -> Path:
    import pooch  # noqa: PLC0415  see above
    from rich.console import Console  # noqa: PLC0415  see above

    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel("ERROR")  # a library does not talk; the bar says enough, and only on a terminal
    console = Console(stderr=True)
    try:
        with closing(_Bar(known.file, console)) if console.is_terminal else nullcontext() as bar:
            downloader = pooch.HTTPDownloader(bar or False, _CHUNK_BYTES, headers={"Connection": "close"})
            return Path(pooch.retrieve(known.url, f"md5:{known.md5}", known.file, cache, downloader=downloader))
    finally:
        logger.setLevel(level)


class _Bar:
    """A progress bar with the four methods that pooch knows from tqdm."""

    def __init__(self, label: str, console: Any) -> None:  # noqa: ANN401  rich's, imported late
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn  # noqa: PLC0415

        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        self._progress = Progress(*columns, console=console, transient=True)
        self._task = self._progress.add_task(label, total=None)

    @property
    def total(self) -> float | None:
        return self._progress.tasks[0].total

    @total.setter
    def total(self, size: float) -> None:
        self._progress.start()
        self._progress.update(self._task, total=size or None)

    def update(self, size: float) -> None:
        self._progress.update(self._task, advance=size)

    def reset(self) -> None:
        self._progress.update(self._task, completed=0)

    def close(self) -> None:
        self._progress.stop()


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"no connection or no such file: {type(error).__name__}"
    return "what came has the wrong checksum, and was thrown away"


def _not_found(known: KnownSet, tried: list[str]) -> DatasetNotFoundError:
    offer = "" if known.url else f" {known.name} is not downloaded by itself, since no checksum of it is known."
    message = (
        f"{known.name} was not found; tried {', '.join(tried)}.{offer} "
        f"Hint: {known.by_hand} as {known.file} (from {known.page}), and set {FOLDER_VARIABLE} to its folder."
    )
    return DatasetNotFoundError(message)
