"""`foretaste page`: what somebody would be shown, and whether a configuration is sound."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal, TypeAlias

import click
import polars as pl

from foretaste.cli import _output
from foretaste.cli._source import as_known, read_items, read_source
from foretaste.data import Interactions, Vocabulary
from foretaste.models import Recommender, load
from foretaste.pages import Composer, Page, Visitor
from foretaste.pages.catalogue import Catalogue
from foretaste.pages.config import Document
from foretaste.utils.files import write_whole

Format: TypeAlias = Literal["table", "csv", "json", "html"]
FORMATS: tuple[Format, ...] = ("table", "csv", "json", "html")

_USUAL = "compose"


class _Usual(click.Group):
    """A group whose usual command needs no name."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, *self.get_help_option_names(ctx)):
            args = [_USUAL, *args]
        return super().parse_args(ctx, args)


@click.group(cls=_Usual)
def page() -> None:
    """Compose the page of a user: foretaste page MODEL --user USER --config FILE.

    That is the command `compose`, whose name may be left out; `foretaste page compose --help` has its options.
    """


_PAGE = click.option("--page", "name", help="Which page of the configuration, where it has several.")
_ITEMS = click.option("--items", help="What is known of the items: a file with a column item, or a known set.")


@page.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--user", required=True, help="Whose page.")
@click.option("--config", required=True, help="A TOML file, or one of streaming, shop, music.")
@_PAGE
@click.option("--events", help="Who had what and when: a file, or a known set. Without it: what the model has learned.")
@_ITEMS
@click.option("--at", help="The moment, as in 1998-04-23T20:15.  [default: after the last event]")
@click.option("--age", type=float, help="The user's age; without it nothing with a min_age is shown.")
@click.option("--format", "form", type=click.Choice(FORMATS), help="How to write the page.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Where to write it.")
def compose(  # noqa: PLR0913  click calls by name
    *,
    model: Path,
    user: str,
    config: str,
    name: str | None,
    events: str | None,
    items: str | None,
    at: str | None,
    age: float | None,
    form: Format | None,
    output: Path | None,
) -> None:
    """The page of a user at a moment; MODEL is one that `foretaste train` wrote."""
    document = Document.read(config)
    layout = document.layout(name)
    fitted = load(model)
    frame = None if items is None else _typed(read_items(items), fitted.item_vocabulary_)
    document.check(layout, Catalogue(fitted.item_vocabulary_, frame), name)
    had = _had(fitted, events)
    whom = as_known(pl.Series([user]), fitted.user_vocabulary_)[0]
    if whom not in fitted.user_vocabulary_ and whom not in had.users:
        _output.notes().print(f"Nobody knows user {whom!r}; this is a page for anybody.", markup=False)
    composed = Composer(fitted, had, layout, frame).compose(whom, at, Visitor(age=age))
    _write(composed, form, output)


@page.command()
@click.argument("config")
@_PAGE
@_ITEMS
def check(config: str, name: str | None, items: str | None) -> None:
    """Whether CONFIG, a TOML file, is sound; with --items also whether it asks for columns that the items have."""
    document = Document.read(config)
    layout = document.layout(name)
    if items is not None:
        frame = read_items(items)
        document.check(layout, Catalogue(Vocabulary(frame["item"]), frame), name)
    kinds = ", ".join(dict.fromkeys(row.kind for row in layout.row))
    _output.console().print(
        f"{document.name}: page {document.page_name(name)!r} is sound: {layout.rows} rows of {layout.columns} among "
        f"{kinds}; rules: {len(layout.rule)}.",
        markup=False,
    )


def _typed(frame: pl.DataFrame, vocabulary: Vocabulary) -> pl.DataFrame:
    return frame.with_columns(as_known(frame["item"], vocabulary))


def _had(fitted: Recommender, events: str | None) -> Interactions:
    """The events of a file or known set, or what a model remembers of those it has learned from."""
    if events is not None:
        return read_source(events, duplicates="keep")
    _output.notes().print(
        "Made from what the model knows: who had what, but not when. Hint: --events FILE brings the times.",
        markup=False,
    )
    known = fitted.known_
    values: dict[str, Any] = {"ratings" if fitted.predicts_ratings else "weights": known.values}
    return Interactions.from_arrays(
        fitted.user_vocabulary_.decode(known.row_codes()),
        fitted.item_vocabulary_.decode(known.indices),
        **values,
        scale=fitted.scale_ if fitted.predicts_ratings else None,
        duplicates="keep",
    )


def _write(composed: Page, form: Format | None, output: Path | None) -> None:
    ending = "" if output is None else output.suffix.lstrip(".").lower()
    form = form or next((each for each in FORMATS if each == ending), None)
    match form:
        case "html":
            text = composed.to_html()
        case "json":
            text = json.dumps(composed.to_dict(), ensure_ascii=False, default=str) + "\n"
        case "table" | "csv" | None:
            frame = pl.DataFrame(composed.to_frame()).drop("kind")
            _output.write(frame, form, output, title=composed.title or f"For {composed.user}")
            return
    if output is None:
        click.echo(text, nl=False)
    else:
        write_whole(output, text.encode())
