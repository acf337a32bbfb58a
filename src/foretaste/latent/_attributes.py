"""Attributes of a model's items as a table of numbers, a column an attribute."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from foretaste._typing import Codes, Float64, Frame
from foretaste.data.features import Features, ItemFeatures, as_features
from foretaste.exceptions import DataError
from foretaste.models import Recommender

POPULARITY = "popularity"


@dataclass(frozen=True, eq=False)
class Attributes:
    """What is known of the described items.

    Attributes
    ----------
    codes : int32 array of shape (n_described,)
        The items, by their codes in the model.
    names : tuple of str
        As `ItemFeatures` has them: "year", "genres=Comedy".
    words : tuple of str
        The same as a reader says it: "year", "Comedy".
    binary : bool array of shape (n_attributes,)
        Whether an item has it or not, rather than how much.
    values : float64 array of shape (n_described, n_attributes)
        1 and 0, or numbers in standard deviations from their mean; NaN where a number is missing.
    """

    codes: Codes
    names: tuple[str, ...]
    words: tuple[str, ...]
    binary: np.ndarray[tuple[int], np.dtype[np.bool_]]
    values: Float64

    @classmethod
    def of(cls, model: Recommender, given: ItemFeatures | Frame, min_items: int, *, popularity: bool) -> Attributes:
        """Attributes of the items that a model knows; those that would tell nothing are left out.

        Parameters
        ----------
        model : fitted model
        given : ItemFeatures or frame with a column item
        min_items : int
            Fewest items that have an attribute, and that lack it.
        popularity : bool
            Whether to add the logarithm of one plus the number of users the model met with an item.

        Raises
        ------
        DataError
            No item of the model is described, or no attribute is left.
        """
        features = as_features(given, ItemFeatures)
        rows = features.ids.encode(model.item_vocabulary_.ids)
        codes = np.flatnonzero(rows >= 0).astype(np.int32)
        if not codes.size:
            message = (
                f"axes found none of the {len(rows)} items of the model among the {len(features)} described. Hint: ids "
                f"have to be of one kind; the model knows {model.item_vocabulary_.kind} ids, these are "
                f"{features.ids.kind}."
            )
            raise DataError(message)
        names, binary, values = _table(features, rows[codes], min_items)
        if popularity and POPULARITY not in names:
            counts = np.bincount(model.known_.indices, minlength=len(rows))[codes]
            names, binary = [*names, POPULARITY], [*binary, False]
            values = np.column_stack((values, np.log1p(counts)))
        kept = [place for place, column in enumerate(values.T) if _tells(column, binary[place], min_items)]
        if not kept:
            message = (
                f"axes has no attribute to look for: each belongs to fewer than {min_items} of the {codes.size} "
                f"items described, or to nearly all. Hint: lower min_items, or describe more items."
            )
            raise DataError(message)
        chosen = np.asarray(binary, np.bool_)[kept]
        values = values[:, kept]
        centred = values - np.nanmean(values, axis=0)
        values = np.where(chosen, values, centred / np.nanstd(values, axis=0))
        given_names = tuple(names[place] for place in kept)
        return cls(codes, given_names, _words(given_names), chosen, values)


def _table(features: Features, rows: Codes, min_items: int) -> tuple[list[str], list[bool], Float64]:
    """Names, whether each is yes or no, and a column of values each; a missing number is NaN."""
    taken = features.rows.taken(rows)
    all_names, kinds = features.names, features.kinds  # each is made when it is asked for
    # Thousands of tags that a few items have are gone before there is a dense table.
    kept = np.flatnonzero(np.bincount(taken.indices, minlength=len(all_names)) >= min_items)
    place_of = np.full(len(all_names), -1)
    place_of[kept] = np.arange(kept.size)
    owners, places = np.repeat(np.arange(rows.size), np.diff(taken.indptr)), place_of[taken.indices]
    values = np.full((rows.size, kept.size), np.nan)
    values[owners[places >= 0], places[places >= 0]] = taken.values[places >= 0]
    binary = []
    for kind, column in zip((kinds[place] for place in kept), values.T, strict=True):
        if kind in ("category", "tags"):
            column[:] = ~np.isnan(column)
            binary.append(True)
            continue
        if kind == "text":
            np.nan_to_num(column, copy=False)
        levels = np.unique(column)
        yes_or_no = levels.size == 2 and not np.isnan(levels).any()  # noqa: PLR2004  or any other pair of numbers
        if yes_or_no:
            column[:] = column == levels[1]
        binary.append(yes_or_no)
    return [all_names[place] for place in kept], binary, values


def _tells(column: Float64, binary: bool, min_items: int) -> bool:  # noqa: FBT001  called in one place
    known = column[~np.isnan(column)]
    if binary:
        return bool(min_items <= known.sum() <= known.size - min_items)
    return bool(known.size >= 2 * min_items and np.ptp(known) > 0)


def _words(names: tuple[str, ...]) -> tuple[str, ...]:
    """Values without their columns, wherever that is clear."""
    short = [name.partition("=")[2] or name for name in names]
    times = Counter(short)
    return tuple(brief if times[brief] == 1 else name for name, brief in zip(names, short, strict=True))
