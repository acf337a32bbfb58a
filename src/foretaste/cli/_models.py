"""Models by the names a command line uses: `funk-svd` is `FunkSVD`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from foretaste.data.readers import read_table
from foretaste.exceptions import InvalidParameterError
from foretaste.models import MODELS, ContentRegression, Recommender


def slug(name: str) -> str:
    """The command line's word for a class: words in lower case, hyphens between."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()


NAMES = {slug(name): model for name, model in MODELS.items()}

# Stands for every model that predicts ratings and can learn from them alone.
ALL_RATINGS = "all-ratings"
# Stands for every model that orders items without predicting ratings.
ALL_RANKING = "all-ranking"
_KINDS = {
    ALL_RATINGS: [
        name
        for name, model in NAMES.items()
        if model.predicts_ratings and model is not ContentRegression  # what features others take they can do without
    ],
    ALL_RANKING: [name for name, model in NAMES.items() if not model.predicts_ratings],
}


def model_names(text: str) -> list[str]:
    """The names in a list with commas; `all-ratings` and `all-ranking` become those of their models not named beside.

    Raises
    ------
    InvalidParameterError
        A name stands there twice, or is that of no model.
    """
    named = text.split(",")
    for word in named:
        if word not in _KINDS:
            _check_name(word, f", or {' or '.join(_KINDS)}")
    if len(set(named)) < len(named):
        message = f"--models names a model twice: {text}."
        raise InvalidParameterError(message)
    kinds = {word: [name for name in names if name not in named] for word, names in _KINDS.items()}
    return [name for word in named for name in kinds.get(word, [word])]


def make_model(
    name: str, settings: Iterable[str] = (), *, seed: int | None = None, jobs: int | None = None
) -> Recommender:
    """A model by its name, with settings as `parameter=value`; the value of one for features is a file.

    Raises
    ------
    InvalidParameterError
        There is no such model or parameter, or a setting has no "=".
    """
    _check_name(name)
    model = NAMES[name]()
    known = model.get_params(deep=False)
    chosen: dict[str, Any] = {"random_state": seed, "n_jobs": jobs}
    chosen = {parameter: value for parameter, value in chosen.items() if parameter in known}
    for setting in settings:
        parameter, equals, text = setting.partition("=")
        if not equals or parameter not in known:
            message = (
                f"{setting!r} is no setting of {name}. Hint: write PARAMETER=VALUE with one of {', '.join(known)}."
            )
            raise InvalidParameterError(message)
        chosen[parameter] = read_table(text) if parameter.endswith("_features") else _value(text)
    made: Recommender = model.set_params(**chosen)
    return made


def _check_name(name: str, besides: str = "") -> None:
    """Raise for a name that is of no model; `besides` is what else could stand there."""
    if name not in NAMES:
        message = f"there is no model {name!r}. Hint: choose among {', '.join(sorted(NAMES))}{besides}."
        raise InvalidParameterError(message)


def _value(text: str) -> Any:  # noqa: ANN401  a parameter's value
    """Numbers, true, false and none as such, everything else as text."""
    if text.lower() in ("none", "true", "false"):
        return {"none": None, "true": True, "false": False}[text.lower()]
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
