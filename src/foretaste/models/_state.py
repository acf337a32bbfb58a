"""A fitted model as arrays and JSON, and back: what a model file holds."""

from __future__ import annotations

import math
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import numpy as np
import polars as pl

from foretaste import persistence
from foretaste._typing import Codes, Float32, Float64, Into, Learned
from foretaste.data.features import Features, features_from_arrays
from foretaste.data.frames import frame_column, frame_columns, is_frame
from foretaste.data.interactions import Interactions, SparseRows
from foretaste.data.vocabulary import Vocabulary
from foretaste.exceptions import ModelFileError

if TYPE_CHECKING:
    from foretaste.models._base import Recommender

Model = TypeVar("Model", bound="Recommender")

_DTYPES: dict[Any, Any] = {Float32: np.float32, Float64: np.float64, Codes: np.int32}
_KINDS = ("polars", "pandas", "pyarrow", "modin", "cudf")


def save(model: Recommender, path: str | Path) -> None:
    """Write parameters, ids and learned attributes of a fitted model."""
    header: dict[str, Any] = {"model": type(model).__name__, "parameters": {}, "learned": {}}
    arrays: persistence.Arrays = {}
    for name, value in model.get_params(deep=False).items():
        if is_frame(value):
            arrays |= {f"parameters/{name}/{part}": array for part, array in _frame_arrays(value).items()}
        elif isinstance(value, Features):
            arrays |= {f"parameters/{name}/{part}": array for part, array in value.to_arrays().items()}
        elif isinstance(value, np.generic):
            header["parameters"][name] = value.item()
        else:
            # a random generator has no value to write: the saved model draws anew, as with None
            header["parameters"][name] = (
                value if isinstance(value, (int, float, str, tuple, list, type(None))) else None
            )
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
    """The model a file holds; `classes` are those it may be of.

    A file may come from other hands, and compiled kernels check nothing. So it has to hold exactly the learned
    attributes that the class declares by its annotations, of those types, finite, and of sizes that fit each other.
    ``Annotated[Float32, "users", "factors"]`` is an array with an axis of that name for each dimension; axes of one
    name are of one length in all of a model, "users" and "items" as long as its vocabularies. `SparseRows` and a
    `Vocabulary` are annotated in the same way, ``Float32 | SparseRows`` is either, and
    ``Annotated[Codes, "users", Into("groups")]`` holds positions along the axis "groups".

    Raises
    ------
    ModelFileError
        It does not.
    """
    header, arrays = persistence.read(path)
    try:
        model_class = classes[header["model"]]
        parts = _by_name(arrays)
        # JSON knows no tuple
        parameters = {
            k: tuple(value) if isinstance(value, list) else value for k, value in header["parameters"].items()
        }
        parameters |= {
            name: features_from_arrays(value) if "features" in value else _frame(value)
            for name, value in parts.pop("parameters", {}).items()
        }
        model = model_class(**parameters)
        model.check_parameters()
        declared = _declared(model_class)
        _check_names([*header["learned"], *parts], declared)
        given = header["learned"] | parts
        learned = {name: _whole(given[name], _plain(hint)) for name, hint in declared.items()}
        _check(learned, model_class)
    except Exception as error:  # whatever goes wrong in here is a fault of the file
        reason = str(error).partition("\n")[0]
        message = f"'{path}' does not hold a whole foretaste model ({type(error).__name__}: {reason})."
        raise ModelFileError(message) from error
    model.__dict__.update(learned)
    return model


def assemble(model: Model, interactions: Interactions, learned: Learned) -> Model:
    """`model` as if `fit` had learned this from these interactions; held to what `load` holds a file to.

    Raises
    ------
    DataError
        A pair occurs more than once, and the model needs pairs to be unique.
    ValueError
        The attributes are not those that the class declares, or do not fit each other.
    """
    model.check_parameters()
    if model._unique_pairs:  # noqa: SLF001  the class's own word for it, as `fit` takes it
        interactions.require_unique_pairs(type(model).__name__)
    whole: Learned = {
        "user_vocabulary_": interactions.users,
        "item_vocabulary_": interactions.items,
        "scale_": interactions.scale,
        "kind_": interactions.kind,
        "known_": interactions.by_user(),
        "curve_": {name: np.empty(0) for name in _curve(type(model))},
        **learned,
    }
    _check_names([*whole], _declared(type(model)))
    _check(whole, type(model))
    model.__dict__.update(whole)
    return model


def _declared(model_class: type[Recommender]) -> dict[str, Any]:
    """The learned attributes of a class, with their types."""
    hints = get_type_hints(model_class, include_extras=True)
    return {name: hint for name, hint in hints.items() if name.endswith("_")}


def _curve(model_class: type[Recommender]) -> set[str]:
    """The columns of a learning curve."""
    measured = (f"{part}_{model_class.measure}" for part in ("train", "valid"))
    return {"epoch", "seconds", *measured, *model_class._more_columns}  # noqa: SLF001  as above


def _whole(value: Any, hint: Any) -> Any:  # noqa: ANN401  of the type that the hint names
    """A learned attribute of the parts it has in a file."""
    if isinstance(hint, UnionType):  # one of two forms, the sparse one in parts
        hint = SparseRows if isinstance(value, dict) else get_args(hint)[0]
    if hint is Vocabulary:
        return Vocabulary.from_arrays(value)
    if hint is SparseRows:
        return SparseRows(**value)
    return tuple(value) if get_origin(hint) is tuple else value


def _check(learned: Learned, model_class: type[Recommender]) -> None:
    """Raise unless learned attributes are what their class declares."""
    declared, columns = _declared(model_class), _curve(model_class)
    for name, hint in declared.items():
        if not _fits(learned[name], _plain(hint), columns):
            message = f"{name} is not what it should be"
            raise ValueError(message)
    _check_axes(learned, {name: hint.__metadata__ for name, hint in declared.items() if _plain(hint) is not hint})


def _fits(value: Any, hint: Any, columns: set[str]) -> bool:  # noqa: ANN401  as above
    """Whether a learned attribute is of its declared type; `columns` are those of a learning curve."""
    if isinstance(hint, UnionType):
        hint = SparseRows if isinstance(value, SparseRows) else get_args(hint)[0]
    if hint is Vocabulary:
        fits = len(dict.fromkeys(value)) == len(value)
    elif hint is SparseRows:
        fits = [part.dtype for part in value] == [np.int64, np.int32, np.float32] and _is_sparse(value)
    elif hint in _DTYPES:
        fits = value.dtype == _DTYPES[hint] and bool(np.isfinite(value).all())
    elif hint == dict[str, Float64]:
        fits = value.keys() == columns and len({part.shape for part in value.values()}) == 1
        fits = fits and all(part.dtype == np.float64 and part.ndim == 1 for part in value.values())
    elif get_origin(hint) is Literal:
        fits = isinstance(value, str) and value in get_args(hint)
    elif get_origin(hint) is tuple:
        kinds = get_args(hint)
        fits = all(isinstance(each, kinds[0]) for each in value) and (kinds[-1] is ... or len(value) == len(kinds))
    else:
        fits = type(value) is hint and value == value and value not in (math.inf, -math.inf)  # noqa: PLR0124  NaN
    return fits


def _parts(value: Vocabulary | SparseRows | dict[str, Any]) -> persistence.Arrays:
    if isinstance(value, Vocabulary):
        return value.to_arrays()
    return value._asdict() if isinstance(value, SparseRows) else value


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
    """A frame as arrays: each column by its place, numbers as they are and anything else as ids.

    A column of lists is the lists one after another, and their lengths; where something is missing, the rest, and
    where it stands.
    """
    arrays: persistence.Arrays = {"names/json": Vocabulary(frame_columns(frame)).to_arrays()["json"]}
    for place, name in enumerate(frame_columns(frame)):
        column = frame_column(frame, name)
        if column.dtype == pl.Object and any(isinstance(value, list) for value in column):
            column = pl.Series(name, [None if value is None else list(value) for value in column])
        if column.dtype.is_float():
            arrays[f"{place}/float"] = column.fill_null(math.nan).to_numpy()
            continue
        if column.null_count():
            arrays[f"{place}/there"] = column.is_not_null().to_numpy().astype(np.uint8)
            column = column.drop_nulls()
        if isinstance(column.dtype, pl.List):
            arrays[f"{place}/lengths"] = column.list.len().to_numpy().astype(np.int64)
            column = column.filter(column.list.len() > 0).explode()
        arrays |= {f"{place}/{part}": array for part, array in Vocabulary(column).to_arrays().items()}
    return arrays


def _frame(parts: dict[str, Any]) -> pl.DataFrame:
    names = list(Vocabulary.from_arrays(parts["names"]))
    columns = [parts[str(place)] for place in range(len(names))]
    numbers = [column["float"] for column in columns if "float" in column]
    if len(parts) != len(names) + 1 or len(set(names)) < len(names) or any(array.ndim != 1 for array in numbers):
        message = "a frame's columns do not go with its names"
        raise ValueError(message)
    return pl.DataFrame({name: _column(column) for name, column in zip(names, columns, strict=True)})


def _column(parts: dict[str, Any]) -> Any:  # noqa: ANN401
    if "float" in parts:
        return parts["float"]
    values = Vocabulary.from_arrays(parts).ids
    if "lengths" in parts:
        ends = np.cumsum(parts["lengths"])
        plain, firsts = values.to_list(), ends - parts["lengths"]
        values = pl.Series(
            [plain[first:end] for first, end in zip(firsts, ends, strict=True)], dtype=pl.List(values.dtype)
        )
    if "there" in parts:
        there = parts["there"].astype(np.bool_)
        places = pl.Series(np.where(there, np.cumsum(there) - 1, -1))
        values = values.gather(places.replace(-1, None))
    return values


def _check_names(given: list[str], declared: dict[str, Any]) -> None:
    if sorted(given) != sorted(declared):
        message = f"{sorted(set(given) ^ set(declared))} are not what such a model learns, or something is there twice"
        raise ValueError(message)


def _check_axes(learned: dict[str, Any], axes: dict[str, tuple[Any, ...]]) -> None:
    """Raise unless axes of one name have one length, and codes are positions along theirs."""
    lengths = {side + "s": len(learned[f"{side}_vocabulary_"]) for side in ("user", "item")}
    bounds = []
    for name, annotation in axes.items():
        value, named = learned[name], list(annotation)
        shape = value.shape if isinstance(value, np.ndarray) else (len(value),)
        if isinstance(value, SparseRows):
            *named, columns = annotation
            shape = (value.indptr.size - 1,)
            bounds.append((name, value.indices, columns))
        elif isinstance(annotation[-1], Into):
            *named, into = annotation
            bounds.append((name, value, into.axis))
        if len(named) != len(shape):
            message = f"{name} has {len(shape)} axes instead of {len(named)}"
            raise ValueError(message)
        for axis, length in zip(named, shape, strict=True):
            if lengths.setdefault(axis, length) != length:
                message = f"{name} has {length} rows, and there are {lengths[axis]} {axis}"
                raise ValueError(message)
    for name, codes, axis in bounds:
        if codes.size and not (codes.min() >= 0 and codes.max() < lengths[axis]):
            message = f"{name} points beyond the {lengths[axis]} {axis}"
            raise ValueError(message)
    if not (learned["scale_"][0] <= learned["scale_"][1] and learned["kind_"] in _KINDS):
        message = "its parts do not fit each other"
        raise ValueError(message)


def _is_sparse(rows: SparseRows) -> bool:
    indptr, indices, values = rows
    return bool(
        all(part.ndim == 1 for part in rows)
        and indptr.size
        and indptr[0] == 0
        and indptr[-1] == indices.size == values.size
        and (np.diff(indptr) >= 0).all()
        and np.isfinite(values).all()
    )


def _plain(hint: Any) -> Any:  # noqa: ANN401
    """A type without the axes it is annotated with."""
    return hint.__origin__ if get_origin(hint) is Annotated else hint
