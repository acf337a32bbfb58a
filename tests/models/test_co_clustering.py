import numpy as np
import pytest

import foretaste as ft
from contract import ITEMS, PAIRS, ROWS, USERS
from foretaste.exceptions import UnknownIdWarning


def blocks(*, noise=0.0, share=1.0, seed=0):
    """Two kinds of users and three kinds of items, a level for each pair of kinds, and people who are more generous."""
    rng = np.random.default_rng(seed)
    level = np.array([[0.0, 2.0, -2.0], [1.0, -2.0, 1.0]])
    generous, good = rng.normal(scale=0.5, size=24), rng.normal(scale=0.5, size=18)
    return [
        (u, i, 3 + level[u % 2, i % 3] + generous[u] + good[i] + noise * rng.normal())
        for u in range(24)
        for i in range(18)
        if rng.random() < share
    ]


def test_planted_clusters_are_found():
    rows = blocks()
    model = ft.CoClustering(n_user_clusters=2, n_item_clusters=3, random_state=0).fit(rows)
    np.testing.assert_allclose(model.predict([row[:2] for row in rows]), [row[2] for row in rows], atol=1e-6)
    for side, kinds in (("user", 2), ("item", 3)):
        clusters, ids = getattr(model, f"{side}_clusters_"), list(getattr(model, f"{side}_vocabulary_"))
        assert len({(cluster, id_ % kinds) for cluster, id_ in zip(clusters, ids, strict=True)}) == kinds


def test_where_everything_is_rated_the_averages_are_those_of_the_clusters():
    rows = [(user, item, float((3 * a + 5 * b) % 7)) for a, user in enumerate(USERS) for b, item in enumerate(ITEMS)]
    model = ft.CoClustering(random_state=0).fit(rows)
    ratings = np.array([rating for *_, rating in rows]).reshape(len(USERS), len(ITEMS))
    g, h = model.user_clusters_, model.item_clusters_
    for a, b in np.ndindex(ratings.shape):
        alike, similar = g == g[a], h == h[b]
        expected = (
            ratings[np.ix_(alike, similar)].mean()
            + (ratings[a].mean() - ratings[alike].mean())
            + (ratings[:, b].mean() - ratings[:, similar].mean())
        )
        assert model.predict([(USERS[a], ITEMS[b])], clip=False)[0] == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("share", [1.0, 0.6, 0.1])
def test_no_epoch_raises_the_error(seed, share):
    rows = blocks(noise=1.0, share=share, seed=seed)
    model = ft.CoClustering(n_user_clusters=4, n_item_clusters=4, random_state=seed).fit(rows)
    curve = model.history_["train_rmse"].to_numpy()
    assert (np.diff(curve) <= 1e-12).all()
    # the curve tells the truth, and it ended because nobody moved
    predicted = model.predict([row[:2] for row in rows], clip=False)
    assert curve[-1] == pytest.approx(ft.metrics.rmse([row[2] for row in rows], predicted))
    assert curve[-1] == curve[-2]
    assert curve.size < 100


def test_the_averages_are_those_of_the_ratings_in_each_co_cluster():
    model = ft.CoClustering(n_user_clusters=2, n_item_clusters=2, random_state=0).fit(ROWS)
    mean = {side: {} for side in ("user", "item")}
    for place, side in enumerate(mean):
        for id_ in (USERS, ITEMS)[place]:
            mean[side][id_] = np.mean([row[2] for row in ROWS if row[place] == id_])
    cells = {}
    for user, item, rating in ROWS:
        cell = (
            model.user_clusters_[model.user_vocabulary_.encode_one(user)],
            model.item_clusters_[model.item_vocabulary_.encode_one(item)],
        )
        cells.setdefault(cell, []).append((rating, mean["user"][user], mean["item"][item]))
    for cell, entries in cells.items():
        found = (model.cocluster_means_[cell], model.cocluster_user_means_[cell], model.cocluster_item_means_[cell])
        np.testing.assert_allclose(found, np.mean(entries, axis=0))


def test_clusters_that_nobody_needs_stand_at_the_mean():
    model = ft.CoClustering(n_user_clusters=40, n_item_clusters=50, random_state=0).fit(ROWS)
    filled = np.zeros((40, 50), bool)
    for user, item, _ in ROWS:
        users, items = model.user_vocabulary_, model.item_vocabulary_
        filled[model.user_clusters_[users.encode_one(user)], model.item_clusters_[items.encode_one(item)]] = True
    for means in (model.cocluster_means_, model.cocluster_user_means_, model.cocluster_item_means_):
        np.testing.assert_allclose(means[~filled], model.global_mean_)
    gaps = [pair for pair in PAIRS if pair not in {row[:2] for row in ROWS}]
    empty = [
        (u, i)
        for u, i in gaps
        if not filled[
            model.user_clusters_[model.user_vocabulary_.encode_one(u)],
            model.item_clusters_[model.item_vocabulary_.encode_one(i)],
        ]
    ]
    assert empty, "no pair falls into an empty co-cluster"
    for user, item in empty:
        user_mean = np.mean([rating for u, _, rating in ROWS if u == user])
        item_mean = np.mean([rating for _, i, rating in ROWS if i == item])
        predicted = model.predict([(user, item)], clip=False)[0]
        assert predicted == pytest.approx(user_mean + item_mean - model.global_mean_)


def test_one_cluster_of_each_is_user_plus_item():
    model = ft.CoClustering(n_user_clusters=1, n_item_clusters=1, random_state=0).fit(ROWS)
    user_mean = {user: np.mean([r for u, _, r in ROWS if u == user]) for user in USERS}
    item_mean = {item: np.mean([r for _, i, r in ROWS if i == item]) for item in ITEMS}
    left = np.mean([rating - user_mean[user] - item_mean[item] for user, item, rating in ROWS])
    expected = [user_mean[user] + item_mean[item] + left for user, item in PAIRS]
    np.testing.assert_allclose(model.predict(PAIRS, clip=False), expected)


def test_of_the_unknown_the_means_are_what_is_known():
    model = ft.CoClustering(random_state=0).fit(ROWS)
    with pytest.warns(UnknownIdWarning):
        predicted = model.predict([("nobody", ITEMS[0]), (USERS[0], "nothing"), ("nobody", "nothing")])
    ratings = [rating for *_, rating in ROWS]
    expected = (
        np.mean([rating for _, item, rating in ROWS if item == ITEMS[0]]),
        np.mean([rating for user, _, rating in ROWS if user == USERS[0]]),
        np.mean(ratings),
    )
    np.testing.assert_allclose(predicted, expected)


def test_a_new_user_joins_the_cluster_of_those_who_rate_alike():
    rows = blocks()
    model = ft.CoClustering(n_user_clusters=2, n_item_clusters=3, random_state=0).fit(rows)
    for user in (0, 1):
        own = [(item, rating) for other, item, rating in rows if other == user]
        folded = model.fold_in(own)
        assert folded.user_clusters_[0] == model.user_clusters_[model.user_vocabulary_.encode_one(user)]
        np.testing.assert_allclose(
            folded.predict([("new user", item) for item, _ in own]), model.predict([(user, item) for item, _ in own])
        )


def test_it_ends_at_its_ceiling_in_silence():
    model = ft.CoClustering(n_user_clusters=4, n_item_clusters=4, n_epochs=2, random_state=0)
    assert len(model.fit(blocks(noise=1.0)).history_) == 2


@pytest.mark.slow
def test_the_accuracy_on_a_real_set(need_set):
    need_set("ml-100k")
    folds = list(ft.datasets.movielens_folds("100k"))[:1]
    models = {f"seed {seed}": ft.CoClustering(random_state=seed) for seed in range(5)}
    frame = ft.compare(models, None, cv=folds).to_frame()
    assert 0.96 < frame["rmse"].mean() < 0.98
