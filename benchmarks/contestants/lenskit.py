"""What lenskit does in each row."""

from __future__ import annotations

import pandas as pd
from lenskit.batch import predict as predict_all
from lenskit.data import Dataset, ItemListCollection, from_interactions_df
from lenskit.knn import ItemKNNScorer
from lenskit.pipeline import Pipeline, predict_pipeline

from benchmarks.data import Array, Ratings, Split
from benchmarks.measure import rate


def ratings(split: Split, n_neighbors: int) -> dict[str, float]:
    """Fit item neighbours on explicit feedback, with lenskit's own pipeline: the biases where no neighbour speaks."""

    def frame(part: Ratings) -> pd.DataFrame:
        return pd.DataFrame({"user_id": part.users, "item_id": part.items, "rating": part.ratings})

    def fit(dataset: Dataset) -> Pipeline:
        scorer = ItemKNNScorer(max_nbrs=n_neighbors, feedback="explicit")
        pipeline = predict_pipeline(scorer, fallback=True)
        pipeline.train(dataset)
        return pipeline

    def predict(pipeline: Pipeline, users: Array, items: Array) -> Array:
        pairs = pd.DataFrame({"user_id": users, "item_id": items})
        found = predict_all(pipeline, ItemListCollection.from_df(pairs, ["user_id"]), n_jobs=1).to_df()
        return pairs.merge(found, on=["user_id", "item_id"], how="left")["score"].to_numpy()

    return rate(split, lambda part: from_interactions_df(frame(part)), fit, predict)[0]
