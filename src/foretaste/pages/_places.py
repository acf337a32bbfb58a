"""Where the keys of a TOML text stand: `tomllib` gives their values alone."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter

Place = tuple[str | int, ...]
"""The way to a value: names of keys, and positions in lists from 0."""

_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""")
_BLANK = re.compile(r"[ \t\r\n]+|#[^\n]*")
_STRING = re.compile(
    r"""\"{3}(?:[^\\]|\\.)*?"{3,5}|'{3}.*?'{3,5}|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""",
    re.DOTALL,
)
_PLAIN = re.compile(r"[^,\]}#\n]+")


class Places:
    r"""The lines of the tables and keys of a text that `tomllib` has read without complaint.

    Parameters
    ----------
    text : str

    Examples
    --------
    >>> places = Places('[page]\nrows = 8\n\n[[page.row]]\nblend = { predicted = 1 }\n')
    >>> places.line(("page", "rows")), places.line(("page", "row", 0, "blend", "predicted"))
    (2, 5)
    """

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0
        self._ends = [match.start() for match in re.finditer("\n", text)]
        self._found: dict[Place, int] = {}
        self._lists: Counter[Place] = Counter()
        self._read()

    def line(self, place: Place) -> int:
        """The line of a value, from 1; of what is not written, that of the nearest table around it."""
        while place and place not in self._found:
            place = place[:-1]
        return self._found.get(place, 1)

    def _read(self) -> None:
        table: Place = ()
        while self._more():
            if self._next("[["):
                table = self._inside(self._keys())
                table = (*table, self._lists[table])
                self._lists[table[:-1]] += 1
                self._note(table)
                self._next("]]")
            elif self._next("["):
                table = self._inside(self._keys())
                self._note(table)
                self._next("]")
            else:
                self._pair(table)

    def _inside(self, keys: Place) -> Place:
        """The way that a header means: of a list of tables the last one so far."""
        way: Place = ()
        for place, key in enumerate(keys):
            way = (*way, key)
            if way in self._lists and place < len(keys) - 1:
                way = (*way, self._lists[way] - 1)
        return way

    def _pair(self, table: Place) -> None:
        way = table
        for key in self._keys():
            way = (*way, key)
            self._note(way)
        self._next("=")
        self._value(way)

    def _value(self, way: Place) -> None:
        self._more()
        if self._next("{"):
            while self._more() and not self._next("}"):
                self._pair(way)
                self._more()
                self._next(",")
        elif self._next("["):
            place = 0
            while self._more() and not self._next("]"):
                self._note((*way, place))
                self._value((*way, place))
                place += 1
                self._more()
                self._next(",")
        else:
            match = _STRING.match(self._text, self._at) or _PLAIN.match(self._text, self._at)
            self._at = match.end() if match else len(self._text)

    def _keys(self) -> Place:
        keys: list[str] = []
        while self._more() and (match := _KEY.match(self._text, self._at)):
            self._at = match.end()
            keys.append(match[0].strip("\"'"))
            self._more()
            if not self._next("."):
                break
        if not keys:  # nothing that could be a key: go on behind it, so that every step moves
            self._at += 1
        return tuple(keys)

    def _more(self) -> bool:
        """Whether anything is left behind blanks and comments, which are passed over."""
        while match := _BLANK.match(self._text, self._at):
            self._at = match.end()
        return self._at < len(self._text)

    def _next(self, sign: str) -> bool:
        found = self._text.startswith(sign, self._at)
        self._at += len(sign) * found
        return found

    def _note(self, way: Place) -> None:
        self._found.setdefault(way, bisect_left(self._ends, self._at) + 1)
