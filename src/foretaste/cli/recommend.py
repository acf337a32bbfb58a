"""`foretaste recommend`: the best items for some users, or for everybody."""

from __future__ import annotations

from pathlib import Path

import click
import polars as pl

from foretaste.cli import _output
from foretaste.cli._source import as_known, read_titles, with_titles
from foretaste.models import load


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--user", "users", multiple=True, help="Whom to recommend to; repeatable. Without it: everybody.")
@click.option("-n", "n", default=10, show_default=True, help="How many items a user.")
@click.option("--include-seen", is_flag=True, help="Also recommend what the user has rated.")
@click.option("--items", help="Titles of the items: a file with columns item and title, or a known set.")
@click.option("--format", "form", type=click.Choice(_output.FORMATS), help="How to write the result.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Where to write it.")
def recommend(
    model: Path,
    users: tuple[str, ...],
    n: int,
    include_seen: bool,  # noqa: FBT001  click calls by name
    items: str | None,
    form: _output.Format | None,
    output: Path | None,
) -> None:
    """The items a user would like best; MODEL is one that `foretaste train` wrote."""
    fitted = load(model)
    titles = None if items is None else read_titles(items)
    wanted = as_known(pl.Series(users, dtype=pl.String), fitted.user_vocabulary_) if users else None
    frame = fitted.recommend(wanted, n, exclude_seen=not include_seen, unknown="raise", n_jobs=-1)
    _output.write(with_titles(pl.DataFrame(frame), titles), form, output)
