"""The kinds of rows: which items each is about, and in what order."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from itertools import islice
from typing import Any, ClassVar

import numpy as np

from foretaste._typing import Codes, Float32, Mask
from foretaste.exceptions import InvalidParameterError
from foretaste.pages.blend import Blend
from foretaste.pages.catalogue import Catalogue, expression, log_odds
from foretaste.pages.diversity import Diversity
from foretaste.pages.rules import mentionable
from foretaste.pages.space import SpaceName
from foretaste.pages.visit import Visit, best
from foretaste.pages.words import check_template, check_word, duration, filled
from foretaste.utils.validation import Float, Int, check_parameters

# Candidates of a row: enough to choose a varied page from, few enough to look at all pairs.
_CANDIDATES = 300


@dataclass(frozen=True, eq=False)
class Draft:
    """A row that could be shown.

    Attributes
    ----------
    spec : RowKind
        What made it.
    title : str
    codes : int32 array of shape (n_candidates,)
        Best first.
    terms : dict from signal to float32 array of shape (n_candidates,)
        What each signal adds to each score; the score is their sum.
    evidence : dict
    probabilities : float32 array of shape (n_candidates,), optional
        With what probability each was drawn, where chance had a part.
    """

    spec: RowKind
    title: str
    codes: Codes
    terms: Mapping[str, Float32]
    evidence: Mapping[str, Any] = field(default_factory=dict)
    probabilities: Float32 | None = None

    def only(self, allowed: Mask) -> Draft:
        """Without the candidates that are not allowed."""
        kept = allowed[self.codes]
        if kept.all():
            return self
        terms = {name: values[kept] for name, values in self.terms.items()}
        chances = None if self.probabilities is None else self.probabilities[kept]
        return replace(self, codes=self.codes[kept], terms=terms, probabilities=chances)

    @property
    def scores(self) -> Float32:
        """What the candidates are ordered by."""
        return _total(self.terms)


@dataclass(frozen=True, kw_only=True)
class RowKind(ABC):
    """What all kinds of rows have in common.

    Parameters
    ----------
    title : str
        May hold placeholders such as "{anchor.title}"; each kind says which it fills.
    blend : Blend, optional
        What the items are ordered by; each kind has a default.
    where : str, optional
        Only items this is true of: see `Catalogue.matching`.
    diversity : Diversity, optional
        How the chosen items are kept from being all alike.
    max_rows : int
        At most so many rows of this kind, each of another item or value.
    min_items : int
        A row of fewer is not shown.
    pinned : bool
        Shown whenever there is such a row, above those that have to earn their place, in the order of the layout.
    """

    title: str = ""
    blend: Blend | None = None
    where: str | None = None
    diversity: Diversity | None = None
    max_rows: int = 1
    min_items: int = 4
    pinned: bool = False

    kind: ClassVar[str]
    # What `title` is where none is given, and what its placeholders may be.
    heading: ClassVar[str]
    placeholders: ClassVar[tuple[str, ...]] = ()
    ordered_by: ClassVar[Blend] = Blend(predicted=1)
    # Whether it may hold what other rows hold, and what the visitor has had.
    keeps_duplicates: ClassVar[bool] = False
    shows_seen: ClassVar[bool] = False

    @property
    def takes_pins(self) -> bool:
        """Whether rules may pin items to it: not to what is the visitor's own, nor to what is all sponsored."""
        return not self.keeps_duplicates and self.kind != "sponsored"

    def __post_init__(self) -> None:
        for name in ("max_rows", "min_items"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                message = f"{name!r} of a row of kind {self.kind!r} must be an int in [1, inf), got {value!r}."
                raise InvalidParameterError(message)
        check_template(self.title, self.placeholders)
        if self.where is not None:
            expression(self.where)

    def check(self, catalogue: Catalogue) -> None:
        """Raise `InvalidParameterError` where it asks for what the items do not have."""
        if self.where is not None:
            catalogue.matching(self.where)
        if self.diversity is not None:
            self.diversity.check(catalogue)

    def drafts(self, visit: Visit, allowed: Mask) -> list[Draft]:
        """The rows of this kind for a visit, the best first; `allowed` are the items they may hold."""
        found = (draft for draft in self._drafts(visit, allowed) if draft.codes.size >= self.min_items)
        return list(islice(found, self.max_rows))

    @abstractmethod
    def _drafts(self, visit: Visit, allowed: Mask) -> Iterator[Draft]:
        """All there could be, the best first; made one by one, as they are asked for."""

    def draft(
        self,
        visit: Visit,
        allowed: Mask | Codes,
        *,
        replaced: Mapping[str, Float32] | None = None,
        in_order: bool = False,
        evidence: Mapping[str, Any] | None = None,
        **names: str,
    ) -> Draft:
        """The best of what is allowed by the blend, with the title filled; arguments as in `ranked`."""
        codes, terms = self.ranked(visit, allowed, replaced=replaced, in_order=in_order)
        return Draft(self, self._named(names), codes, terms, dict(evidence or {}))

    def ranked(
        self,
        visit: Visit,
        allowed: Mask | Codes,
        *,
        replaced: Mapping[str, Float32] | None = None,
        in_order: bool = False,
    ) -> tuple[Codes, dict[str, Float32]]:
        """The best of what is allowed by the blend, and what each signal adds to their scores.

        Parameters
        ----------
        visit : Visit
        allowed : bool array of shape (n_items,), or int32 array of codes that ascend
        replaced : dict from signal to float32 array of shape (n_items,), optional
            Signals that mean something else in this row.
        in_order : bool
            Whether `allowed` are codes that stand in the order of the blend already.
        """
        blend = self.blend or self.ordered_by
        if in_order:
            codes: Codes = allowed[:_CANDIDATES]  # type: ignore[assignment]  # they are codes
        elif replaced:
            codes = best(visit.blended(blend, replaced, faded=not self.shows_seen), allowed, _CANDIDATES)
        else:
            codes = self._first(visit, blend, allowed)
        signals = {name: replaced[name] if replaced and name in replaced else visit.signal(name) for name, _ in blend}
        terms = {name: np.float32(weight) * signals[name][codes] for name, weight in blend}
        return codes, boosted(terms, visit.worth(faded=not self.shows_seen)[codes])

    def _first(self, visit: Visit, blend: Blend, allowed: Mask | Codes) -> Codes:
        """The best of what is allowed; where several rows ask, looked for among the leaders first."""
        faded = not self.shows_seen
        if allowed.dtype == np.bool_ and visit.is_shared(blend, faded=faded):
            leaders, all_of_them = visit.leaders(blend, faded=faded)
            found = leaders[allowed[leaders]][:_CANDIDATES]
            if all_of_them or found.size == _CANDIDATES:
                return found
        return best(visit.blended(blend, faded=faded), allowed, _CANDIDATES)

    def _named(self, names: Mapping[str, str]) -> str:
        dotted = {name.replace("__", "."): value for name, value in names.items()}
        return filled(self.title or self.heading, dotted)


def boosted(terms: Mapping[str, Float32], boosts: Float32) -> dict[str, Float32]:
    """Terms with one more for what the rules add, so that their sum is the boosted score."""
    extra = boosts - np.float32(1)
    return {**terms, "rules": _total(terms) * extra} if extra.any() else dict(terms)


def _total(terms: Mapping[str, Float32]) -> Float32:
    return reduce(np.add, terms.values())


@dataclass(frozen=True, kw_only=True)
class Top(RowKind):
    """What the visitor is expected to like best."""

    kind: ClassVar = "top"
    heading: ClassVar = "Picks for you"

    def _drafts(self, visit: Visit, allowed: Mask) -> Iterator[Draft]:
        yield self.draft(visit, allowed)


@dataclass(frozen=True, kw_only=True)
class Because(RowKind):
    """Like something the visitor liked of late; one row an anchor, and no two anchors much alike.

    In its blend `similarity` is the cosine with the anchor.

    Parameters
    ----------
    within : float or str
        How long ago the anchor may be.
    apart : float
        Two anchors whose cosine is above this do not both have a row.
    space : {"factors", "events", "content"}, optional
        Where likeness is measured; that of the settings by default.
    """

    within: float | str = "60d"
    apart: float = 0.8
    space: SpaceName | None = None
    max_rows: int = 3

    kind: ClassVar = "because"
    heading: ClassVar = "Because you liked {anchor.title}"
    placeholders: ClassVar = ("anchor.title",)
    ordered_by: ClassVar = Blend(similarity=1, predicted=0.5)

    def __post_init__(self) -> None:
        super().__post_init__()
        duration(self.within, "'within' of a row")
        check_parameters("a row of kind 'because'", {"apart": self.apart}, {"apart": Float(-1, 1)})

    def _drafts(self, visit: Visit, allowed: Mask) -> Iterator[Draft]:
        space, catalogue = visit.stage.space(self.space), visit.stage.catalogue
        anchors = self._anchors(visit)
        cosines = space.near(np.array(anchors, np.int32))
        np.maximum(cosines, 0, out=cosines)
        for anchor, near in zip(anchors, cosines, strict=True):
            others = allowed.copy()
            others[anchor] = False
            others &= near > 0  # whatever the blend says, what is not like it is not here because of it
            title = catalogue.titles[anchor]
            evidence = {"anchor": catalogue.items.decode_one(anchor), "title": title}
            yield self.draft(visit, others, replaced={"similarity": near}, evidence=evidence, anchor__title=title)

    def _anchors(self, visit: Visit) -> list[int]:
        history, space = visit.history, visit.stage.space(self.space)
        recent = (history.ages <= duration(self.within, "'within' of a row")) & (history.strengths > 0)
        recent &= mentionable(visit)[history.codes]
        order = np.flatnonzero(recent)[np.argsort(-history.weights[recent], kind="stable")]
        chosen: list[int] = []
        for anchor in map(int, history.codes[order]):
            others = np.array(chosen, np.int32)
            if space.between(np.array([anchor], np.int32), others).max(initial=-1) <= self.apart:
                chosen.append(anchor)
            if len(chosen) == self.max_rows:
                break
        return chosen


@dataclass(frozen=True, kw_only=True)
class Category(RowKind):
    r"""Items of one value of an attribute; the values that stand out in the visitor's own history come first.

    Values are ordered by how surely they occur more often in what the visitor liked than in what everybody has: the
    log-odds ratio with a Dirichlet prior, in standard deviations (Monroe, Colaresi, Quinn 2008, "Fightin' words",
    equation 22).

    Parameters
    ----------
    attribute : str
        A column of the items: texts, or lists of texts.
    values : tuple of str
        These values only, in this order; by default those of the visitor.
    """

    attribute: str
    values: tuple[str, ...] = ()
    max_rows: int = 4

    kind: ClassVar = "category"
    heading: ClassVar = "{value}"
    placeholders: ClassVar = ("value", "attribute")

    def check(self, catalogue: Catalogue) -> None:
        """Raise `InvalidParameterError` where there is no such attribute, or no item has one of the values."""
        super().check(catalogue)
        known = catalogue.attribute(self.attribute).values
        for value in self.values:
            check_word(value, known, f"among the {self.attribute} of the items")

    def _drafts(self, visit: Visit, allowed: Mask) -> Iterator[Draft]:
        attribute = visit.stage.catalogue.attribute(self.attribute)
        leaders, all_of_them = visit.leaders(self.blend or self.ordered_by, faded=not self.shows_seen)
        leaders = leaders[allowed[leaders]]
        starts, places = attribute.grouped(leaders)
        for place in self._order(visit):
            inside = leaders[places[starts[place] : starts[place + 1]]]
            is_enough = all_of_them or inside.size >= _CANDIDATES
            if not is_enough:
                members = attribute.items_with(place)
                inside = members[allowed[members]]
            value = attribute.values[place]
            evidence = {"attribute": self.attribute, "value": value}
            yield self.draft(
                visit, inside, in_order=is_enough, evidence=evidence, value=value, attribute=self.attribute
            )

    def _order(self, visit: Visit) -> list[int]:
        attribute = visit.stage.catalogue.attribute(self.attribute)
        if self.values:
            return [attribute.values.index(value) for value in self.values]
        liked = visit.history.strengths > 0
        own = attribute.counts(visit.history.codes[liked])
        surplus = log_odds(own, visit.stage.value_counts(self.attribute, visit.day))
        order = np.argsort(-surplus, kind="stable")
        return [int(place) for place in order if own[place] > 0]


@dataclass(frozen=True, kw_only=True)
class Discover(RowKind):
    r"""Liked but unlike what the visitor had: a step outside, not a leap.

    .. math:: s_i = b_i \Big(1 - \max_{j \in H_u} \cos(x_i, x_j)\Big)

    for the best `reach` items by the blend b; the maximum is taken over the visitor's last items.

    Parameters
    ----------
    reach : int
        How far down the visitor's own order it looks. More is farther from home, and less sure to please.
    space : {"events", "content", "factors"}
        Where likeness is measured. That of the model's own factors would mostly undo what the model says.
    """

    reach: int = 300
    space: SpaceName = "events"

    kind: ClassVar = "discover"
    heading: ClassVar = "Something different"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_parameters("a row of kind 'discover'", {"reach": self.reach}, {"reach": Int(1)})

    def _drafts(self, visit: Visit, allowed: Mask) -> Iterator[Draft]:
        blend = self.blend or self.ordered_by
        if not visit.history.codes.size:
            return  # everything is different for somebody who had nothing
        pool = visit.first(blend, allowed, self.reach)
        nearest = visit.stage.space(self.space).between(pool, visit.history.codes).max(axis=1, initial=0)
        likeness = np.maximum(nearest, 0)
        terms = {name: np.float32(weight) * visit.signal(name)[pool] for name, weight in blend}
        terms = boosted(terms, visit.worth(faded=True)[pool])
        terms["like what you had"] = -likeness * np.sum(list(terms.values()), axis=0, dtype=np.float32)
        draft = Draft(self, self._named({}), pool, terms)
        order = np.lexsort((pool, -draft.scores))[:_CANDIDATES]
        yield Draft(self, draft.title, pool[order], {name: values[order] for name, values in terms.items()})


@dataclass(frozen=True, kw_only=True)
class Popular(RowKind):
    """What many had of late; nothing that nobody had."""

    kind: ClassVar = "popular"
    heading: ClassVar = "Popular now"
    ordered_by: ClassVar = Blend(popularity=1)

    def _drafts(self, visit: Visit, allowed: Mask) -> Iterator[Draft]:
        yield self.draft(visit, allowed & (visit.signal("popularity") > 0))


@dataclass(frozen=True, kw_only=True)
class Trending(RowKind):
    """What is above its own rate of late; nothing that is not."""

    kind: ClassVar = "trending"
    heading: ClassVar = "Trending"
    ordered_by: ClassVar = Blend(trending=1)

    def _drafts(self, visit: Visit, allowed: Mask) -> Iterator[Draft]:
        yield self.draft(visit, allowed & (visit.signal("trending") > 0))


@dataclass(frozen=True, kw_only=True)
class New(RowKind):
    """What appeared within some time, the newest first unless the blend says otherwise; nothing yet to be released.

    Parameters
    ----------
    within : float or str
        How old an item may be.
    """

    within: float | str = "30d"

    kind: ClassVar = "new"
    heading: ClassVar = "New here"
    ordered_by: ClassVar = Blend(freshness=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        duration(self.within, "'within' of a row")

    def _drafts(self, visit: Visit, allowed: Mask) -> Iterator[Draft]:
        settings = visit.stage.settings
        oldest = np.exp2(-duration(self.within, "'within' of a row") / settings.days("freshness_half_life"))
        yield self.draft(visit, allowed & (visit.signal("freshness") >= oldest) & ~visit.stage.to_come(visit.day))


@dataclass(frozen=True, kw_only=True)
class Continue(RowKind):
    """What the visitor has started and not finished: `Visitor.progress`. Other rows may hold it too."""

    min_items: int = 1

    kind: ClassVar = "continue"
    heading: ClassVar = "Continue"
    ordered_by: ClassVar = Blend(engaged=1)
    keeps_duplicates: ClassVar = True
    shows_seen: ClassVar = True

    def _drafts(self, visit: Visit, allowed: Mask) -> Iterator[Draft]:
        started, _ = visit.progress
        yield self.draft(visit, started[allowed[started]])


@dataclass(frozen=True, kw_only=True)
class Sponsored(RowKind):
    """Items that a sponsored rule applies to, the most relevant first; every slot says what it is."""

    min_items: int = 2

    kind: ClassVar = "sponsored"
    heading: ClassVar = "Sponsored"

    def _drafts(self, visit: Visit, allowed: Mask) -> Iterator[Draft]:
        yield self.draft(visit, allowed & (visit.sponsor >= 0))
