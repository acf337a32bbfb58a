"""A fitted model of foretaste from what an algorithm has learned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from foretaste.surprise.trainset import Trainset

if TYPE_CHECKING:
    from foretaste.models import Recommender

Model = TypeVar("Model", bound="Recommender")


def fitted(model: Model, trainset: Trainset, **learned: Any) -> Model:  # noqa: ANN401  arrays and numbers
    """`model`, which is not fitted, with what was learned elsewhere from a trainset.

    Parameters
    ----------
    model : Recommender
        Its parameters are those under which it was learned, as far as it has them.
    trainset : Trainset
        Its inner ids are the codes of the model, and its rating scale that of the predictions.
    **learned
        The attributes that the model declares besides those of every `Recommender`, of the declared types.

    Raises
    ------
    DataError
        A rating is missing or outside the scale; or a pair occurs twice, and the model needs pairs to be unique.
    ValueError
        Attributes are missing, too many, of another type or do not fit each other.
    """
    from foretaste.models._state import assemble  # noqa: PLC0415  models take seconds to import, and few ask for one

    return assemble(model, trainset.to_interactions(), learned)
