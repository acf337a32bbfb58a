"""`Composer`: a page for one person at one moment, from a model, events, a catalogue and a layout."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from foretaste._typing import Frame, Id
from foretaste.data.coerce import as_events
from foretaste.data.moments import SECONDS_A_DAY, moment
from foretaste.exceptions import DataWarning
from foretaste.pages.catalogue import Catalogue
from foretaste.pages.choosing import Shelf
from foretaste.pages.layout import Layout
from foretaste.pages.page import Page, Row, Slot
from foretaste.pages.placing import Choice, place
from foretaste.pages.rows import Draft, RowKind
from foretaste.pages.rules import Rule, eligible
from foretaste.pages.stage import Scorer, Settings, Stage
from foretaste.pages.visit import Visit, Visitor
from foretaste.utils.warn import warn


class Composer:
    """Composes pages.

    Parameters
    ----------
    model : fitted model
        Anything with `score_codes`, as every model of foretaste has it.
    events : Interactions or what `fit` takes
        Who had what and when; with times, or nothing can be recent. Pages look only at what was before their moment.
    layout : Layout
    items : frame, optional
        What is known of the items: `item`, `title`, and whatever rows and rules name.

    Examples
    --------
    >>> import foretaste as ft
    >>> from foretaste import pages
    >>> albums = ft.Interactions.from_frame(ft.datasets.albums())
    >>> model = ft.ImplicitItemKNN().fit(albums)
    >>> layout = pages.Layout(row=(pages.Top(min_items=1),), columns=2)
    >>> page = pages.Composer(model, albums, layout).compose("diego")
    >>> [slot.item for slot in page.rows[0]]
    ['melt-banana', 'zhou-shen']
    """

    def __init__(self, model: Scorer, events: Any, layout: Layout, items: Frame | None = None) -> None:  # noqa: ANN401
        catalogue = Catalogue(model.item_vocabulary_, items)
        parts: tuple[RowKind | Rule | Settings, ...] = (*layout.row, *layout.rule, layout.signals)
        for part in parts:
            part.check(catalogue)
        self.layout = layout
        self.stage = Stage(model, as_events(events), catalogue, layout.signals, layout.rule)
        told = [
            f"{self.stage.log.n_unknown} events are of items" if self.stage.log.n_unknown else "",
            f"{catalogue.n_unknown} rows are of items" if catalogue.n_unknown else "",
        ]
        if any(told):
            warn(f"{' and '.join(filter(None, told))} unknown to the model and left out.", DataWarning)
        if self.stage.log.n_timeless:
            warn(f"{self.stage.log.n_timeless} events have no time and are left out.", DataWarning)
        self._wanted = [
            np.ones(len(catalogue), np.bool_) if spec.where is None else catalogue.matching(spec.where)
            for spec in layout.row
        ]

    def compose(self, user: Id, at: Any = None, visitor: Visitor | None = None) -> Page:  # noqa: ANN401  see `moment`
        """The page of a user at a moment.

        Parameters
        ----------
        user : hashable
            Somebody unknown gets what is good for everybody.
        at : datetime, date, str or number, optional
            By default the moment after the last event; now, where events have no times.
        visitor : Visitor, optional
            What is known besides the events.

        Returns
        -------
        Page
            The same whenever it is composed from the same for the same day.
        """
        return self.page_of(self.visit(user, at, visitor))

    def page_of(self, visit: Visit) -> Page:
        """The page of a visit."""
        drafts = self.drafts(visit)
        shelf = Shelf.of(drafts, visit, self.layout)
        rows: list[tuple[Draft, list[Choice]]] = []
        has_pins = False
        while len(rows) < self.layout.rows and (draft := shelf.next_row()) is not None:
            takes_pins = draft.spec.takes_pins and not has_pins
            slots = place(draft, visit, self.layout, shelf.shown, takes_pins=takes_pins)
            if len(slots) < draft.spec.min_items:
                shelf.drop(draft)
                continue
            rows.append((draft, slots))
            has_pins |= takes_pins
            shelf.take(draft, np.array([choice.code for choice in slots], np.int32))
        # whatever rows and rules did on the way, nothing leaves that may not be shown
        allowed = eligible(visit)
        checked = ((draft, [choice for choice in slots if allowed[choice.code]]) for draft, slots in rows)
        shown = tuple(
            Row(draft.spec.kind, draft.title, tuple(map(self._slot, slots)), dict(draft.evidence))
            for draft, slots in checked
            if slots
        )
        return Page(visit.user, visit.at, shown, self.layout.title, self.stage.model.kind_)

    def with_rules(self, rules: Sequence[Rule]) -> Composer:
        """A composer with other rules, and everything else as here."""
        other = copy.copy(self)
        other.layout = replace(self.layout, rule=tuple(rules))
        other.stage = self.stage.with_rules(other.layout.rule)
        return other

    def visit(self, user: Id, at: Any = None, visitor: Visitor | None = None) -> Visit:  # noqa: ANN401  as above
        """A user at a moment, with what rows are made from; arguments as in `compose`."""
        return Visit(self.stage, user, self._moment(at), visitor or Visitor(), seen=self.layout.seen)

    def _moment(self, at: Any) -> Any:  # noqa: ANN401
        if at is not None:
            return moment(at)
        if not self.stage.log.has_times:
            return moment(datetime.now(UTC))
        return moment(float(np.ceil(self.stage.log.days[-1] * SECONDS_A_DAY)) + 1)

    def drafts(self, visit: Visit) -> list[Draft]:
        """The rows that could be shown, in the order of the layout."""
        drafts: list[Draft] = []
        for spec, wanted in zip(self.layout.row, self._wanted, strict=True):
            allowed = visit.allowed(seen_too=spec.shows_seen) & wanted
            # a kind of row that looks elsewhere loses what it found there
            drafts += [draft.only(allowed) for draft in spec.drafts(visit, allowed)]
        return drafts

    def _slot(self, choice: Choice) -> Slot:
        draft, position, catalogue = choice.draft, choice.position, self.stage.catalogue
        reasons = tuple((name, float(values[position])) for name, values in draft.terms.items())
        return Slot(
            catalogue.items.decode_one(choice.code),
            catalogue.titles[choice.code],
            sum(value for _, value in reasons),
            reasons,
            choice.sponsored,
            1.0 if draft.probabilities is None else float(draft.probabilities[position]),
        )
