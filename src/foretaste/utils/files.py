"""Files that appear under their name only when they are whole."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from foretaste.exceptions import DataError


def write_whole(path: str | Path, content: bytes) -> None:
    """Write a file in one step, as `whole_file` does."""
    with whole_file(path) as file:
        file.write(content)


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A file to write into, with a temporary name beside its own, which it gets when all is on disk.

    Whatever goes wrong on the way (a full disk, Ctrl-C), a file that was there stays as it was.

    Raises
    ------
    DataError
        There is no such folder, or it cannot be written to.
    """
    path = Path(path)
    try:
        # In the same folder, so that the last step is a rename within one file system.
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    except OSError as error:
        message = f"'{path}' cannot be written: {error.strerror}. Hint: does the folder '{path.parent}' exist?"
        raise DataError(message) from error
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        # What a plain `open` would have given; a temporary file is for its owner alone.
        mask = os.umask(0)
        os.umask(mask)
        Path(temporary).chmod(0o666 & ~mask)
        Path(temporary).replace(path)
    except OSError as error:
        Path(temporary).unlink(missing_ok=True)
        message = f"'{path}' cannot be written: {error.strerror}."
        raise DataError(message) from error
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
