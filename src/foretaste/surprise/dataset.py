"""`Dataset`: raw ratings from a file, a frame or a known set."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, repeat
from pathlib import Path
from typing import Any

import narwhals.stable.v2 as nw

from foretaste._typing import Frame, Id
from foretaste.surprise.builtin_datasets import BUILTIN_DATASETS, download_builtin_dataset
from foretaste.surprise.reader import Reader
from foretaste.surprise.trainset import Trainset

RawRating = tuple[Id, Id, float, Any]

_YES = ("yes", "y", "", "omg this is so nice of you!!")
_NO = ("no", "n", "hell no why would i want that?!")
_N_COLUMNS = 3


class Dataset:
    """Raw ratings; made by one of the `load_` methods.

    Examples
    --------
    >>> import foretaste as ft
    >>> from foretaste.surprise import Dataset, Reader
    >>> data = Dataset.load_from_df(ft.datasets.albums(), Reader(rating_scale=(0, 5)))
    >>> data.build_full_trainset().n_ratings
    16
    """

    def __init__(self, reader: Reader | None) -> None:
        self.reader: Any = reader

    # Loading --------------------------------------------------------------------------------------------------------

    @classmethod
    def load_builtin(cls, name: str = "ml-100k", prompt: bool = True) -> DatasetAutoFolds:
        """A set known by name, from the folder of `get_dataset_dir`; downloaded first where it is not there.

        Parameters
        ----------
        name : {"ml-100k", "ml-1m", "jester"}
        prompt : bool
            Ask before downloading.

        Raises
        ------
        ValueError
            There is none of that name.
        SystemExit
            The answer was no.
        """
        if name not in BUILTIN_DATASETS:
            message = f"unknown dataset {name!r}; there are {', '.join(BUILTIN_DATASETS)}."
            raise ValueError(message)
        known = BUILTIN_DATASETS[name]
        if not Path(known.path).is_file():
            if prompt:
                _ask(name)
            download_builtin_dataset(name)
        return cls.load_from_file(known.path, Reader(**known.reader_params))

    @classmethod
    def load_from_file(cls, file_path: str | os.PathLike[str], reader: Reader) -> DatasetAutoFolds:
        """All ratings of a file, a line each."""
        return DatasetAutoFolds(ratings_file=file_path, reader=reader)

    @classmethod
    def load_from_folds(cls, folds_files: Iterable[tuple[str, str]], reader: Reader) -> DatasetUserFolds:
        """Folds made beforehand: pairs of a file to learn from and a file to test on."""
        return DatasetUserFolds(folds_files=folds_files, reader=reader)

    @classmethod
    def load_from_df(cls, df: Frame, reader: Reader) -> DatasetAutoFolds:
        """The rows of a frame (polars, pandas, pyarrow, ...) of three columns: user, item, rating, in this order.

        Of `reader` only the rating scale matters.
        """
        return DatasetAutoFolds(reader=reader, df=df)

    # For the iterators over folds -----------------------------------------------------------------------------------

    def read_ratings(self, file_name: str | os.PathLike[str]) -> list[RawRating]:
        """The ratings of a file as (user, item, rating, timestamp)."""
        with open(os.path.expanduser(file_name)) as file:  # noqa: PTH123, PTH111  in the encoding of the place
            return list(map(self.reader.parse_line, islice(file, self.reader.skip_lines, None)))

    def construct_trainset(self, raw_trainset: Sequence[RawRating]) -> Trainset:
        """A Trainset of some raw ratings."""
        return Trainset.from_columns(
            (user for user, _, _, _ in raw_trainset),
            (item for _, item, _, _ in raw_trainset),
            (rating for _, _, rating, _ in raw_trainset),
            self.reader.rating_scale,
        )

    def construct_testset(self, raw_testset: Iterable[RawRating]) -> list[tuple[Id, Id, float]]:
        """Some raw ratings as an algorithm's `test` takes them."""
        return [(user, item, rating) for user, item, rating, _ in raw_testset]


class DatasetUserFolds(Dataset):
    """Ratings whose folds are predefined by files.

    Raises
    ------
    ValueError
        A file is not there.
    """

    def __init__(self, folds_files: Iterable[tuple[str, str]] = (), reader: Reader | None = None) -> None:
        super().__init__(reader)
        self.folds_files = list(folds_files)
        for file in (file for fold in self.folds_files for file in fold):
            if not os.path.isfile(os.path.expanduser(file)):  # noqa: PTH111, PTH113  as `read_ratings` finds it
                message = f"File {file} does not exist."
                raise ValueError(message)


class DatasetAutoFolds(Dataset):
    """Ratings without folds, or whose folds are made at random.

    Attributes
    ----------
    raw_ratings : list of (user, item, rating, timestamp)
        May be assigned to.

    Raises
    ------
    ValueError
        Neither a file nor a frame is given, or the frame has not three columns.
    """

    def __init__(
        self,
        ratings_file: str | os.PathLike[str] | None = None,
        reader: Reader | None = None,
        df: Frame | None = None,
    ) -> None:
        super().__init__(reader)
        self.has_been_split = False
        self.raw_ratings: list[RawRating]
        if ratings_file is not None:
            self.ratings_file = ratings_file
            self.raw_ratings = self.read_ratings(ratings_file)
        elif df is not None:
            self.df = df
            users, items, ratings = _three_columns(df)
            self.raw_ratings = list(zip(users, items, map(float, ratings), repeat(None)))
        else:
            message = "a dataset is made from a file or a frame, and neither was given."
            raise ValueError(message)

    def build_full_trainset(self) -> Trainset:
        """All ratings to learn from, none kept back."""
        return self.construct_trainset(self.raw_ratings)


def _three_columns(frame: Frame) -> Iterator[list[Any]]:
    """The columns of a frame as plain Python objects, one after the other, so that only one stands in full."""
    if hasattr(frame, "iloc"):  # pandas, whose columns may share a name or have a number for one
        n_columns = frame.shape[1]
        columns = (frame.iloc[:, place].tolist() for place in range(n_columns))
    else:
        whole = nw.from_native(frame)
        whole = whole.collect() if isinstance(whole, nw.LazyFrame) else whole
        n_columns = whole.shape[1]
        columns = (column.to_list() for column in whole.iter_columns())
    if n_columns != _N_COLUMNS:
        message = (
            f"the frame must have three columns, user, item and rating in this order, and has {n_columns}. "
            f"Hint: choose them first, as in frame[['user', 'item', 'rating']]."
        )
        raise ValueError(message)
    return map(_shared, columns)


def _shared(values: list[Any]) -> list[Any]:
    """The same values, equal ones of one type as one object: a million ratings have far fewer users and items."""
    kept: dict[Any, Any] = {}
    # zero stays as it came, since 0.0 equals -0.0
    return [kept.setdefault((type(value), value), value) if value else value for value in values]


def _ask(name: str) -> None:
    """Ask until the answer is yes; leave the program if it is no."""
    while True:
        print(f"Dataset {name} could not be found. Do you want to download it? [Y/n] ", end="")
        answer = input().lower()
        if answer in _YES:
            return
        if answer in _NO:
            print("Ok then, I'm out!")
            sys.exit()
