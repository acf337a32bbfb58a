"""What a model's factors mean: maps, named directions, neighbourhoods, and what retraining moved."""

# No module is called as a function that it holds: `foretaste.latent.axes` is the function, whatever is imported first.
from foretaste.latent._poles import Evidence, Pole
from foretaste.latent.item_drift import Drift, drift
from foretaste.latent.item_map import ItemMap, map  # noqa: A004  latent.map is what one looks for
from foretaste.latent.item_neighborhood import Neighborhood, neighborhood
from foretaste.latent.named_axes import NamedAxes, axes
from foretaste.latent.space_geometry import Geometry, SpaceRow, geometry

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
