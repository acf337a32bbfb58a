"""Two tastes, each item of one: what was withheld of a user's taste stands above everything of the other."""

import numpy as np
import pytest

import foretaste as ft
from foretaste.models import MODELS

# Every model that orders items, but one whose list is the same for everybody.
MODELS_OF_TASTE = [
    ft.EASE(reg=1.0),
    ft.EASE(reg=1.0, dropout=0.2, relaxation=0.3),
    ft.EASE(reg=1.0, max_dense_items=0, n_neighbors=20),
    *(ft.ImplicitItemKNN(similarity=similarity) for similarity in ("cosine", "tfidf", "bm25", "rp3beta")),
    *(ft.ImplicitUserKNN(similarity=similarity) for similarity in ("cosine", "tfidf", "bm25")),
    ft.SpectralFilter(4, random_state=0),
    ft.SpectralFilter(4, random_state=0, sharpening=0.7, degree_exponent=0.0, sharpen_low_pass=False),
    ft.ImplicitALS(2, random_state=0),
    ft.ImplicitALS(2, random_state=0, solver="cholesky"),
    ft.ImplicitALS(40, reg=0.1, random_state=0, solver="subspace"),
    ft.HybridMF(4, random_state=0),
    ft.HybridMF(4, random_state=0, loss="bpr", n_epochs=200),
    ft.HybridMF(4, random_state=0, loss="logistic", n_epochs=200),
    ft.HybridMF(4, random_state=0, loss="squared", n_epochs=200, reg=0.1),
]


def board(n_users=40, n_items=24, n_withheld=3, seed=0):
    """Events of users who have all items of their taste but a few, and the pairs withheld."""
    rng = np.random.default_rng(seed)
    events, withheld = [], {}
    for user in range(n_users):
        own = [item for item in range(n_items) if item % 2 == user % 2]
        withheld[user] = set(rng.choice(own, n_withheld, replace=False).tolist())
        events += [(user, item) for item in own if item not in withheld[user]]
    return events, withheld


def test_every_model_that_orders_items_is_among_them():
    tried = {type(model).__name__ for model in MODELS_OF_TASTE}
    assert tried == {name for name, model in MODELS.items() if not model.predicts_ratings} - {"Popularity"}


@pytest.mark.parametrize("model", MODELS_OF_TASTE, ids=repr)
def test_what_was_withheld_of_a_taste_is_ranked_above_all_of_the_other(model):
    events, withheld = board()
    found = model.fit(events).recommend(n=24)
    for user, items in withheld.items():
        own = found.filter(found["user"] == user)["item"].to_list()
        assert set(own[: len(items)]) == items
