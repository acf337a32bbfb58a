"""Layouts from TOML: the words are those of the classes, and what is wrong is told with file, line and key."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields, is_dataclass
from importlib.resources import files
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from foretaste.exceptions import DataError, ForetasteError, InvalidParameterError
from foretaste.pages._places import Place, Places
from foretaste.pages.blend import SIGNALS, Blend
from foretaste.pages.catalogue import Catalogue
from foretaste.pages.layout import Layout
from foretaste.pages.rows import RowKind
from foretaste.pages.words import check_word

_FOLDER = files("foretaste.pages") / "layouts"
READY_MADE = ("streaming", "shop", "music")
"""The layouts that come with foretaste, by name; files to start from."""

_WORDS: dict[type, str] = {
    str: "a text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    tuple: "a list",
    dict: "a table",
}
_LINE = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)")
_NAMED = re.compile(r"'([^']+)'|^(\w+) = ")


@dataclass(frozen=True, eq=False)
class Document:
    """A file of pages: what it says, and where.

    Attributes
    ----------
    name : str
        What messages call it.
    data : dict
        What it says, as `tomllib` gives it.
    places : Places
    """

    name: str
    data: dict[str, Any]
    places: Places

    @classmethod
    def read(cls, source: str | Path) -> Document:
        """A file, or a ready-made layout by its name; a file of that name goes first.

        Raises
        ------
        DataError
            There is neither, or it is no TOML.
        """
        name, text = _text(source)
        try:
            data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            found = _LINE.search(str(error))
            line = int(found[1]) if found and found[1] else text.count("\n") + 1
            written = (text.splitlines()[line - 1 : line] or [""])[0].strip()
            what = _LINE.sub("", str(error))
            message = f"{name} line {line}: {what}{f': {written}' if written else ''}."
            raise DataError(message) from error
        except RecursionError as error:
            message = f"{name} cannot be read: it has lists or tables too deep in each other."
            raise DataError(message) from error
        return cls(name, data, Places(text))

    def page_name(self, page: str | None = None) -> str:
        """The name of a page of the file; without one, of its only page.

        Raises
        ------
        InvalidParameterError
            There is none of that name, or there are several to choose from.
        """
        for key in self.data:
            self._check_key(key, ["page"], ())
        pages = self.data.get("page")
        if not isinstance(pages, dict) or not pages:
            message = "there is no page in it. Hint: its first line could be [page.home]."
            raise self._fault(("page",), message)
        if page is None and len(pages) > 1:
            message = f"it has the pages {', '.join(pages)}. Hint: say which."
            raise self._fault(("page",), message)
        if page is None:
            return str(next(iter(pages)))
        try:
            check_word(page, pages, "the page")
        except InvalidParameterError as error:
            raise self._fault(("page",), str(error)) from None
        return page

    def layout(self, page: str | None = None) -> Layout:
        """One page as a `Layout`; see `Layout.from_toml`."""
        name = self.page_name(page)
        place = ("page", name)
        made: Layout = self._value(Layout, self.data["page"][name], place)
        return made

    def check(self, layout: Layout, catalogue: Catalogue, page: str | None = None) -> None:
        """Raise for the first row, rule or setting of a page that asks for what the items do not have."""
        place = ("page", self.page_name(page))
        parts: list[tuple[Place, Any]] = [
            *(((*place, "row", number), row) for number, row in enumerate(layout.row)),
            *(((*place, "rule", number), rule) for number, rule in enumerate(layout.rule)),
            ((*place, "signals"), layout.signals),
        ]
        for where, part in parts:
            try:
                part.check(catalogue)
            except ForetasteError as error:
                raise self._located(error, where) from None

    # One value ------------------------------------------------------------------------------------------------------

    def _value(self, hint: Any, value: Any, place: Place) -> Any:  # noqa: ANN401  whatever a field may be
        """A value of the file as a field of that type wants it."""
        options = [each for each in _options(hint) if _suits(each, value)]
        if not options:
            words = " or ".join(dict.fromkeys(_WORDS[_shape(each)] for each in _options(hint)))
            keys = ".".join(str(key) for key in place if isinstance(key, str))
            hint = f" Hint: write [[{keys}]]." if isinstance(value, dict) else ""
            shown = "a table" if isinstance(value, dict) else repr(value)
            message = f"{keys.rpartition('.')[2]!r} must be {words}, got {shown}.{hint}"
            raise self._fault(place, message)
        chosen = options[0]
        if _shape(chosen) is tuple:
            return tuple(self._value(get_args(chosen)[0], each, (*place, number)) for number, each in enumerate(value))
        if get_origin(chosen) is Literal:
            self._check_key(value, get_args(chosen), place, "the word")
        return self._made(chosen, value, place) if _shape(chosen) is dict else value

    def _made(self, kind: Any, table: dict[str, Any], place: Place) -> Any:  # noqa: ANN401  as its type says
        """An object of a class from a table."""
        table = dict(table)
        if kind is RowKind:
            if "kind" not in table:
                message = f"a row needs 'kind'. Hint: choose among {', '.join(kinds())}."
                raise self._fault(place, message)
            name = self._value(str, table.pop("kind"), (*place, "kind"))
            self._check_key(name, kinds(), (*place, "kind"), "the kind of row")
            kind = kinds()[name]
        hints, needed = words_of(kind)
        for key in table:
            self._check_key(key, hints, (*place, key), "the signal" if kind is Blend else "the key")
        for name in needed:
            if name not in table:
                message = f"this table needs {name!r}."
                raise self._fault(place, message)
        given = {key: self._value(hints[key], value, (*place, key)) for key, value in table.items()}
        try:
            return kind(**given)
        except InvalidParameterError as error:
            raise self._located(error, place) from None

    # What is wrong, and where ---------------------------------------------------------------------------------------

    def _check_key(self, word: str, known: Any, place: Place, what: str = "the key") -> None:  # noqa: ANN401  words
        try:
            check_word(word, known, what)
        except InvalidParameterError as error:
            raise self._fault(place or (word,), str(error)) from None

    def _located(self, error: ForetasteError, place: Place) -> InvalidParameterError:
        """What a class says of a table: at the key that its message names, or whose text it quotes."""
        table: Any = self.data
        for key in place:
            table = table[key] if not isinstance(table, dict) else table.get(key, {})
        # what comes after the first sentence are hints, which may name any key
        words = [quoted or named for quoted, named in _NAMED.findall(str(error).split(". ")[0])]
        named = [word for word in words if word in table]
        texts = {key: str(value) for key, value in table.items() if isinstance(value, (str, list))}
        named += [key for word in words for key, text in texts.items() if word in text]
        return self._fault((*place, *named[:1]), str(error))

    def _fault(self, place: Place, message: str) -> InvalidParameterError:
        keys = ".".join(str(key) for key in place if isinstance(key, str))
        return InvalidParameterError(f"{self.name} line {self.places.line(place)} ({keys}): {message}")


def read_layout(source: str | Path, page: str | None = None) -> Layout:
    """See `Layout.from_toml`."""
    return Document.read(source).layout(page)


def _text(source: str | Path) -> tuple[str, str]:
    """What a source is called, and what it says."""
    path = Path(source)
    try:
        if not path.is_file() and str(source) in READY_MADE:
            return f"{source}.toml", (_FOLDER / f"{source}.toml").read_text("utf-8")
        return path.name, path.read_text("utf-8-sig")  # some editors put a mark first
    except FileNotFoundError as error:
        message = f"there is no file '{path}'. Hint: name a TOML file, or one of {', '.join(READY_MADE)}."
        raise DataError(message) from error
    except OSError as error:
        message = f"'{path}' cannot be read: {error.strerror}."
        raise DataError(message) from error
    except UnicodeDecodeError as error:
        message = f"'{path}' is not UTF-8, as TOML is: byte {error.start} cannot be read."
        raise DataError(message) from error


# What a type says ---------------------------------------------------------------------------------------------------


def words_of(kind: Any) -> tuple[dict[str, Any], list[str]]:  # noqa: ANN401  a type
    """The keys a table of a class may have with their types, and those it must have."""
    if kind is Blend:
        return dict.fromkeys(SIGNALS, float), []
    known = [field for field in fields(kind) if field.init]
    needed = [field.name for field in known if field.default is MISSING and field.default_factory is MISSING]
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in known}, needed


def _options(hint: Any) -> list[Any]:  # noqa: ANN401  a type
    """The types a field may be of; None is what is not written."""
    if get_origin(hint) in (Union, UnionType):
        return [each for each in get_args(hint) if each is not NoneType]
    return [hint]


def _shape(kind: Any) -> type:  # noqa: ANN401  a type
    """What a value of a type is in TOML."""
    if is_dataclass(kind) or kind is Blend:
        return dict
    origin = get_origin(kind)
    return str if origin is Literal else origin or kind


def _suits(kind: Any, value: object) -> bool:  # noqa: ANN401  a type
    shape = _shape(kind)
    if isinstance(value, bool) or shape is bool:
        return isinstance(value, bool) and shape is bool
    if shape is float:
        return isinstance(value, (int, float))
    return isinstance(value, list if shape is tuple else shape)


def kinds() -> dict[str, type[RowKind]]:
    """The classes of rows by their `kind`, in the order they were made; one of your own is among them."""
    return {each.kind: each for each in _below(RowKind) if hasattr(each, "kind")}


def _below(kind: type[Any]) -> Iterator[Any]:
    """All classes that derive from one, in the order they were made."""
    for each in kind.__subclasses__():
        yield each
        yield from _below(each)
