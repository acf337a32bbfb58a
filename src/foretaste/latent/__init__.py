"""What a model's factors mean: maps, named directions, neighbourhoods, and what retraining moved."""

from foretaste.latent._poles import Evidence, Pole
from foretaste.latent.axes import NamedAxes, axes
from foretaste.latent.drift import Drift, drift
from foretaste.latent.geometry import Geometry, SpaceRow, geometry
from foretaste.latent.neighborhood import Neighborhood, neighborhood

__all__ = [
    "Drift",
    "Evidence",
    "Geometry",
    "NamedAxes",
    "Neighborhood",
    "Pole",
    "SpaceRow",
    "axes",
    "drift",
    "geometry",
    "neighborhood",
]
