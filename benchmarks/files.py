"""Where the files are that benchmarks read, and those that live as long as a process."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

_REPOSITORY = Path(__file__).resolve().parents[1]


def archives() -> Path:
    """The folder of the archives."""
    return Path(os.environ.get("FORETASTE_DATA", _REPOSITORY.parent / "shared" / "data"))


def existing(path: Path) -> Path:
    """The path, if there is such a file."""
    if not path.is_file():
        message = (
            f"{path} is missing. Hint: FORETASTE_DATA names the folder of the archives, FORETASTE_SPLITS that of the "
            f"fixed splits; see docs/benchmarks.md."
        )
        raise FileNotFoundError(message)
    return path


def scratch() -> str:
    """A folder that lives as long as the process."""
    _FOLDERS.append(tempfile.TemporaryDirectory())
    return _FOLDERS[-1].name


_FOLDERS: list[tempfile.TemporaryDirectory[str]] = []
