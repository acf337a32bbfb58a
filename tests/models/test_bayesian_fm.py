from functools import cache

import numpy as np
import polars as pl
import pytest
from scipy.special import ndtr

import foretaste as ft
from contract import learned
from foretaste.exceptions import DataError, InvalidParameterError, UnsupportedError
from foretaste.models._ordinal import Cutpoints, _climb, _likelihood, expectation
from foretaste.models._samples import thinning
from foretaste.utils.threads import workers

NOISE = 0.5


@cache
def planted(seed=0, n_users=80, n_items=60, *, n_days=0):
    """Ratings made by the model itself: two parts of them, and what they would be without noise."""
    rng = np.random.default_rng(seed)
    p, q = rng.normal(0, 0.7, (n_users, 2)), rng.normal(0.8, 0.7, (n_items, 2))  # of items the average is not nothing
    b_u, b_i, b_d = rng.normal(0, 0.4, n_users), rng.normal(0.3, 0.4, n_items), rng.normal(0, 0.8, max(n_days, 1))
    users, items = np.nonzero(rng.random((n_users, n_items)) < 0.5)
    days = rng.integers(0, max(n_days, 1), users.size)
    truth = 3 + b_u[users] + b_i[items] + (p[users] * q[items]).sum(axis=1) + (b_d[days] if n_days else 0)
    ratings = truth + rng.normal(0, NOISE, users.size)
    times = days * 86_400 + rng.integers(0, 86_400, users.size) if n_days else None
    whole = ft.Interactions.from_arrays(users, items, ratings, times=times)
    test = rng.random(users.size) < 0.25
    return whole.select(~test, keep_ids=True), whole.select(test, keep_ids=True), truth[test]


def small(**settings):
    return ft.BayesianFM(
        **{"n_factors": 2, "n_samples": 40, "n_chains": 2, "burn_in": 10, "random_state": 0} | settings
    )


@cache
def of_planted():
    return small(n_samples=200, burn_in=50, features=("user", "item")).fit(planted()[0])


# What it learns ----------------------------------------------------------------------------------------------------


def test_a_planted_model_is_recovered_within_its_intervals():
    _, test, truth = planted()
    model = of_planted()
    predicted, std = model.predict(test, return_std=True, clip=False)
    assert np.sqrt(np.mean((predicted - truth) ** 2)) < 0.6 * NOISE
    assert model.noise_samples_.mean() == pytest.approx(NOISE, rel=0.05)
    # of the ratings, and of what they would be without noise, about nine in ten lie within their 90 % intervals
    assert 0.85 < np.mean(np.abs(predicted - test.ratings) < 1.645 * std) < 0.95
    of_mean = np.sqrt(std**2 - np.mean(model.noise_samples_**2))
    assert 0.85 < np.mean(np.abs(predicted - truth) < 1.645 * of_mean) < 0.95


def test_little_known_users_are_predicted_with_more_doubt():
    train, _, _ = planted()
    few = train.select((train.user_codes != 3) | (np.cumsum(train.user_codes == 3) <= 2), keep_ids=True)
    model = small(features=("user", "item")).fit(few)
    _, std = model.predict([(3, item) for item in range(30)] + [(4, item) for item in range(30)], return_std=True)
    assert std[:30].mean() > 1.1 * std[30:].mean()


def test_the_day_of_a_rating_explains_it():
    train, test, _ = planted(n_days=12)
    without = small(features=("user", "item")).fit(train)
    model = small(features=("user", "item", "time"), n_samples=100).fit(train)
    rmse = {m: np.sqrt(np.mean((m.predict(test) - test.ratings) ** 2)) for m in (without, model)}
    assert rmse[model] < 0.8 * rmse[without]
    assert model.days_.tolist() == list(range(12))
    # without a time, or on a day never seen, it is the average day
    pairs = test.to_frame().select("user", "item")
    plain = model.predict(pairs)
    assert np.sqrt(np.mean((plain - test.ratings) ** 2)) < 1.1 * rmse[without]
    late = pairs.with_columns(time=pl.lit(10_000 * 86_400))
    np.testing.assert_array_equal(model.predict(late), plain)
    np.testing.assert_array_equal(model.predict(pairs.with_columns(time=test.times)), model.predict(test))


def test_by_default_all_is_looked_at_that_is_there():
    train, _, _ = planted()
    assert small(n_samples=2).fit(train).features_ == ("user", "item", "implicit", "implicit_items")
    timed = planted(n_days=12)[0]
    assert small(n_samples=2).fit(timed).features_ == ("user", "item", "implicit", "implicit_items", "time")
    users, items, ratings = (timed.to_frame()[name] for name in ("user", "item", "rating"))
    words = ft.Interactions.from_arrays(users, items, ratings, times=["soon"] * len(timed))
    assert small(n_samples=2).fit(words).features_[-1] == "implicit_items"
    late = ft.Interactions.from_arrays(users, items, ratings, times=timed.times.to_numpy() * 10**9)
    with pytest.raises(DataError, match=r"reach .* days from 1970\. Hint: numbers are unix seconds; divide"):
        small(n_samples=2).fit(late)
    for given in (train, words):
        with pytest.raises(DataError, match=r"'time' is among the features .* no times that are dates or unix seconds"):
            small(features=("user", "item", "time")).fit(given)


def test_who_chose_what_tells_of_taste():
    # users rate mostly what they like, and every other user has two ratings only
    rng = np.random.default_rng(1)
    n_users, n_items = 200, 40
    likes = (np.arange(n_users)[:, None] + np.arange(n_items)) % 2 == 0
    rated = rng.random(likes.shape) < np.where(likes, 0.5, 0.05)
    sparse = np.arange(n_users) % 4 >= 2
    rated[sparse] &= rng.random((sparse.sum(), n_items)) < 0.2
    users, items = np.nonzero(rated)
    ratings = np.where(likes[users, items], 4.0, 2.0) + rng.normal(0, 1.5, users.size)
    train = ft.Interactions.from_arrays(users, items, ratings)
    pairs = [(u, i) for u in train.users for i in train.items if sparse[u]]
    truth = np.array([4.0 if likes[u, i] else 2.0 for u, i in pairs])
    names = (("user", "item"), ("user", "item", "implicit"))
    blind, seeing = (small(features=f, n_samples=100).fit(train).predict(pairs) for f in names)
    assert np.mean((seeing - truth) ** 2) < 0.8 * np.mean((blind - truth) ** 2)


def test_attributes_speak_for_items_without_ratings():
    rng = np.random.default_rng(2)
    kinds = np.arange(40) % 2
    rows = [(u, i, 3.0 + (1 if kinds[i] == u % 2 else -1) + rng.normal(0, 0.3)) for u in range(30) for i in range(40)]
    frame = pl.DataFrame({"item": range(40), "kind": ["odd" if kind else "even" for kind in kinds]})
    whole = ft.Interactions.from_arrays(*zip(*rows, strict=True))
    train = whole.select(whole.item_codes < 36, keep_ids=True)
    model = small(item_features=frame, features=("user", "item"), n_samples=100).fit(train)
    new = [(u, i) for u in range(30) for i in range(36, 40)]
    truth = np.array([4.0 if kinds[i] == u % 2 else 2.0 for u, i in new])
    assert np.corrcoef(model.predict(new), truth)[0, 1] > 0.9


def test_held_out_ratings_show_when_there_are_draws_enough():
    train, _, _ = planted()
    model = small(validation_fraction=0.1, features=("user", "item"), n_samples=100).fit(train)
    history = model.history_
    assert history.columns == ["epoch", "train_rmse", "valid_rmse", "precision", "seconds"]
    assert len(history) == 60  # half the draws are of each of two chains
    valid = history["valid_rmse"].to_numpy()
    assert np.isnan(valid[:10]).all()
    assert valid[-1] < valid[10]
    assert valid[-1] == pytest.approx(1.2 * NOISE, rel=0.15)
    assert history["precision"][-1] == pytest.approx(1 / NOISE**2, rel=0.2)
    assert history["train_rmse"][-1] == pytest.approx(NOISE, rel=0.1)
    assert np.isnan(small().fit(train).history_["valid_rmse"].to_numpy()).all()


# Going on ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"n_kept": 16},
        {"features": ("user", "item", "time")},
        {"link": "ordinal", "features": ("user", "item")},
        {"validation_fraction": 0.2},
    ],
    ids=str,
)
def test_a_chain_taken_up_again_draws_what_one_run_draws(settings, tmp_path):
    train = planted(n_days=5)[0]
    if "link" in settings:
        train = ft.Interactions.from_arrays(
            *(train.to_frame()[name] for name in ("user", "item")), np.clip(np.round(train.ratings), 1, 5)
        )
    whole = small(n_samples=60, **settings).fit(train)
    parts = small(n_samples=21, **settings).fit(train)
    parts.save(tmp_path / "half.ft")
    parts = ft.load(tmp_path / "half.ft")
    parts.set_params(n_samples=60, warm_start=True).fit(train)
    assert learned(parts) == learned(whole)
    seconds = parts.history_["seconds"].to_numpy()
    assert (np.diff(seconds) >= 0).all()
    before = learned(parts)
    assert learned(parts.fit(train)) == before  # there is nothing left to do


def test_only_the_same_chain_can_go_on():
    train, test, _ = planted()
    model = small(n_samples=10, warm_start=True).fit(train)
    with pytest.raises(DataError, match="goes on with the last fit, which was of other data or other parameters"):
        model.fit(test)
    with pytest.raises(
        InvalidParameterError, match="'n_samples' of BayesianFM must be at least 10 with warm_start=True"
    ):
        model.set_params(n_samples=8).fit(train)


@pytest.mark.parametrize(
    "change",
    [
        {"n_factors": 3},
        {"n_chains": 4},
        {"burn_in": 5},
        {"n_kept": 4},
        {"link": "ordinal"},
        {"features": ("user", "item")},
        {"item_features": pl.DataFrame({"item": range(60), "kind": ["odd", "even"] * 30})},
        {"validation_fraction": 0.2},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_chain_of_other_parameters_does_not_go_on(change):
    train, _, _ = planted()
    train = ft.Interactions.from_arrays(
        *(train.to_frame()[name] for name in ("user", "item")), np.clip(np.round(train.ratings), 1, 5)
    )
    model = small(n_samples=10).fit(train)
    with pytest.raises(DataError, match="all but 'n_samples' and 'n_jobs' have to be the same"):
        model.set_params(n_samples=20, warm_start=True, **change).fit(train)


def test_a_chain_of_other_days_does_not_go_on():
    train = planted(n_days=5)[0]
    columns = [train.to_frame()[name] for name in ("user", "item", "rating")]
    model = small(n_samples=10, warm_start=True).fit(train)
    for times in (None, train.times + 86_400 * (np.arange(len(train)) % 2)):
        with pytest.raises(DataError, match="of other data"):
            model.set_params(n_samples=20).fit(ft.Interactions.from_arrays(*columns, times=times))


def test_ratings_that_are_all_equal_can_go_on():
    rows = [(n, n % 3, 4.0) for n in range(9)]
    model = small(warm_start=True).fit(rows).fit(rows)
    assert model.predict([(1, 1)]).tolist() == [4.0]


def test_as_many_draws_are_kept_as_there_is_room_for():
    assert [thinning(n, 1, 4, None) for n in (1, 100, 10**6)] == [1, 1, 1]
    # of 64 MiB each, 256 MiB would be four, and sixteen are kept
    assert [thinning(n, 1, 2**26, None) for n in (16, 17, 64, 65)] == [1, 2, 4, 8]
    assert [thinning(n, 2, 4, 10) for n in (5, 6, 10, 11, 20, 21)] == [1, 2, 2, 4, 4, 8]
    assert thinning(8, 20, 4, 10) == 8  # one of each chain at least
    train, _, _ = planted()
    few, many = (small(n_kept=n).fit(train) for n in (10, None))
    assert few.mean_samples_.size == 10
    assert many.mean_samples_.size == 40
    both = np.arange(40).reshape(20, 2)[::4].ravel()  # every fourth of each chain
    np.testing.assert_array_equal(few.mean_samples_, many.mean_samples_[both])


# What it answers ---------------------------------------------------------------------------------------------------


def test_a_prediction_is_the_mean_over_draws_and_its_doubt_their_spread():
    model, (_, test, _) = of_planted(), planted()
    predicted, std = model.predict(test, return_std=True, clip=False)
    np.testing.assert_array_equal(predicted, model.predict(test, clip=False))
    scores = model._samples().scores(test.user_codes, test.item_codes).astype(float)
    np.testing.assert_allclose(predicted, scores.mean(axis=1), rtol=1e-6)
    np.testing.assert_allclose(std**2, scores.var(axis=1) + np.mean(model.noise_samples_**2), rtol=1e-5)
    _, unknown = model.predict([("nobody", 1), (1, 1)], return_std=True, unknown="nan")
    assert np.isnan(unknown).tolist() == [True, False]


@pytest.mark.parametrize("link", ["identity", "ordinal"])
def test_somebody_unknown_may_be_anybody(link):
    train, test, _ = planted() if link == "identity" else stars()
    model = small(link=link, features=("user", "item"), n_samples=200).fit(train.select(train.user_codes < 50))
    strange = test.user_codes >= 50
    with pytest.warns(ft.exceptions.UnknownIdWarning):
        predicted, std = model.predict(test, return_std=True, clip=False)
    assert std[strange].mean() > 1.05 * std[~strange].mean()
    # of the average of users alone, hardly six in ten would lie within
    assert 0.85 < np.mean((np.abs(predicted - test.ratings) < 1.645 * std)[strange]) < 0.95
    found = []
    for pairs in ([(70, 3)], [(70, 3), (5, 59), (90, 99), (4, 2)]):  # as unknown in whatever company
        with pytest.warns(ft.exceptions.UnknownIdWarning):
            found.append(model.predict(pairs, return_std=True)[1][0])
    assert found[0] == found[1]


def test_by_chance_each_draw_has_its_turn():
    model = of_planted()
    one, other = (model.recommend(5, n=3, strategy="thompson", random_state=seed) for seed in (0, 1))
    assert one.equals(model.recommend(5, n=3, strategy="thompson", random_state=0))
    assert not one.equals(other)
    samples = model._samples()
    first = [model.recommend(5, n=1, strategy="thompson", random_state=s)["item"][0] for s in range(200)]
    unseen = np.setdiff1d(np.arange(60), model.known_.indices[slice(*model.known_.indptr[5:7])]).astype(np.int32)
    best = unseen[samples.scores(np.full(unseen.size, 5, np.int32), unseen).argmax(axis=0)]
    ids = list(model.item_vocabulary_)
    for code in unseen:
        assert first.count(ids[code]) / 200 == pytest.approx(np.mean(best == code), abs=0.12)


def test_the_upper_end_favours_what_little_is_known_of():
    model = of_planted()
    scores = model._samples().scores(np.full(60, 5, np.int32), np.arange(60, dtype=np.int32)).astype(float)
    expected = np.clip(scores.mean(axis=1) + 2 * scores.std(axis=1), *model.scale_)
    found = model.recommend(5, n=100, strategy="upper", exploration=2.0, exclude_seen=False)
    ids = list(model.item_vocabulary_)
    np.testing.assert_allclose(found["score"], [expected[ids.index(item)] for item in found["item"]], rtol=1e-5)
    np.testing.assert_allclose(
        model.recommend(5, n=60, strategy="upper", exploration=0.0)["score"],
        model.recommend(5, n=60)["score"],
        rtol=1e-5,
    )
    with pytest.raises(
        InvalidParameterError, match="'strategy' of recommend must be one of 'mean', 'thompson', 'upper'"
    ):
        model.recommend(5, strategy="luck")


def test_a_newcomer_is_drawn_as_training_would_have():
    train, test, _ = planted()
    model = of_planted()
    folded = model.fold_in(train)
    own = folded.predict(test, clip=False)
    plain = model.predict(test, clip=False)
    assert np.sqrt(np.mean((own - plain) ** 2)) < 0.15 * np.std(plain)
    alone = model.fold_in([(i, r) for u, i, r in train.to_frame().select("user", "item", "rating").rows() if u == 7])
    items = list(range(60))
    np.testing.assert_allclose(
        alone.predict([("new user", i) for i in items]), folded.predict([(7, i) for i in items]), rtol=1e-5
    )
    _, doubt = model.fold_in({0: 4.0}).predict([("new user", i) for i in items], return_std=True)
    _, less = alone.predict([("new user", i) for i in items], return_std=True)
    assert doubt.mean() > 1.1 * less.mean()


@pytest.mark.parametrize("size", [1e-9, 1e9])
def test_ratings_and_newcomers_of_any_size_are_alike(size):
    rows = planted()[0].to_frame().select("user", "item", "rating").rows()
    pairs = [("new user", item) for item in range(60)]
    found = []
    for unit in (1, size):
        model = small(features=("user", "item")).fit([(user, item, unit * rating) for user, item, rating in rows])
        newcomer = model.fold_in({0: unit * 4.0, 1: unit * 2.0, 2: unit * 3.0})
        found.append([part / unit for part in newcomer.predict(pairs, return_std=True)])
    np.testing.assert_allclose(found[1], found[0], rtol=1e-3)


def test_a_newcomers_features_speak_too():
    rng = np.random.default_rng(3)
    frame = pl.DataFrame({"user": range(60), "kind": ["odd" if u % 2 else "even" for u in range(60)]})
    rows = [(u, i, 3.0 + (1 if i % 2 == u % 2 else -1) + rng.normal(0, 0.3)) for u in range(58) for i in range(20)]
    model = small(user_features=frame, n_samples=60).fit([row for row in rows if rng.random() < 0.7])
    for user in (58, 59):
        folded = model.fold_in([(user % 2, 4.0)], user=user)
        liked, other = (folded.predict([(user, i) for i in range(2, 20) if (i - user) % 2 == part]) for part in (0, 1))
        assert liked.mean() > other.mean() + 1


# Classes -----------------------------------------------------------------------------------------------------------


@cache
def stars():
    """Stars as the classes of planted scores between cutpoints at -1, 0 and 1.5."""
    rng = np.random.default_rng(4)
    p, q = rng.normal(0, 0.7, (80, 2)), rng.normal(0, 0.7, (60, 2))
    users, items = np.nonzero(rng.random((80, 60)) < 0.6)
    score = 0.4 + (p[users] * q[items]).sum(axis=1) + rng.normal(0, 0.5, 60)[items]
    cuts = np.array([-1, 0, 1.5])
    classes = np.searchsorted(cuts, score + rng.normal(size=users.size))
    whole = ft.Interactions.from_arrays(users, items, np.array([1.0, 2, 3, 5])[classes])
    test = rng.random(users.size) < 0.3
    chances = -np.diff(
        np.column_stack([np.ones(len(score)), ndtr(score[:, None] - cuts), np.zeros(len(score))]), axis=1
    )
    return whole.select(~test, keep_ids=True), whole.select(test, keep_ids=True), chances[test]


@cache
def of_stars():
    return small(link="ordinal", features=("user", "item"), n_samples=150, burn_in=50).fit(stars()[0])


def test_probabilities_of_classes_are_those_that_made_them():
    train, test, chances = stars()
    model, often = of_stars(), np.bincount(np.searchsorted([1, 2, 3, 5], train.ratings)) / len(train)
    assert model.classes_.tolist() == [1, 2, 3, 5]
    found = model.predict_proba(test)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-6)
    assert np.abs(found - chances).mean() < 0.65 * np.abs(often - chances).mean()
    np.testing.assert_allclose(found.mean(axis=0), chances.mean(axis=0), atol=0.03)
    widths = np.diff(model.cutpoint_samples_, axis=1)
    np.testing.assert_allclose(widths.mean(axis=0), [1, 1.5], atol=0.2)
    predicted, std = model.predict(test, return_std=True)
    np.testing.assert_allclose(predicted, found @ model.classes_, rtol=1e-5)
    np.testing.assert_allclose(std**2, found @ model.classes_**2 - predicted**2, rtol=1e-4)
    assert model.history_["train_rmse"][-1] == pytest.approx(np.sqrt(np.mean(std**2)), rel=0.15)
    assert np.isnan(model.predict_proba([("nobody", 1)], unknown="nan")).all()


def test_a_newcomer_among_classes_is_drawn_as_training_would_have():
    train, test, _ = stars()
    model = of_stars()
    own, plain = model.fold_in(train).predict(test), model.predict(test)
    assert np.sqrt(np.mean((own - plain) ** 2)) < 0.25 * np.std(plain)


def test_only_classes_have_probabilities():
    with pytest.raises(UnsupportedError, match=r"takes ratings for numbers, .* Hint: link='ordinal'"):
        of_planted().predict_proba([(1, 1)])
    changed = small(link="ordinal", features=("user", "item")).fit(stars()[0]).set_params(link="identity")
    np.testing.assert_array_equal(
        changed.predict_proba([(1, 1)]).sum(axis=1).round(5), 1
    )  # it is what it was fitted as
    assert changed.predict([(1, 1)], clip=False)[0] == pytest.approx(
        changed.predict_proba([(1, 1)])[0] @ changed.classes_, rel=1e-5
    )
    with pytest.raises(DataError, match=r"at most 50 distinct ratings, and there are \d+\. Hint: link='identity'"):
        small(link="ordinal").fit(planted()[0])


def test_cutpoints_climb_to_their_mode():
    rng = np.random.default_rng(0)
    centres, counts = np.linspace(-2, 2, 9), rng.integers(0, 20, (4, 9)).astype(float)
    mode, curvature = _climb(np.array([-1.0, 0.1, 0.2]), counts, centres)
    best = _likelihood(mode, counts, centres)
    for place in range(3):
        for other in range(3):
            step = np.zeros(3)
            step[place] += 0.01
            step[other] += 0.01
            there = _likelihood(mode + step, counts, centres)
            assert there < best
            assert there == pytest.approx(best - step @ curvature @ step / 2, abs=0.02 * (best - there) + 1e-6)


def test_cutpoints_are_drawn_from_their_posterior():
    # of two classes and one score there is one number, whose density can be written down
    scores, codes = np.full(60, 0.3, np.float32), np.repeat([0, 1], [20, 40]).astype(np.int32)
    rng = np.random.default_rng(0)
    with workers(1) as run:
        chain = Cutpoints(np.array([1.0, 2.0]), codes, run)
        drawn = []
        for _ in range(2000):
            chain.draw(scores, rng)
            drawn.append(chain.cuts[0])
    grid = np.linspace(-2, 2, 2001)
    density = ndtr(grid - 0.3) ** 20 * ndtr(0.3 - grid) ** 40
    density /= density.sum()
    mean = grid @ density
    assert np.mean(drawn) == pytest.approx(mean, abs=0.02)
    assert np.std(drawn) == pytest.approx(np.sqrt((grid - mean) ** 2 @ density), rel=0.08)
    assert chain.mean_square == pytest.approx(
        np.mean((codes + 1 - expectation(np.array(0.3), np.array([1.0, 2.0]), chain.cuts)) ** 2)
    )


# A real set --------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_folds_of_movielens_are_predicted_as_well_as_known_and_as_surely_as_said(need_set):
    need_set("ml-100k")
    _, train, test = next(iter(ft.datasets.movielens_folds()))
    with pytest.warns(ft.exceptions.UnknownIdWarning):
        predicted, std = ft.BayesianFM(random_state=0).fit(train).predict(test, return_std=True)
    assert 0.875 < ft.metrics.rmse(test.ratings, predicted) < 0.889
    assert 0.85 < np.mean(np.abs(predicted - test.ratings) < 1.645 * std) < 0.95
