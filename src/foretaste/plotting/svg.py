"""A figure as SVG text that a web page can take in."""

from __future__ import annotations

import html
import io
import re
from typing import TYPE_CHECKING

from foretaste.plotting.figures import INK, load_extra

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def to_svg(figure: Figure, *, label: str, name: str = "figure") -> str:
    """A figure as SVG text to put into a web page, readable by day and in the dark.

    The background is clear, and text and lines take the colour and the font of the text around the picture. The same
    figure gives the same text. Texts stay texts; nothing in it is fetched from elsewhere.

    Parameters
    ----------
    figure : matplotlib Figure
        Drawn by this module's functions, whose ink is recognised.
    label : str
        What the picture shows, for those who do not see it.
    name : str
        What its inner names begin with; different for each picture of a page.
    """
    rc_context = load_extra("matplotlib").rc_context
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    drawn = io.StringIO()
    with rc_context({"svg.hashsalt": name, "svg.fonttype": "none"}):
        figure.savefig(drawn, format="svg", transparent=True, metadata=nothing)
    svg = drawn.getvalue().partition("<svg")[2].partition(">")[2]
    view_box = " ".join(f"{72 * inches:g}" for inches in figure.get_size_inches())
    svg = re.sub(r"<style.*?</style>", "", svg, flags=re.DOTALL)  # it would speak for the whole page
    svg = re.sub(r"\s+", " ", svg).replace("> <", "><")
    svg = re.sub(r"<[^>]*>", lambda tag: _adapted(tag[0], name), svg)  # tags alone: a title may hold any text
    root = f'viewBox="0 0 {view_box}" role="img" aria-label="{html.escape(label)}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {root}>{svg.strip()}'


def _adapted(tag: str, name: str) -> str:
    """A tag with names of its own, the page's font and the page's colour."""
    tag = re.sub(r"font-family: [^;\"]*", "font-family: inherit", tag)
    tag = tag.replace("xlink:href", "href").replace(INK, "currentColor")
    return re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", tag)
