"""`Mix`: lists that last a day, each of things alike, half known and half new."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from foretaste._typing import Codes, Float32, Float64, Mask
from foretaste.pages.blend import Blend
from foretaste.pages.catalogue import Attribute, Catalogue, log_odds
from foretaste.pages.rows import Draft, RowKind, boosted
from foretaste.pages.space import Space, SpaceName
from foretaste.pages.tastes import Taste, tastes
from foretaste.pages.visit import Visit
from foretaste.utils.validation import Constraint, Float, Int, check_parameters

# One in so many of a mix's own members is farther from its centre than anything in it may be: the 20th percentile.
_FARTHEST = 5
# A title names so many values, each of at least this share of the members, and so many times as frequent there as
# elsewhere.
_TAGS, _SHARE, _LIFT = 3, 0.25, 2.0
_EXAMPLES = 2


@dataclass(frozen=True, kw_only=True)
class Mix(RowKind):
    r"""Several lists, each of things alike that the visitor would like; made in the morning, and another tomorrow.

    What the visitor likes is put into groups (`foretaste.pages.tastes.tastes`), one a mix. An item belongs to the mix
    whose centre is nearest, if it is nearer to that than a fifth of the mix's own members are. From these the list is
    drawn without replacement, each time with probability

    .. math:: p_i = \frac{e^{b_i / \tau}}{\sum_{j \textrm{ not yet drawn}} e^{b_j / \tau}}

    b being the blend and :math:`\tau` = `chance`, by way of the order of :math:`b_i + \tau G_i`, with independent
    Gumbel numbers G (Gumbel top-k: Vieira 2014; Kool, van Hoof, Welling 2019). These come from a hash of user, number
    of the mix, date and item, so that the list is the same all day. What the visitor had and liked, and what is new,
    are drawn apart and merged in proportion; where one runs out, the other fills its places.

    A mix keeps its number while the history grows. Everything is as of the beginning of the day; on somebody's first
    day, as of now. In its blend `similarity` is the cosine with the centre of the mix.

    Parameters
    ----------
    attribute : str, optional
        A column of the items, texts or lists of texts, that titles are made of.
    familiar : float
        The share of what the visitor had. Items that were had and not liked are in no mix.
    chance : float
        The higher, the less likely the list is that of the highest blends. At 0 it is just that, every day.
    reach : int
        How far down the visitor's own order it looks for what is new.
    size : int
        How many items are drawn; `diversity` chooses among them.
    merge_cost : float
        Groups whose members are farther apart than this on average, in 1 - cos, are different mixes.
    min_group : int
        A group of fewer liked items is no mix.
    space : {"factors", "events", "content"}, optional
        Where likeness is measured; that of the settings by default.

    Notes
    -----
    Placeholders of the title: `{number}`; `{tags}`, the two or three values of the attribute that tell the mix from the
    others and from what everybody has, or else the examples; `{examples}`, "A, B and more" of the visitor's own.

    The probability of a slot is that of being drawn in its turn, given what was drawn before from the same of the two.

    Examples
    --------
    >>> import foretaste as ft
    >>> from foretaste import pages
    >>> albums = ft.datasets.albums()
    >>> layout = pages.Layout(row=(pages.Mix(space="events", min_group=2, min_items=2),))
    >>> page = pages.Composer(ft.Popularity().fit(albums), albums, layout).compose("an", "2026-01-31")
    >>> page.rows[0].title
    'Mix 1: ommazh, melt-banana'
    >>> [slot.item for slot in page.rows[0]]
    ['melt-banana', 'ommazh']
    """

    attribute: str | None = None
    familiar: float = 0.7
    chance: float = 0.15
    reach: int = 1000
    size: int = 50
    merge_cost: float = 0.4
    min_group: int = 4
    space: SpaceName | None = None
    max_rows: int = 6

    kind: ClassVar = "mix"
    heading: ClassVar = "Mix {number}: {tags}"
    placeholders: ClassVar = ("number", "tags", "examples")
    shows_seen: ClassVar = True

    def __post_init__(self) -> None:
        super().__post_init__()
        constraints: dict[str, Constraint] = {
            "familiar": Float(0, 1),
            "chance": Float(0),
            "reach": Int(1),
            "size": Int(1),
            "merge_cost": Float(0, 2),
            "min_group": Int(2),
        }
        check_parameters("a row of kind 'mix'", {name: getattr(self, name) for name in constraints}, constraints)

    def check(self, catalogue: Catalogue) -> None:
        """Raise `InvalidParameterError` where the items have no such attribute."""
        super().check(catalogue)
        if self.attribute is not None:
            catalogue.attribute(self.attribute)

    @property
    def _blend(self) -> Blend:
        return self.blend or self.ordered_by

    def _drafts(self, visit: Visit, allowed: Mask) -> Iterator[Draft]:
        visit, space = visit.morning, visit.stage.space(self.space)
        known = space.known
        if (self.space or visit.stage.settings.space) != "content":
            # what only the visitor had lies where the visitor is, whatever it is like
            known = known & visit.stage.shared(visit.day)
        found = tastes(visit, space, known, merge_cost=self.merge_cost, min_group=self.min_group, n=self.max_rows)
        if not found:
            return
        codes, is_familiar = self._pool(visit, allowed)
        mixes, nearness = _nearest(space, codes, found)
        similarity = np.zeros(visit.n_items, np.float32)
        similarity[codes] = np.maximum(nearness, 0)
        for place, (taste, tags) in enumerate(zip(found, self._tags(visit, found), strict=True)):
            own = np.flatnonzero(mixes == place)
            terms, probabilities, order = self._drawn(visit, taste.number, codes[own], is_familiar[own], similarity)
            drawn = codes[own][order]
            names = {"number": str(taste.number), **self._words(visit, taste, allowed, drawn, tags)}
            evidence = {"number": taste.number, "tags": list(tags)}
            kept = {name: values[order] for name, values in terms.items()}
            yield Draft(self, self._named(names), drawn, kept, evidence, probabilities)

    def _pool(self, visit: Visit, allowed: Mask) -> tuple[Codes, Mask]:
        """What may be drawn: all that was had and liked, and the best of what is new; and which it is."""
        items, _, strengths = visit.events
        liked = np.unique(items[strengths > 0])
        new = visit.first(self._blend, allowed & ~visit.seen, self.reach, faded=False)
        # a share of none, or of all, means none of the others, even to fill the row
        parts = [liked[allowed[liked]][: None if self.familiar > 0 else 0], new[: None if self.familiar < 1 else 0]]
        codes = np.concatenate(parts)
        return codes, np.arange(codes.size) < parts[0].size

    def _drawn(
        self, visit: Visit, number: int, codes: Codes, is_familiar: Mask, similarity: Float32
    ) -> tuple[dict[str, Float32], Float32 | None, npt.NDArray[np.intp]]:
        """The terms of some items, and which are drawn: with what probability, and their positions in turn."""
        signals = {name: similarity if name == "similarity" else visit.signal(name) for name, _ in self._blend}
        terms = {name: np.float32(weight) * signals[name][codes] for name, weight in self._blend}
        terms = boosted(terms, visit.worth(faded=False)[codes])
        scores: Float64 = np.sum(list(terms.values()), axis=0, dtype=np.float64)
        if not self.chance:
            order = np.lexsort((codes, -scores))
            return terms, None, order[_merged(is_familiar[order], self.familiar)][: self.size]
        luck = gumbels(f"{visit.known_as} {number} {visit.at.date()}", codes)
        terms["chance"] = (self.chance * luck).astype(np.float32)
        order = np.lexsort((codes, -(scores + self.chance * luck)))
        probabilities = np.zeros(codes.size, np.float32)
        for part in (order[is_familiar[order]], order[~is_familiar[order]]):
            probabilities[part] = in_turn(scores[part] / self.chance)
        order = order[_merged(is_familiar[order], self.familiar)][: self.size]
        return terms, probabilities[order], order

    @staticmethod
    def _words(visit: Visit, taste: Taste, allowed: Mask, drawn: Codes, tags: tuple[str, ...]) -> dict[str, str]:
        """What the title may name: nothing that may not be shown."""
        named = np.concatenate([taste.members[allowed[taste.members]], drawn])
        _, first = np.unique(named, return_index=True)
        titles = [visit.stage.catalogue.titles[code] for code in named[np.sort(first)][:_EXAMPLES]]
        examples = ", ".join(titles) + (" and more" if first.size > len(titles) else "")
        return {"tags": ", ".join(tags) or examples, "examples": examples}

    def _tags(self, visit: Visit, found: list[Taste]) -> list[tuple[str, ...]]:
        """The values of the attribute that tell each mix from the others and from everybody."""
        if self.attribute is None:
            return [() for _ in found]
        attribute = visit.stage.catalogue.attribute(self.attribute)
        everybody = (visit.stage.value_counts(self.attribute, visit.day), visit.stage.log.until(visit.day))
        own = [attribute.counts(taste.members) for taste in found]
        everything, n_members = np.sum(own, axis=0), sum(taste.members.size for taste in found)
        return [
            telling(attribute, counts, n, [(everything - counts, n_members - n), everybody])
            for counts, n in zip(own, (taste.members.size for taste in found), strict=True)
        ]


def telling(attribute: Attribute, own: Float64, n_own: int, others: list[tuple[Float64, int]]) -> tuple[str, ...]:
    """The values that tell some items from each of several others, the surest first.

    Of two of which one holds the other, as "metal" and "death metal", only the surer is named.

    Parameters
    ----------
    attribute : Attribute
    own : float64 array of shape (n_values,)
        How often each value occurs among the items.
    n_own : int
        How many items there are.
    others : list of (float64 array, int)
        The same of what they are to be told from.
    """
    values = np.flatnonzero(own >= max(2.0, _SHARE * n_own))
    surest = np.full(values.size, np.inf)
    for counts, n_others in others:
        if n_others:
            apart = own[values] / n_own >= _LIFT * counts[values] / n_others
            values, surest = values[apart], surest[apart]
            surest = np.minimum(surest, log_odds(own, counts, values))
    named: list[str] = []
    for value in values[np.lexsort((values, -surest))]:
        name = attribute.values[value]
        if len(named) < _TAGS and not any(name in other or other in name for other in named):
            named.append(name)
    return tuple(named)


def gumbels(seed: str, codes: Codes) -> Float64:
    """A Gumbel number of each item: independent of each other to look at, and the same wherever the seed is.

    The uniform numbers below them are those of SplitMix64 (Steele, Lea, Flood 2014) at a place that the item says, so
    that an item's number does not depend on which others there are.
    """
    start = np.array([int.from_bytes(blake2b(seed.encode(), digest_size=8).digest(), "little")], np.uint64)
    state = start + (codes.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    uniform = ((state ^ (state >> np.uint64(31))) >> np.uint64(11)).astype(np.float64)
    luck: Float64 = -np.log(-np.log((uniform + 0.5) / 2.0**53))
    return luck


def in_turn(logits: Float64) -> Float64:
    r"""The probability of each to be drawn in its turn: :math:`e^{l_k} / \sum_{j \ge k} e^{l_j}`."""
    weights = np.exp(logits - logits.max(initial=-np.inf))
    left = np.cumsum(weights[::-1])[::-1]
    chances: Float64 = weights / np.maximum(left, 1e-300)
    return chances


def _merged(is_first: Mask, share: float) -> npt.NDArray[np.intp]:
    """Two lists, each in its order, as one, in which as many are of the first as its share, as near as can be.

    The k-th of the first is due when share * place = k - 1/2, and so for the second with the rest of the share.
    """
    rank = np.where(is_first, np.cumsum(is_first), np.cumsum(~is_first)) - 0.5
    due = rank / np.where(is_first, max(share, 1e-12), max(1 - share, 1e-12))
    return np.argsort(due, kind="stable")


def _nearest(space: Space, codes: Codes, found: list[Taste]) -> tuple[npt.NDArray[np.intp], Float32]:
    """Which taste each item belongs to, -1 for none, and the cosine with its centre."""
    cosines = space.vectors[codes] @ np.array([taste.centre for taste in found]).T
    mixes = cosines.argmax(axis=1)
    nearness = np.take_along_axis(cosines, mixes[:, None], axis=1)[:, 0]
    border = np.array([np.sort(taste.nearness)[(taste.nearness.size - 1) // _FARTHEST] for taste in found], np.float32)
    # a member at the border itself is in, though its cosine was summed in another order
    return np.where(nearness >= border[mixes] - np.float32(1e-6), mixes, -1), nearness
