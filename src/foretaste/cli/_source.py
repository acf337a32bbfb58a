"""Where a command's ratings and titles come from: a file, or a known set by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import click
import polars as pl

from foretaste.cli import _output
from foretaste.data import Interactions, Vocabulary, datasets
from foretaste.data.readers import guess_columns, read_interactions, read_table
from foretaste.exceptions import DataError, UnknownIdError

Command = TypeVar("Command", bound=Callable[..., Any])

_ROLES = ("user", "item", "rating", "time", "weight")


def source_options(command: Command) -> Command:
    """The argument SOURCE and how to read it; `read_source` takes what they collect."""
    options: list[Callable[[Any], Any]] = [
        click.argument("source"),
        *(
            click.option(f"--{role}-column", help=f"Name of the {role} column, where it is not guessed.")
            for role in _ROLES
        ),
        click.option("--scale", type=(float, float), help="Lowest and highest possible rating.", metavar="LOW HIGH"),
        click.option(
            "--duplicates",
            type=click.Choice(["error", "last", "mean", "keep"]),
            default="error",
            help="What to do with a pair of user and item that occurs twice.",
        ),
        click.option(
            "--on-error",
            type=click.Choice(["raise", "skip"]),
            default="raise",
            help="What to do with bad rows of a file.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def is_known(source: str) -> bool:
    """Whether SOURCE names a known set; a file of that name goes first."""
    return source in datasets.NAMES and not Path(source).exists()


def read_source(source: str, **options: Any) -> Interactions:  # noqa: ANN401  those of `source_options`
    """The interactions SOURCE stands for; a guess of columns is printed."""
    if is_known(source):
        return datasets.load(source)
    columns = {role: options.pop(f"{role}_column", None) for role in _ROLES}
    guessed = {
        role: name for role, name in asdict(guess_columns(source, **columns)).items() if name and not columns[role]
    }
    if guessed:
        shown = ", ".join(f"{role} = {name!r}" for role, name in guessed.items())
        _output.notes().print(f"{source}: taking {shown}.", markup=False)
    return read_interactions(source, **columns, **options)


def read_titles(source: str) -> pl.DataFrame:
    """Items and their titles: columns `item` and `title`, from a file or a known set."""
    frame = read_items(source)
    if "title" not in frame.columns:
        shown = ", ".join(map(repr, frame.columns))
        message = f"{source}: items need a column 'item' and a column 'title'; it has {shown}."
        raise DataError(message)
    return frame.select("item", "title")


def read_items(source: str) -> pl.DataFrame:
    """All that is known of items, from a file or a known set: `item`, `title` where there is one, and the rest.

    A column of texts some of which hold a "|" becomes one of lists, as in "Comedy|Drama"; that is printed.
    """
    if is_known(source):
        return datasets.load_items(source)
    frame = read_table(source)
    lower = {name.lower().replace("_", ""): name for name in reversed(frame.columns)}
    item = next((lower[name] for name in ("item", "itemid", "movieid", "id") if name in lower), None)
    title = next((lower[name] for name in ("title", "name") if name in lower), None)
    if item is None:
        message = f"{source}: items need a column 'item'; it has {', '.join(map(repr, frame.columns))}."
        raise DataError(message)
    listed = [
        name
        for name in frame.columns
        if frame[name].dtype == pl.String and name != title and frame[name].str.contains("|", literal=True).any()
    ]
    if listed:
        _output.notes().print(f"{source}: taking {', '.join(listed)} as lists.", markup=False)
    return frame.with_columns(pl.col(name).str.split("|") for name in listed).rename(
        {item: "item"} | ({title: "title"} if title else {})
    )


def as_known(ids: pl.Series, vocabulary: Vocabulary) -> pl.Series:
    """Ids from a command line or file in the type the model knows: 196 and "196" are the same there."""
    if vocabulary.kind == "int" and ids.dtype == pl.String:
        numbers = ids.str.strip_chars().cast(pl.Int64, strict=False)
        return ids if numbers.null_count() else numbers
    return ids.cast(pl.String) if vocabulary.kind == "str" and ids.dtype.is_integer() else ids


def item_ids(wanted: tuple[str, ...], vocabulary: Vocabulary, titles: pl.DataFrame | None) -> list[Any]:
    """The items a caller names, by id or, where titles are known, by title.

    Raises
    ------
    UnknownIdError
        It is neither; the nearest titles are named.
    """
    found = []
    for text in wanted:
        column = as_known(pl.Series([text]), vocabulary)
        if column[0] in vocabulary:
            found.append(column[0])
            continue
        matches = [] if titles is None else titles.filter(pl.col("title") == text)["item"].to_list()
        if not matches:
            raise UnknownIdError(_unknown_item(text, titles))
        found.append(matches[0])
    return found


def _unknown_item(text: str, titles: pl.DataFrame | None) -> str:
    if titles is None:
        return f"the model knows no item {text!r}. Hint: --items FILE lets items be named by their titles."
    from difflib import get_close_matches  # noqa: PLC0415  only for a mistake

    near = get_close_matches(text, titles["title"].to_list(), n=3, cutoff=0.5)
    hint = f" Hint: did you mean {' or '.join(map(repr, near))}?" if near else ""
    return f"there is no item with the id or title {text!r}.{hint}"


def with_titles(frame: pl.DataFrame, titles: pl.DataFrame | None, column: str = "item") -> pl.DataFrame:
    """A frame of recommendations with a title beside each item, where titles are known."""
    if titles is None:
        return frame
    title_of = dict(titles.iter_rows())
    shown = pl.Series("title", [str(title_of.get(item, "")) for item in frame[column]])
    return frame.insert_column(frame.get_column_index(column) + 1, shown)
