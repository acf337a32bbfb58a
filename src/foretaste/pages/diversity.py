"""`Diversity` and `Window`: how the items of a row are kept from being all alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from foretaste._typing import Codes, Float32, Float64
from foretaste.exceptions import InvalidParameterError
from foretaste.kernels.diversity import (
    calibrate,
    greedy_map,
    marginal_relevance,
    space_out,
    take_rows,
    value_vectors,
)
from foretaste.pages.space import SpaceName
from foretaste.pages.words import check_word
from foretaste.utils.validation import Float, Int, check_parameters

if TYPE_CHECKING:
    from foretaste.pages.catalogue import Attribute, Catalogue
    from foretaste.pages.visit import Visit

Method = Literal["mmr", "dpp", "calibrated", "none"]


@dataclass(frozen=True)
class Window:
    """At most so many items of one value among any so many slots in a row.

    An item that comes too early waits, and takes the first slot where it fits; where nothing fits the row ends.
    Of an item with several values each one counts; one without any always fits.

    Parameters
    ----------
    attribute : str
        A column of the items: texts, or lists of texts.
    most : int
    among : int
        More than `most`.

    Examples
    --------
    >>> Window("artist", most=2, among=5)
    Window(attribute='artist', most=2, among=5)
    """

    attribute: str
    most: int = 2
    among: int = 5

    def __post_init__(self) -> None:
        values = {"most": self.most, "among": self.among}
        check_parameters("a window", values, {"most": Int(1), "among": Int(2)})
        if self.among <= self.most:
            message = (
                f"'among' of a window must be above 'most', got {self.among} and {self.most}. Hint: most=2, among=5 "
                "is at most 2 in any 5."
            )
            raise InvalidParameterError(message)

    def allows(self, before: Sequence[Sequence[int]], values: Sequence[int]) -> bool:
        """Whether an item with some values may follow items with theirs."""
        recent = before[-(self.among - 1) :]
        return all(sum(value in others for others in recent) < self.most for value in values)


@dataclass(frozen=True, kw_only=True)
class Diversity:
    r"""Which of a row's candidates are shown, and in what order, so that they are not all alike.

    Slot by slot the candidate that adds most, with :math:`s_i` the scores, brought to the range from 0 to 1 among the
    candidates so that `weight` w means the same for every blend, and L those chosen so far:

    - "mmr", unlike each of those chosen:

      .. math:: (1 - w)\, s_i - w \max_{j \in L} \cos(x_i, x_j)

    - "dpp", unlike all of them taken together:

      .. math:: (1 - w) \sum_{i \in L} s_i + w \log \det S_L, \qquad S_{ij} = \cos(x_i, x_j)

      which is the greedy choice from a determinantal point process with the kernel :math:`\mathrm{diag}(q)\, S\,
      \mathrm{diag}(q)`, :math:`q_i = e^{\theta s_i}`, :math:`\theta = (1 - w) / 2w`. Once all that is left is alike or
      a mixture of what is chosen, the determinant is zero, and the others follow by their scores.
    - "calibrated", in the proportions of what the visitor had:

      .. math:: (1 - w) \sum_{i \in L} s_i - w \sum_g p_g \log_2 \frac{p_g}{0.99\, q_g + 0.01\, p_g}

      with p the share of each value g in the visitor's history, weighted by strength and age, and q that in L. An
      item of several values is shared among them. Somebody without a history gets the order of the scores.
    - "none", the order of the scores: for a window alone.

    With w = 0 all of them are the order of the scores. Among equals the candidate that comes first is chosen.

    Parameters
    ----------
    method : {"mmr", "dpp", "calibrated", "none"}
    weight : float
        w, between 0 and 1.
    by : str, optional
        What :math:`x_i` is: a space ("factors", "events" or "content"), or a column of the items, whose cosine is that
        of two sets of values, :math:`|A \cap B| / \sqrt{|A| |B|}`. By default the space of the layout's settings. For
        "calibrated" the column whose shares are meant.
    window : Window, optional
        Looked at last: what the method chose, then the others by score, each in the first slot where it fits.

    References
    ----------
    Carbonell, Goldstein 1998, "The use of MMR, diversity-based reranking for reordering documents and producing
    summaries"; Chen, Zhang, Zhou 2018, "Fast greedy MAP inference for determinantal point process to improve
    recommendation diversity", algorithm 1 and section 4; Steck 2018, "Calibrated recommendations", sections 3 and 4.

    Examples
    --------
    >>> Diversity(method="dpp", weight=0.3, by="factors", window=Window("director", most=1, among=4))
    Diversity(method='dpp', weight=0.3, by='factors', window=Window(attribute='director', most=1, among=4))
    """

    method: Method = "mmr"
    weight: float = 0.3
    by: str | None = None
    window: Window | None = None

    def __post_init__(self) -> None:
        check_word(self.method, get_args(Method), "the method of diversity")
        check_parameters("diversity", {"weight": self.weight}, {"weight": Float(0, 1)})
        if self.method == "calibrated" and (self.by is None or self.by in get_args(SpaceName)):
            message = (
                f"'by' of calibrated diversity must be a column of the items, got {self.by!r}. "
                "Hint: by='genres' makes the genres of the row those of the visitor's history."
            )
            raise InvalidParameterError(message)

    def check(self, catalogue: Catalogue) -> None:
        """Raise `InvalidParameterError` where it asks for a column that the items do not have."""
        spaces = get_args(SpaceName)
        if self.method != "none" and self.by is not None and self.by not in spaces:
            _attribute(catalogue, self.by, "'by' of diversity", *spaces)
        if self.window is not None:
            _attribute(catalogue, self.window.attribute, "'attribute' of a window")

    def order(self, visit: Visit, codes: Codes, scores: Float32, n: int) -> Codes:
        """The candidates chosen, in the order of their slots.

        Parameters
        ----------
        visit : Visit
        codes : int32 array of shape (n_candidates,)
            The items.
        scores : float32 array of shape (n_candidates,)
        n : int
            How many are wanted.

        Returns
        -------
        int32 array
            Positions in `codes`, none twice: n, or as many as there are, or as many as the window allows.
        """
        n = min(n, codes.size)
        relevance = _from_0_to_1(scores)
        by_score = np.argsort(-relevance, kind="stable").astype(np.int32)
        chosen = self._chosen(visit, codes, relevance, n) if n and self.weight and self.method != "none" else None
        if chosen is None:
            chosen = by_score[:n]
        if self.window is None:
            return chosen
        left = np.ones(codes.size, np.bool_)
        left[chosen] = False
        attribute = _attribute(visit.stage.catalogue, self.window.attribute, "'attribute' of a window")
        rows, slots = _values(attribute, codes), np.empty(n, np.int32)
        waiting = np.concatenate([chosen, by_score[left[by_score]]])
        filled = space_out(waiting, *rows, len(attribute.values), self.window.most, self.window.among, slots)
        return slots[:filled]

    def _chosen(self, visit: Visit, codes: Codes, relevance: Float64, n: int) -> Codes | None:
        """The positions the method chooses; None where it has nothing to go by."""
        chosen = np.empty(n, np.int32)
        if self.method == "calibrated":
            attribute = _attribute(visit.stage.catalogue, str(self.by), "'by' of diversity")
            wanted = _wanted(visit, attribute)
            if not wanted.any():
                return None
            calibrate(relevance, *_values(attribute, codes), wanted, self.weight, chosen)
        else:
            choose = marginal_relevance if self.method == "mmr" else greedy_map
            choose(relevance, self._vectors(visit, codes), self.weight, chosen)
        return chosen

    def _vectors(self, visit: Visit, codes: Codes) -> Float64:
        if self.by is None or self.by in get_args(SpaceName):
            vectors = visit.stage.space(self.by).vectors[codes].astype(np.float64)  # type: ignore[arg-type]  # one of these names
            lengths = np.sqrt(np.einsum("if,if->i", vectors, vectors))[:, None]
            vectors /= np.where(lengths > 0, lengths, 1)  # single precision leaves them a little off 1
            return vectors
        attribute = _attribute(visit.stage.catalogue, self.by, "'by' of diversity", *get_args(SpaceName))
        return value_vectors(*_values(attribute, codes), len(attribute.values))


def _from_0_to_1(scores: Float32) -> Float64:
    """Scores with the lowest at 0 and the highest at 1; all 0 where there is no difference."""
    if not scores.size:
        return np.zeros(0)
    values = scores.astype(np.float64)
    values -= values.min()
    highest = float(values.max())
    return values / highest if highest > 0 else values


def _attribute(catalogue: Catalogue, column: str, what: str, *others: str) -> Attribute:
    """The values of a column; for an unknown one the nearest name there is, `others` among them."""
    check_word(column, [*catalogue.frame.columns, *others], what)
    return catalogue.attribute(column)


def _values(attribute: Attribute, codes: Codes) -> tuple[np.ndarray, Codes]:
    """The values of some items, as sparse rows."""
    return take_rows(attribute.of_items.indptr, attribute.of_items.indices, codes)


def _wanted(visit: Visit, attribute: Attribute) -> Float64:
    """The share of each value in the visitor's history; all 0 where there is none."""
    indptr, indices = _values(attribute, visit.history.codes)
    sizes = np.diff(indptr)
    shares = np.repeat(visit.history.weights.astype(np.float64) / np.maximum(sizes, 1), sizes)
    wanted = np.bincount(indices, shares, len(attribute.values)).astype(np.float64)
    total = float(wanted.sum())
    return wanted / total if total > 0 else wanted
