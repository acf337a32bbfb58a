"""Predictions and algorithms to a file and back, without anything in the file being executed.

A file holds plain data, arrays and the attributes of algorithms, and the names of their classes. Reading it makes
objects of these and calls nothing else; a class has to be there already, because the program has defined or imported
it. What else is found in a file is refused (docs/decisions/0008-dumps-hold-data.md).
"""

from __future__ import annotations

import datetime as dt
import decimal
import os
import pickle
import sys
import uuid
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

import numpy as np

from foretaste.exceptions import ModelFileError
from foretaste.surprise.dataset import Dataset
from foretaste.surprise.prediction_algorithms.algo_base import AlgoBase
from foretaste.surprise.prediction_algorithms.predictions import Prediction
from foretaste.surprise.reader import Reader
from foretaste.surprise.trainset import Rows, Trainset
from foretaste.utils.files import whole_file

_MARK = b"foretaste.surprise dump 1\n"
# Whose objects are kept with their attributes, those of classes derived from them included.
_KEPT = (AlgoBase, Trainset, Dataset, Reader)
# How many a Mersenne Twister holds.
_WORDS = 624


def dump(
    file_name: str | os.PathLike[str],
    predictions: list[Prediction] | None = None,
    algo: AlgoBase | None = None,
    verbose: int = 0,
) -> None:
    """Write predictions, an algorithm or both to a file, which appears under its name only when it is whole.

    Parameters
    ----------
    file_name : path
    predictions : list of Prediction, optional
    algo : AlgoBase, optional
        Fitted or not; a custom one's class has to stand at the top of a module.
    verbose : int
        Whether to say so when it is done.

    Raises
    ------
    TypeError
        An attribute is of a type that a dump does not hold.
    """
    with whole_file(file_name) as file:
        file.write(_MARK)
        _Writer(file, protocol=5).dump({"predictions": predictions, "algo": algo})
    if verbose:
        print("The dump has been saved as file", file_name)


def load(file_name: str | os.PathLike[str]) -> tuple[list[Prediction] | None, Any]:
    """The predictions and the algorithm in a file; None for what was not written.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ModelFileError
        `dump` has not written it, it is cut short, or it holds an algorithm whose class the program has not imported.
    """
    with open(file_name, "rb") as file:  # noqa: PTH123  a path of any kind
        if file.read(len(_MARK)) != _MARK:
            message = (
                f"'{file_name}' was not written by foretaste.surprise.dump. Hint: a file of Surprise's own is a "
                f"pickle, which may run anything; load it with Surprise, or fit again here."
            )
            raise ModelFileError(message)
        try:
            found = _Restorer(file).restored()
            return found["predictions"], found["algo"]
        except ModelFileError:
            raise
        except Exception as error:  # whatever goes wrong in here is a fault of the file
            reason = str(error).partition("\n")[0]
            message = f"'{file_name}' does not hold a whole dump ({type(error).__name__}: {reason})."
            raise ModelFileError(message) from error


class _Writer(pickle.Pickler):
    """Pickles plain data natively, and everything else as a call of one of the makers below."""

    def reducer_override(self, value: Any) -> Any:  # noqa: ANN401
        kind = type(value)
        if kind in _REDUCED:
            return _REDUCED[kind](value)
        if isinstance(value, _KEPT):
            if _class(kind.__module__, kind.__qualname__) is not kind:
                _refuse(f"an object of the class {kind.__qualname__}, which does not stand at the top of a module")
            return _object, (kind.__module__, kind.__qualname__), value.__getstate__()
        if isinstance(value, np.generic):
            return _scalar, (value.dtype.str, value.tobytes())
        if callable(value) and _MAKERS.get(getattr(value, "__name__", "")) is value:
            return NotImplemented  # a maker, by its name
        return _refuse(f"an object of the class {kind.__module__}.{kind.__qualname__}")


class _Restorer(pickle.Unpickler):
    """Knows the makers and nothing else: no class and no other function can be named in a file."""

    def restored(self) -> Any:  # noqa: ANN401  what was written
        """What the file holds."""
        self.generators: list[np.random.RandomState] = []
        found = self.load()
        for generator in self.generators:
            # Only now, as a file can give a state to whatever it has made. numpy takes any place in the words of a
            # generator, and to draw from beyond them ends the process.
            if not 0 <= generator.get_state(legacy=False)["state"]["pos"] <= _WORDS:
                message = "a random generator stands at a place that there is not"
                raise pickle.UnpicklingError(message)
        return found

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401  a maker
        if module == __name__ and name in _MAKERS:
            # not the function itself, whose attributes, such as its defaults, a file could set
            return partial(self._generator if name == _random_state.__name__ else _MAKERS[name])
        message = f"it names {module}.{name}, which no dump does"
        raise pickle.UnpicklingError(message)

    def _generator(self, state: dict[str, Any]) -> np.random.RandomState:
        made = _random_state(state)
        self.generators.append(made)
        return made


def _refuse(what: str) -> NoReturn:
    message = (
        f"a dump holds plain data, numpy arrays, predictions and algorithms, and not {what}. "
        f"Hint: keep it out of the algorithm's attributes, or save it by its own means."
    )
    raise TypeError(message)


# Makers: what a file may ask for -----------------------------------------------------------------------------------


def _float64(number: float) -> np.float64:
    return np.float64(number)


def _prediction(*fields: Any) -> Prediction:  # noqa: ANN401
    return Prediction(*fields)


def _plain_dtype(text: str) -> np.dtype[Any]:
    dtype = np.dtype(text)
    if dtype.hasobject:
        message = "bytes are no objects"
        raise pickle.UnpicklingError(message)
    return dtype


def _array(dtype: str, shape: tuple[int, ...], content: bytes | bytearray) -> np.ndarray[Any, Any]:
    return np.ndarray(shape, _plain_dtype(dtype), content)


def _objects(shape: tuple[int, ...], values: list[Any]) -> np.ndarray[Any, Any]:
    array = np.empty(len(values), object)
    array[:] = values
    return array.reshape(shape)


def _scalar(dtype: str, content: bytes) -> Any:  # noqa: ANN401  numpy's
    return np.frombuffer(content, _plain_dtype(dtype))[0]


def _rows(*parts: Any) -> Rows:  # noqa: ANN401
    return Rows(*parts)


def _random_state(state: dict[str, Any]) -> np.random.RandomState:
    made = np.random.RandomState()
    made.set_state(state)
    return made


def _default_dict(factory: str) -> defaultdict[Any, Any]:
    return defaultdict(_FACTORIES[factory])


def _ordered_dict() -> OrderedDict[Any, Any]:
    return OrderedDict()


def _uuid(text: str) -> uuid.UUID:
    return uuid.UUID(text)


def _decimal(text: str) -> decimal.Decimal:
    return decimal.Decimal(text)


def _datetime(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def _date(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def _object(module: str, name: str) -> Any:  # noqa: ANN401
    """An object without attributes; these come next."""
    found = _class(module, name)
    if found is None:
        message = (
            f"it holds an object of the class {name} of the module {module}, which this program has not imported. "
            f"Hint: define or import the class first."
        )
        raise ModelFileError(message)
    return object.__new__(found)


_MAKERS: dict[str, Callable[..., Any]] = {
    maker.__name__: maker
    for maker in (
        _float64,
        _prediction,
        _array,
        _objects,
        _scalar,
        _rows,
        _random_state,
        _default_dict,
        _ordered_dict,
        _uuid,
        _decimal,
        _datetime,
        _date,
        _object,
    )
}


_FACTORIES: dict[str, Any] = {"list": list, "dict": dict, "set": set, "int": int, "float": float, "NoneType": None}


# Reducers: which maker makes each type, and of what -----------------------------------------------------------------


def _reduced_array(array: Any) -> tuple[Any, ...]:  # noqa: ANN401  numpy's
    if array.dtype == object:
        return _objects, (array.shape, array.ravel().tolist())
    if array.dtype.names is not None:
        _refuse("a structured array")
    content: Any = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    return _array, (array.dtype.str, array.shape, pickle.PickleBuffer(content))


def _reduced_default_dict(value: defaultdict[Any, Any]) -> tuple[Any, ...]:
    factory = value.default_factory
    name = getattr(factory, "__name__", "NoneType")
    if _FACTORIES.get(name, _FACTORIES) is not factory:
        _refuse(f"a defaultdict of {name}")
    return _default_dict, (name,), None, None, iter(value.items())


_REDUCED: dict[type, Callable[[Any], tuple[Any, ...]]] = {
    np.float64: lambda number: (_float64, (float(number),)),
    Prediction: lambda prediction: (_prediction, tuple(prediction)),
    np.ndarray: _reduced_array,
    Rows: lambda rows: (_rows, tuple(rows)),
    np.random.RandomState: lambda generator: (_random_state, (generator.get_state(legacy=False),)),
    defaultdict: _reduced_default_dict,
    OrderedDict: lambda value: (_ordered_dict, (), None, None, iter(value.items())),
    uuid.UUID: lambda value: (_uuid, (str(value),)),
    decimal.Decimal: lambda value: (_decimal, (str(value),)),
    dt.datetime: lambda value: (_datetime, (value.isoformat(),)),
    dt.date: lambda value: (_date, (value.isoformat(),)),
}


def _class(module: str, name: str) -> type | None:
    """The class of that name in a module that is loaded, if its objects are of those that a dump keeps."""
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        # not getattr: to look is not to load what a module makes on demand
        found = getattr(found, "__dict__", {}).get(part)
    return found if isinstance(found, type) and issubclass(found, _KEPT) else None
