"""What a word of a configuration may be, and the sentence for one that is none of them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from numbers import Real

from foretaste.exceptions import InvalidParameterError

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([hdw])")
_LISTED = 20  # words, above which a message does not list them
_DAYS = {"h": 1 / 24, "d": 1.0, "w": 7.0}


def check_word(word: str, known: Iterable[str], what: str) -> None:
    """Raise `InvalidParameterError` for a word that is not known, with the nearest one that is."""
    known = list(known)
    if word in known:
        return
    near = difflib.get_close_matches(word, known, 1)
    choice = ", ".join(known) if len(known) <= _LISTED else f"the {len(known):,} there are"
    hint = f"Did you mean {near[0]!r}?" if near else f"Choose among {choice}."
    message = f"{what} {word!r} is unknown. {hint}"
    raise InvalidParameterError(message)


def duration(given: float | str, name: str) -> float:
    """A length of time in days: a number of days, or a text such as "12h", "60d" or "8w".

    Raises
    ------
    InvalidParameterError
        It is neither, or not above 0.
    """
    if isinstance(given, str):
        match = _DURATION.fullmatch(given.strip())
        days = float(match[1]) * _DAYS[match[2]] if match else 0.0
    else:
        is_number = isinstance(given, Real) and not isinstance(given, bool)
        days = float(given) if is_number else 0.0
    if not 0 < days < float("inf"):
        message = f"{name} must be a number of days above 0 or a text such as '12h', '60d' or '8w', got {given!r}."
        raise InvalidParameterError(message)
    return days


def check_template(template: str, known: Iterable[str]) -> None:
    """Raise for a placeholder of a title that is none of those known."""
    known = list(known)
    for name in _PLACEHOLDER.findall(template):
        if not known:
            message = f"the placeholder {name!r} is unknown: this kind of row fills none."
            raise InvalidParameterError(message)
        check_word(name, known, "the placeholder")


def filled(template: str, values: Mapping[str, str]) -> str:
    """A title with its placeholders replaced, as in "Because you liked {anchor.title}"; one without a value stays."""
    return _PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), template)
