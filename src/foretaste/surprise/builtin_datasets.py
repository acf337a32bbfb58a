"""The data sets that Surprise knows by name: where they come from, where they lie, how they are read."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import urlopen
from zipfile import BadZipFile, ZipFile

_FOLDER_VARIABLE = "SURPRISE_DATA_FOLDER"
_MOVIELENS = "https://files.grouplens.org/datasets/movielens"


class BuiltinDataset(NamedTuple):
    """A known data set: its archive, the file of ratings once unpacked, and what `Reader` takes to read it."""

    url: str
    path: str
    reader_params: Mapping[str, Any]


def get_dataset_dir() -> str:
    """The folder for data sets: that in the environment variable SURPRISE_DATA_FOLDER, else ~/.surprise_data/.

    It is made if it is not there.
    """
    folder = _folder()
    Path(folder).mkdir(parents=True, exist_ok=True)
    return folder


def _folder() -> str:
    return os.environ.get(_FOLDER_VARIABLE, os.path.expanduser("~") + "/.surprise_data/")  # noqa: PTH111  programs compare this text


def _known(url: str, file: str, **reader_params: Any) -> BuiltinDataset:  # noqa: ANN401  what Reader takes
    return BuiltinDataset(url, os.path.join(_folder(), file), reader_params)  # noqa: PTH118  a text, as the folder is


BUILTIN_DATASETS = {
    "ml-100k": _known(
        f"{_MOVIELENS}/ml-100k.zip",
        "ml-100k/ml-100k/u.data",
        line_format="user item rating timestamp",
        rating_scale=(1, 5),
        sep="\t",
    ),
    "ml-1m": _known(
        f"{_MOVIELENS}/ml-1m.zip",
        "ml-1m/ml-1m/ratings.dat",
        line_format="user item rating timestamp",
        rating_scale=(1, 5),
        sep="::",
    ),
    "jester": _known(
        "https://eigentaste.berkeley.edu/dataset/archive/jester_dataset_2.zip",
        "jester/jester_ratings.dat",
        line_format="user item rating",
        rating_scale=(-10, 10),
    ),
}


def download_builtin_dataset(name: str) -> None:
    """Download a known set and unpack it into its folder, which appears only when it is whole.

    Raises
    ------
    OSError
        There is no connection, what came is no archive, or the folder cannot be written to.
    """
    known = BUILTIN_DATASETS[name]
    folder = Path(get_dataset_dir())
    target = folder / name
    print(f"Trying to download dataset from {known.url}...")
    with tempfile.TemporaryDirectory(prefix=name, suffix=".part", dir=folder) as part:
        archive, unpacked = Path(part, "archive.zip"), Path(part, name)
        with urlopen(known.url) as source, archive.open("wb") as file:  # noqa: S310  one of the addresses above
            shutil.copyfileobj(source, file)
        try:
            with ZipFile(archive) as whole:
                whole.extractall(unpacked)
        except BadZipFile as error:
            message = f"what came from {known.url} is no zip archive. Hint: unpack {name} into {target} by hand."
            raise OSError(message) from error
        shutil.rmtree(target, ignore_errors=True)  # left half-empty by somebody, or the file would not be missed
        unpacked.replace(target)
    print("Done! Dataset", name, "has been saved to", os.path.join(folder, name))  # noqa: PTH118  as the folder is written
