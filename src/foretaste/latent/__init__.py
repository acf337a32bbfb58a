"""What a model's factors mean: maps, named directions, neighbourhoods, and what retraining moved."""

from foretaste.latent._poles import Evidence, Pole
from foretaste.latent.axes import NamedAxes, axes
from foretaste.latent.drift import Drift, drift
from foretaste.latent.geometry import Geometry, SpaceRow, geometry
from foretaste.latent.item_map import ItemMap, map  # noqa: A004  latent.map is what one looks for
from foretaste.latent.neighborhood import Neighborhood, neighborhood

__all__ = [
    "Drift",
    "Evidence",
    "Geometry",
    "ItemMap",
    "NamedAxes",
    "Neighborhood",
    "Pole",
    "SpaceRow",
    "axes",
    "drift",
    "geometry",
    "map",
    "neighborhood",
]
