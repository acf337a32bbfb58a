"""A page as one HTML text: rows to scroll, reasons on demand, nothing to load."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterable
from html import escape
from importlib.resources import files
from itertools import chain
from string import Template
from typing import TYPE_CHECKING, Any
from zlib import crc32

from foretaste.utils.looks import looks

if TYPE_CHECKING:
    from foretaste.pages.page import Page, Row, Slot

_FOLDER = files("foretaste.pages") / "templates"
# Words that a title may begin with without saying anything.
_ARTICLES = frozenset({"a", "an", "the", "le", "la", "les", "der", "das", "el", "los", "of", "and"})
_SHOWN = 3  # of what a row's evidence lists


def page_html(page: Page) -> str:
    """The page as HTML, the same text for the same page."""
    script = (_FOLDER / "page.js").read_text("utf-8")
    digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    heading = page.title or f"For {page.user}"
    rows = "\n".join(_row(row, number) for number, row in enumerate(filter(len, page.rows), start=1))
    return Template((_FOLDER / "page.html").read_text("utf-8")).substitute(
        title=escape(heading),
        heading=escape(heading),
        lead=_lead(page),
        rows=rows or '<p class="empty">There is nothing that could be shown.</p>',
        looks=looks(),
        script=script,
        digest=digest,
    )


def _lead(page: Page) -> str:
    when = f'<time datetime="{page.at.isoformat()}">{page.at:%Y-%m-%d %H:%M}</time>'
    n_slots = sum(len(row) for row in page.rows)
    whom = f"For {escape(str(page.user))}, as" if page.title else "As"
    return f"{whom} of {when}: {_counted(len(page.rows), 'row')}, {_counted(n_slots, 'item')}."


def _counted(n: int, word: str) -> str:
    return f"{n} {word}{'' if n == 1 else 's'}"


def _row(row: Row, number: int) -> str:
    title, told = _heading(row)
    cards = "\n".join(f"<li>{_card(slot, number)}</li>" for slot in row)
    return (
        f'<section data-kind="{escape(row.kind)}" aria-labelledby="row-{number}"><div class="head">'
        f'<h2 id="row-{number}">{title}</h2>{f"<p>{told}</p>" if told else ""}'
        '<div class="turn" aria-hidden="true"><button type="button" tabindex="-1" value="-1">&lsaquo;</button>'
        '<button type="button" tabindex="-1" value="1">&rsaquo;</button></div></div>\n'
        f'<ol class="shelf" role="list" aria-labelledby="row-{number}">\n{cards}\n</ol></section>'
    )


def _heading(row: Row) -> tuple[str, str]:
    """A row's title with what it rests on marked, or beside it where the title does not say; numbers say nothing."""
    words = {name: _words(value) for name, value in row.evidence.items()}
    for each in chain.from_iterable(words.values()):
        if each in row.title:
            before, _, after = row.title.partition(each)
            return f"{escape(before)}<em>{escape(each)}</em>{escape(after)}", ""
    told = [f"{name}: {', '.join(each[:_SHOWN])}" for name, each in words.items() if each]
    return escape(row.title), escape(" · ".join(told))


def _words(value: Any) -> list[str]:  # noqa: ANN401  whatever evidence there is
    several = isinstance(value, Iterable) and not isinstance(value, str)
    return [each for each in (value if several else [value]) if isinstance(each, str) and each]


def _card(slot: Slot, row: int) -> str:
    tag = '<span class="tag">Sponsored</span>' if slot.sponsored else ""
    return (
        f'<details name="row-{row}"><summary><span class="cover" aria-hidden="true" style="{_cover(slot)}">'
        f'{escape(initials(slot.title))}</span><span class="name">{escape(slot.title)}</span>{tag}</summary>'
        f'<dl class="why">{_reasons(slot)}</dl></details>'
    )


def _cover(slot: Slot) -> str:
    """Two hues, and a disc's place and size: the same for an item wherever it stands."""
    drawn = crc32(f"{slot.item}\0{slot.title}".encode())
    hue, turn, x, y, r = drawn % 360, drawn // 360 % 5, drawn // 1800 % 10, drawn // 18000 % 6, drawn // 108000 % 5
    return f"--a:{hue};--b:{(hue + 30 + 12 * turn) % 360};--x:{10 * x + 5}%;--y:{10 * y}%;--r:{28 + 7 * r}%"


def initials(title: str) -> str:
    """The first letters of the first two words that say something.

    Examples
    --------
    >>> initials("The Godfather: Part II (1974)"), initials("Alien")
    ('GP', 'Al')
    """
    words: list[str] = re.findall(r"[^\W_]+", re.sub(r"['\u2019]", "", title))
    telling = [word for word in words if word.lower() not in _ARTICLES] or words
    letters = [word for word in telling if not word.isdigit()] or telling
    if not letters:
        return "·"
    return letters[0][:2].capitalize() if len(letters) == 1 else (letters[0][0] + letters[1][0]).upper()


def _reasons(slot: Slot) -> str:
    """Each share of the score as a bar, the longest bar the largest share."""
    largest = max((abs(value) for _, value in slot.reasons), default=0) or 1
    shares = "".join(_share(name, value, largest) for name, value in slot.reasons)
    chance = "" if slot.probability == 1 else f"<div><dt>probability</dt><dd>{slot.probability:.2g}</dd></div>"
    return f"{shares}<div><dt>score</dt><dd>{_number(slot.score)}</dd></div>{chance}"


def _share(name: str, value: float, largest: float) -> str:
    less = ' class="less"' if value < 0 else ""
    width = f"{100 * abs(value) / largest:.0f}%"
    return f'<dt>{escape(name)}</dt><dd><i{less} style="--w:{width}"></i>{_number(value)}</dd>'


def _number(value: float) -> str:
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "\u2212")  # + 0.0: nothing is never less than nothing
