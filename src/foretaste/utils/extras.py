"""Packages that not everybody has installed."""

from importlib import import_module
from typing import Any

from foretaste.exceptions import MissingExtraError


def load_extra(module: str, extra: str, what: str) -> Any:  # noqa: ANN401  a module
    """A module of an extra; `what` needs it, as the message says.

    Raises
    ------
    MissingExtraError
        It is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        message = f"{package} is not installed, and {what} needs it. Hint: pip install 'foretaste[{extra}]'."
        raise MissingExtraError(message) from error
