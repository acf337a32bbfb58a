"""A small world of planted tastes, for the tests of pages."""

import functools
from datetime import datetime, timedelta

import numpy as np
import polars as pl

import foretaste as ft
from foretaste import pages
from foretaste.data.coerce import as_events
from foretaste.data.vocabulary import Vocabulary
from foretaste.pages.catalogue import Catalogue
from foretaste.pages.stage import Stage
from foretaste.pages.visit import Visit, Visitor

START = datetime(2026, 1, 1)  # noqa: DTZ001  as the times of data are


class Planted:
    """A model whose factors are given: items are directions, and a user's scores are what is said of them."""

    predicts_ratings, scale_, kind_ = False, (0.0, 1.0), "polars"

    def __init__(self, items, factors, scores=None):
        self.item_vocabulary_, self.user_vocabulary_ = Vocabulary(items), Vocabulary([])
        self.item_factors_ = np.asarray(factors, np.float32)
        self._scores = np.zeros(len(items)) if scores is None else scores

    def score_codes(self, user_codes, *, exclude_seen=True):  # noqa: ARG002  as a model is called
        return np.tile(np.asarray(self._scores, np.float32), (len(user_codes), 1))


GENRES = ("rock", "jazz", "folk", "soul")


@functools.cache
def world(n_of_each=30, seed=0):
    """A model and the frame of its items: as many of each genre, near the axis of the genre."""
    rng = np.random.default_rng(seed)
    genres = np.repeat(np.arange(len(GENRES)), n_of_each)
    factors = np.eye(len(GENRES))[genres] + rng.normal(0, 0.2, (genres.size, len(GENRES)))
    items = [f"{GENRES[genre]}-{place}" for place, genre in enumerate(genres)]
    frame = pl.DataFrame(
        {"item": items, "title": [item.title() for item in items], "genres": [[item.split("-")[0]] for item in items]}
    )
    return Planted(items, factors, rng.uniform(0, 1, genres.size)), frame


def events_of(liked, others, *, every=1):
    """Events of the user "an", one every so many days from the noon of `START` on; and long before, one of each of
    the others by somebody else."""
    rows = [("an", item, START + timedelta(days=every * place, hours=12)) for place, item in enumerate(liked)]
    rows += [("bo", item, START - timedelta(days=400)) for item in others]
    users, items, times = zip(*rows, strict=True)
    frame = pl.DataFrame({"user": users, "item": items, "time": times}, schema_overrides={"time": pl.Datetime("us")})
    return ft.Interactions.from_frame(frame, rating=None, duplicates="keep")


def visit(model, events, at, *, frame=None, user="an", visitor=None, settings=None, seen="hide"):
    """One user at one moment."""
    catalogue = Catalogue(model.item_vocabulary_, frame)
    stage = Stage(model, as_events(events), catalogue, settings or pages.Layout(row=(pages.Top(),)).signals, ())
    return Visit(stage, user, at, visitor or Visitor(), seen=seen)
