"""`foretaste map`: the items of a model as a page to walk through."""

from __future__ import annotations

from pathlib import Path

import click
import polars as pl

from foretaste.cli import _output
from foretaste.cli._source import as_known, read_items
from foretaste.models import load
from foretaste.plotting import write_map


@click.command("map")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--items", help="What is known of the items: a file with a column item, or a known set.")
@click.option(
    "--method",
    type=click.Choice(["pca", "umap", "tsne"]),
    default="pca",
    show_default=True,
    help="How the factors become places: straight, or bent so that near items stay together.",
)
@click.option("--colour", help="The column that colours the map at first.  [default: the first one of texts]")
@click.option("--label-column", help="The column that says what an item is called.  [default: title, else the id]")
@click.option("--user", "users", multiple=True, help="Somebody by whose predictions it can be coloured; repeatable.")
@click.option("--title", help="The heading of the page.")
@click.option("--seed", default=0, show_default=True, help="Seed of the places and of the tests.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path("map.html"),
    show_default=True,
    help="The page to write.",
)
def map_(  # noqa: PLR0913  click calls by name
    *,
    model: Path,
    items: str | None,
    method: str,
    colour: str | None,
    label_column: str | None,
    users: tuple[str, ...],
    title: str | None,
    seed: int,
    output: Path,
) -> None:
    """A page with the items of MODEL on a map: search, colours, neighbours; the page needs the extra `plot`."""
    fitted = load(model)
    frame = None if items is None else read_items(items)
    if frame is not None:
        frame = frame.with_columns(as_known(frame["item"], fitted.item_vocabulary_))
        if label_column == "name" and "name" not in frame.columns:
            label_column = "title"  # as `read_items` calls it
    written = write_map(
        output,
        fitted,
        frame,
        method=method,  # type: ignore[arg-type]  # click has checked it
        colour=colour,
        label=label_column,
        users=as_known(pl.Series(users, dtype=pl.String), fitted.user_vocabulary_),
        title=title,
        random_state=seed,
    )
    size = written.stat().st_size / 1e6
    _output.console().print(f"{len(fitted.item_vocabulary_):,} items, {size:.1f} MB: {output}", markup=False)
