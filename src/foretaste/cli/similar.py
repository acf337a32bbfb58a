"""`foretaste similar`: what is near an item, or who is near a user."""

from __future__ import annotations

from pathlib import Path

import click
import polars as pl

from foretaste.cli import _output
from foretaste.cli._source import as_known, item_ids, read_titles, with_titles
from foretaste.models import load


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--item", "items_", multiple=True, metavar="ITEM", help="An item, by id or title; repeatable.")
@click.option("--user", "users", multiple=True, help="A user; repeatable.")
@click.option("-n", "n", default=10, show_default=True, help="How many neighbours each.")
@click.option("--metric", type=click.Choice(["cosine", "euclidean"]), help="Angle or distance; else the model's own.")
@click.option("--items", help="Titles of the items: a file with columns item and title, or a known set.")
@click.option("--format", "form", type=click.Choice(_output.FORMATS), help="How to write the result.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Where to write it.")
def similar(
    model: Path,
    items_: tuple[str, ...],
    users: tuple[str, ...],
    n: int,
    metric: str | None,
    items: str | None,
    form: _output.Format | None,
    output: Path | None,
) -> None:
    """What is near an item, or who is near a user; MODEL is one that `foretaste train` wrote."""
    if bool(items_) == bool(users):
        message = "give --item or --user, and only one of the two."
        raise click.UsageError(message)
    fitted = load(model)
    if users:
        wanted = as_known(pl.Series(users, dtype=pl.String), fitted.user_vocabulary_)
        frame = fitted.similar_users(wanted, n, metric=metric)  # type: ignore[arg-type]  # click has checked it
    else:
        titles = None if items is None else read_titles(items)
        chosen = item_ids(items_, fitted.item_vocabulary_, titles)
        near = fitted.similar_items(chosen, n, metric=metric)  # type: ignore[arg-type]  # click has checked it
        frame = with_titles(pl.DataFrame(near), titles, "similar_item")
    _output.write(pl.DataFrame(frame), form, output)
