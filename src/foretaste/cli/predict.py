"""`foretaste predict`: ratings for the pairs of a file."""

from __future__ import annotations

from pathlib import Path

import click
import polars as pl

from foretaste.cli import _output
from foretaste.cli._source import as_known
from foretaste.data.readers import guess_columns, read_table
from foretaste.models import load


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("pairs", type=click.Path(path_type=Path))
@click.option("--user-column", help="Name of the user column, where it is not guessed.")
@click.option("--item-column", help="Name of the item column, where it is not guessed.")
@click.option(
    "--unknown",
    type=click.Choice(["fallback", "nan", "raise"]),
    default="fallback",
    show_default=True,
    help="What to do with unknown users and items.",
)
@click.option("--format", "form", type=click.Choice(_output.FORMATS), help="How to write the result.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Where to write it.")
def predict(
    model: Path,
    pairs: Path,
    user_column: str | None,
    item_column: str | None,
    unknown: str,
    form: _output.Format | None,
    output: Path | None,
) -> None:
    """Predict the rating of each pair of user and item in a file; MODEL is one that `foretaste train` wrote."""
    fitted = load(model)
    columns = guess_columns(pairs, user=user_column, item=item_column)
    frame = read_table(pairs)
    asked = pl.DataFrame(
        {
            "user": as_known(frame[columns.user], fitted.user_vocabulary_),
            "item": as_known(frame[columns.item], fitted.item_vocabulary_),
        }
    )
    if columns.time:
        asked = asked.with_columns(time=frame[columns.time])
    predicted = fitted.predict(asked, unknown=unknown)  # type: ignore[arg-type]  # click has checked it
    _output.write(frame.with_columns(prediction=predicted), form, output)
