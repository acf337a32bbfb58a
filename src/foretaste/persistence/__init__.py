"""One safe file: arrays and JSON, never code.

A model file is a safetensors file (arrays by name) whose metadata hold one JSON text. Reading it can run nothing; a
file that is cut short, too new or not ours is refused with a reason.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from foretaste.exceptions import ModelFileError
from foretaste.utils.files import write_whole

FORMAT_VERSION = 1
_KEY = "foretaste"

Arrays = dict[str, npt.NDArray[Any]]


def write(path: str | Path, header: dict[str, Any], arrays: Arrays) -> None:
    """Write header and arrays; the file appears under its name only when it is whole.

    Raises
    ------
    DataError
        The file cannot be written.
    """
    from safetensors.numpy import save  # noqa: PLC0415  only those who save pay for it

    text = json.dumps({"version": FORMAT_VERSION, **header}, allow_nan=False)
    write_whole(path, save({name: np.ascontiguousarray(array) for name, array in arrays.items()}, {_KEY: text}))


def read(path: str | Path) -> tuple[dict[str, Any], Arrays]:
    """Header and arrays of a file `write` has written.

    Raises
    ------
    ModelFileError
        There is no such file, or it is cut short, newer than this version, or not a model file.
    """
    from safetensors import SafetensorError, safe_open  # noqa: PLC0415

    path = Path(path)
    if not path.is_file():
        message = (
            f"no model file at '{path}'. Hint: 'model.save(path)' or 'foretaste train ... -o {path.name}' makes one."
        )
        raise ModelFileError(message)
    try:
        with safe_open(path, framework="numpy") as file:
            text = (file.metadata() or {}).get(_KEY)
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  not a dict
    except (SafetensorError, OSError, ValueError) as error:
        message = f"'{path}' is not a foretaste model, or was cut short ({error}). Hint: save the model again."
        raise ModelFileError(message) from error
    header = _header(path, text)
    if header["version"] > FORMAT_VERSION:
        message = (
            f"'{path}' was written by a newer foretaste (file version {header['version']}, this one reads up to "
            f"{FORMAT_VERSION}). Hint: upgrade foretaste."
        )
        raise ModelFileError(message)
    return header, arrays


def _header(path: Path, text: str | None) -> dict[str, Any]:
    try:
        header = json.loads(text or "")
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict) or not isinstance(header.get("version"), int):
        message = f"'{path}' is a safetensors file, but not a foretaste model."
        raise ModelFileError(message)
    return header
