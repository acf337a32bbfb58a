"""A fitted model as arrays and JSON, and back: what a model file holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from foretaste import persistence
from foretaste.data.frames import frame_column, frame_columns, is_frame
from foretaste.data.interactions import SparseRows
from foretaste.data.vocabulary import Vocabulary
from foretaste.exceptions import DataError, ModelFileError

if TYPE_CHECKING:
    from foretaste.models._base import Recommender

# Learned attributes are written by their kind; the name of an array in the file is "attribute/part".
_ROWS = "known_"


def save(model: Recommender, path: str | Path) -> None:
    """Write parameters, ids and learned attributes of a fitted model."""
    header: dict[str, Any] = {"model": type(model).__name__, "parameters": {}, "learned": {}}
    arrays: persistence.Arrays = {}
    for name, value in model.get_params(deep=False).items():
        if is_frame(value):
            arrays |= {f"parameters/{name}/{part}": array for part, array in _frame_arrays(value).items()}
        elif isinstance(value, np.generic):
            header["parameters"][name] = value.item()
        else:
            # a random generator has no value to write: the saved model draws anew, as with None
            header["parameters"][name] = value if isinstance(value, (int, float, str, type(None))) else None
    for name, value in vars(model).items():
        if not name.endswith("_"):
            continue
        if isinstance(value, (Vocabulary, SparseRows, dict)):
            arrays |= {f"{name}/{part}": array for part, array in _parts(value).items()}
        elif isinstance(value, np.ndarray):
            arrays[name] = value
        else:
            header["learned"][name] = value
    persistence.write(path, header, arrays)


def load(path: str | Path, classes: dict[str, type[Recommender]]) -> Recommender:
    """The model a file holds; `classes` are those it may be of."""
    header, arrays = persistence.read(path)
    try:
        model_class = classes[header["model"]]
        parts = _by_name(arrays)
        parameters = header["parameters"] | {name: _frame(value) for name, value in parts.pop("parameters", {}).items()}
        model = model_class(**parameters)
        learned = {
            name: tuple(value) if isinstance(value, list) else value for name, value in header["learned"].items()
        }
        for name, value in parts.items():
            learned[name] = _whole(name, value) if isinstance(value, dict) else value
        _check(learned)
    except (KeyError, TypeError, ValueError, AttributeError, DataError) as error:
        message = f"'{path}' does not hold a whole foretaste model ({type(error).__name__}: {error})."
        raise ModelFileError(message) from error
    model.__dict__.update(learned)
    return model


def _parts(value: Vocabulary | SparseRows | dict[str, Any]) -> persistence.Arrays:
    if isinstance(value, Vocabulary):
        return value.to_arrays()
    return value._asdict() if isinstance(value, SparseRows) else value


def _whole(name: str, parts: persistence.Arrays) -> Any:  # noqa: ANN401
    if name.endswith("vocabulary_"):
        return Vocabulary.from_arrays(parts)
    return SparseRows(**parts) if name == _ROWS else parts


def _by_name(arrays: persistence.Arrays) -> dict[str, Any]:
    """Arrays with names like "a/b/c" as nested dictionaries."""
    nested: dict[str, Any] = {}
    for path, array in arrays.items():
        *folders, last = path.split("/")
        place = nested
        for folder in folders:
            place = place.setdefault(folder, {})
        place[last] = array
    return nested


def _frame_arrays(frame: Any) -> persistence.Arrays:  # noqa: ANN401
    """A frame as arrays: each column by its place, numbers as they are and anything else as ids."""
    arrays: persistence.Arrays = {"names/json": Vocabulary(frame_columns(frame)).to_arrays()["json"]}
    for place, name in enumerate(frame_columns(frame)):
        column = frame_column(frame, name)
        if column.dtype.is_float():
            arrays[f"{place}/float"] = column.to_numpy()
        else:
            arrays |= {f"{place}/{part}": array for part, array in Vocabulary(column).to_arrays().items()}
    return arrays


def _frame(parts: dict[str, Any]) -> pl.DataFrame:
    names = list(Vocabulary.from_arrays(parts.pop("names")))
    columns = {names[int(place)]: part for place, part in parts.items()}
    return pl.DataFrame(
        {
            name: columns[name].get("float", None)
            if "float" in columns[name]
            else Vocabulary.from_arrays(columns[name]).ids
            for name in names
        }
    )


def _check(learned: dict[str, Any]) -> None:
    """A file may come from other hands: arrays that do not fit each other must not reach a kernel."""
    sizes = {side: len(learned[f"{side}_vocabulary_"]) for side in ("user", "item")}
    for name, value in learned.items():
        side = name.partition("_")[0]
        if isinstance(value, np.ndarray) and side in sizes and len(value) != sizes[side]:
            message = f"{name} has {len(value)} rows for {sizes[side]} {side}s"
            raise ValueError(message)
    indptr, indices, values = learned[_ROWS]
    fits = (
        indptr.dtype == np.int64
        and indices.dtype == np.int32
        and indptr.shape == (sizes["user"] + 1,)
        and indptr[0] == 0
        and indptr[-1] == indices.size == values.size
        and (np.diff(indptr) >= 0).all()
        and (not indices.size or (indices.min() >= 0 and indices.max() < sizes["item"]))
    )
    if not fits:
        message = "the rows of known ratings do not fit the ids"
        raise ValueError(message)
