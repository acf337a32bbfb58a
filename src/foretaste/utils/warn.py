"""Warnings that point at the caller's own line, however deep in the package they arise."""

import sys
import warnings
from pathlib import Path

from foretaste.exceptions import ForetasteWarning

_PACKAGE = str(Path(__file__).parents[1])


def warn(message: str, category: type[ForetasteWarning]) -> None:
    """Give a warning in the name of the first line outside foretaste that led here."""
    frame, depth = sys._getframe(1), 2  # noqa: SLF001  the documented way to walk the stack
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame, depth = frame.f_back, depth + 1
    warnings.warn(message, category, stacklevel=depth)
