"""`evaluate`: the whole pass against twins over one user's list, and what must hold of it."""

import math
import tracemalloc

import numpy as np
import pandas as pd
import polars as pl
import pytest

import foretaste as ft
import naive
from foretaste.exceptions import DataError, InvalidParameterError, UnknownIdError, UnknownIdWarning
from foretaste.metrics import _measure
from foretaste.metrics._names import _RANKING
from foretaste.model_selection import NewUsers, evaluate

USERS, ITEMS = [f"u{n}" for n in range(30)], [f"i{n}" for n in range(25)]
RNG = np.random.default_rng(0)
ROWS = [(user, item, float(RNG.integers(1, 6))) for user in USERS for item in ITEMS if RNG.random() < 0.4]
TEST = {(user, item): rating for user, item, rating in ROWS if RNG.random() < 0.3}
# a test user nobody knows, an item nobody knows, a user who has all of their test items already
TEST |= {("new", "i3"): 4.0, ("u0", "unknown"): 5.0}
TRAIN = [row for row in ROWS if row[:2] not in TEST]
SEEN = next((user, item) for user, item, _ in TRAIN if user == "u1")
FEATURES = pl.DataFrame(
    {"item": ITEMS[:-1], "jazz": RNG.integers(0, 2, 24), "folk": RNG.random(24), "noise": RNG.integers(0, 2, 24) > 0}
)


def interactions(rows):
    return ft.Interactions.from_arrays(*zip(*rows, strict=True))


train, test = interactions(TRAIN), interactions([(*pair, rating) for pair, rating in TEST.items()])
MODELS = [ft.Popularity(), ft.ALS(n_factors=3, random_state=0), ft.ItemKNN(), ft.Random(random_state=1)]


def own_of(user):
    return [item for mine, item, _ in TRAIN if mine == user]


def by_twin(name, model, k):
    """A metric by its twin, user by user, from what `recommend` shows."""
    with pytest.warns(UnknownIdWarning):
        frame = model.recommend([*USERS, "new"], n=25)
    code = {item: place for place, item in enumerate(model.item_vocabulary_)}
    n_users = len({user for user, *_ in TRAIN})
    shares = [len({user for user, item, _ in TRAIN if item == each}) / n_users for each in code]
    described = {row[0]: [float(value) for value in row[1:]] for row in FEATURES.rows()}
    table = [described.get(item, [0.0] * 3) for item in code]
    values, lists = {}, []
    for user in [*USERS, "new"]:
        wanted = {code.get(item, 99): rating for (other, item), rating in TEST.items() if other == user}
        if not wanted:
            continue
        rows = frame.filter(user=user).sort("rank")
        ranked, own = [code[item] for item in rows["item"]], [code[item] for item in own_of(user)]
        listed = ranked[:k]
        lists.append(listed)
        values[user] = {
            "auc": lambda rows=rows, wanted=wanted, ranked=ranked: naive.auc(
                dict(zip(ranked, rows["score"], strict=True)), wanted
            ),
            "novelty": lambda listed=listed: naive.novelty(listed, shares),
            "popularity": lambda listed=listed: naive.popularity(listed, shares),
            "popularity_lift": lambda listed=listed, own=own: naive.popularity_lift(listed, shares, own),
            "diversity": lambda listed=listed: naive.diversity(listed, table),
            "calibration": lambda listed=listed, own=own: naive.calibration(listed, own, table),
            "serendipity": lambda listed=listed, wanted=wanted, own=own: naive.serendipity(
                listed, wanted, own, shares, k
            ),
            "coverage": lambda: 0.0,
            "gini": lambda: 0.0,
        }.get(name, lambda listed=listed, wanted=wanted: twin(name)(listed, wanted, k))()
    if name in ("coverage", "gini"):
        return getattr(naive, name)(lists, len(code))
    return values


def twin(name):
    return getattr(naive, "map_" if name == "map" else name)


@pytest.mark.parametrize("name", _RANKING)
@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_every_metric_equals_its_twin_user_by_user(model, name):
    fitted = model.fit(train)
    if name == "auc" and fitted.predicts_ratings:
        fitted.scale_ = (-100.0, 100.0)  # recommend clips, which makes ties; the pass looks at what is below
    for metric, k in ((name, 10), (f"{name}@3", 3)) if name != "auc" else ((name, 25),):
        report = evaluate(fitted, train, test, metrics=[metric], item_features=FEATURES)
        expected = by_twin(name, fitted, k)
        if name in ("coverage", "gini"):
            assert report[metric] == pytest.approx(expected)
            assert report.users.columns == ["user"]
            continue
        found = dict(report.users.rows())
        assert found == pytest.approx(expected, nan_ok=True)
        values = [value for value in expected.values() if not math.isnan(value)]
        assert report[metric] == pytest.approx(sum(values) / len(values))


def test_by_hand():
    rows = [("an", "a"), ("an", "b"), ("bo", "a"), ("bo", "c"), ("cy", "a"), ("cy", "b"), ("cy", "d")]
    model = ft.Popularity().fit(rows)
    # popularity a 3, b 2, c 1, d 1. An's list: c, d; Bo's: b, d
    report = evaluate(
        model, rows, [("an", "d"), ("bo", "b"), ("bo", "z")], metrics=["ndcg@2", "recall@1", "coverage@1"]
    )
    discounted = 1 / math.log2(3)
    assert dict(zip(report.users["user"], report.users["ndcg@2"], strict=True)) == pytest.approx(
        {"an": discounted, "bo": 1 / (1 + discounted)}
    )
    assert report.users["recall@1"].to_list() == [0, 0.5]
    assert report["coverage@1"] == 0.5  # b and c of four
    assert report.measured.n_unknown_items == 1


def test_who_has_nothing_left_to_be_found_is_dropped_and_counted():
    extra = interactions([*((*pair, rating) for pair, rating in TEST.items()), (*SEEN, 3.0), ("u2", "i24", 1.0)])
    model = ft.Popularity().fit(train)
    report, plain = (evaluate(model, train, part, metrics=["ndcg"]) for part in (extra, test))
    assert report.measured.n_seen - plain.measured.n_seen >= 1
    only = interactions([(*SEEN, 3.0), ("u2", "i0", 1.0), ("u2", "unknown", 1.0)])
    found = evaluate(model, train, only, metrics=["recall@25"])
    assert found.measured.n_dropped_users == 1
    assert found.n_users == 1
    with pytest.raises(DataError, match="nothing is left to be found: each of 1 users has all of their test items"):
        evaluate(model, train, interactions([(*SEEN, 3.0)]), metrics=["ndcg"])
    # where nothing is left out of the lists, nothing is left out of the test part
    again = evaluate(model, train, interactions([(*SEEN, 3.0)]), metrics=["recall@25"], exclude_seen=False)
    assert again["recall@25"] == 1


def test_unknown_users_and_items_are_counted():
    report = evaluate(ft.Popularity().fit(train), train, test, metrics=["ndcg"])
    assert (report.measured.n_unknown_users, report.measured.n_unknown_items) == (1, 1)
    assert "1 users are unknown to the model" in repr(report)


def test_repeated_events_are_one_item_worth_their_weights_or_the_highest_rating():
    model = ft.Popularity().fit([("an", "a"), ("bo", "b"), ("bo", "c"), ("cy", "c")])
    known = [("an", "a"), ("bo", "b"), ("bo", "c"), ("cy", "c")]
    events = ft.Interactions.from_arrays(["an"] * 3, list("bbc"), weights=[1, 2, 1], duplicates="keep")
    ratings = ft.Interactions.from_arrays(["an"] * 3, list("bbc"), [3.0, 2.0, 1.0], duplicates="keep")
    for part in (events, ratings):  # the list is c, b
        report = evaluate(model, known, part, metrics=["graded_ndcg", "recall@1"])
        assert report["graded_ndcg"] == pytest.approx((1 + 3 / math.log2(3)) / (3 + 1 / math.log2(3)))
        assert report["recall@1"] == 0.5


def test_candidates_are_all_that_is_ranked_and_all_that_counts():
    model = ft.ALS(n_factors=3, random_state=0).fit(train)
    candidates = ITEMS[:8]
    report = evaluate(model, train, test, metrics=["recall@3", "auc"], items=candidates)
    frame = model.recommend(n=3, items=candidates)
    for user, found in report.users.select("user", "recall@3").rows():
        wanted = {item for other, item in TEST if other == user and item in candidates}
        if user != "new":
            assert found == len(wanted & set(frame.filter(user=user)["item"])) / len(wanted)
    with pytest.raises(UnknownIdError, match="1 of 2 candidates are unknown to this model, such as 'zz'"):
        evaluate(model, train, test, metrics=["ndcg"], items=["i0", "zz"])


class Lists:
    """Recommends as another library might: a frame of user and item, best first."""

    def __init__(self, model, *, ranked):
        self.model, self.ranked = model, ranked

    def recommend(self, users, n):
        frame = self.model.recommend(users, n)
        if self.ranked:
            return frame.sample(fraction=1.0, shuffle=True, seed=0).to_pandas()
        return frame.select("user", "item")


@pytest.mark.parametrize("ranked", [True, False])
def test_anything_that_recommends_frames_is_measured_alike(ranked):
    model = ft.ALS(n_factors=3, random_state=0).fit(train)
    metrics = [name for name in _RANKING if name != "auc"]
    known = test.select(test.user_codes != test.users.encode_one("new"))
    arguments = {"metrics": metrics, "item_features": FEATURES}
    own, theirs = (evaluate(each, train, known, **arguments) for each in (model, Lists(model, ranked=ranked)))
    assert own.users.equals(theirs.users)
    assert own.measured.pooled == theirs.measured.pooled


class Fixed:
    """Always the same items."""

    def __init__(self, *items):
        self.items = list(items)

    def recommend(self, users, n):
        pairs = [(user, item) for user in users for item in self.items[:n]]
        return pd.DataFrame(pairs, columns=["user", "item"])


def test_what_is_recommended_beyond_the_training_part_may_hit():
    report = evaluate(
        Fixed("fresh", "nobody", "x"), [("a", "x"), ("b", "y")], [("b", "fresh"), ("a", "y")], metrics=["mrr"]
    )
    assert dict(report.users.rows()) == {"b": 1, "a": 0}


def test_other_objects_are_refused():
    for model in (object(), ft.model_selection):
        with pytest.raises(
            InvalidParameterError, match=r"without 'items', of anything with recommend\(users, n\); got"
        ):
            evaluate(model, train, test)
    with pytest.raises(InvalidParameterError, match="'auc' needs the scores of all"):
        evaluate(Fixed("i1"), train, test, metrics=["auc"])


@pytest.mark.parametrize("metrics", [[], ["rmse"], ["ndcg", "rmse"]])
def test_metrics_of_ratings_are_refused(metrics):
    with pytest.raises(InvalidParameterError, match="evaluate measures rankings"):
        evaluate(ft.Popularity().fit(train), train, test, metrics=metrics)


def test_new_users_are_folded_in():
    fold = next(NewUsers(0.3, held_out=0.3).folds(interactions(ROWS)))
    model = ft.Popularity().fit(fold.train)
    report = evaluate(model, fold.train, fold.test, metrics=["recall@25", "popularity_lift"], known=fold.known)
    assert report.measured.n_unknown_users == 0
    assert report.measured.n_seen == 0
    reached = [item in fold.train.items for item in fold.test.items.decode(fold.test.item_codes)]
    assert all(reached)
    assert report["recall@25"] == 1  # all but what is known of them is listed
    # the history is theirs
    assert not np.isnan(report.users["popularity_lift"].to_numpy()).any()


def test_without_features_items_are_alike_if_the_same_users_have_them():
    rows = [("an", "a"), ("an", "b"), ("bo", "a"), ("bo", "b"), ("cy", "c"), ("di", "d")]
    model = ft.Popularity().fit(rows)
    report = evaluate(model, rows, [("di", "a")], metrics=["diversity@2", "diversity@3"])
    assert report["diversity@2"] == pytest.approx(0)  # a and b: the same users
    assert report["diversity@3"] == pytest.approx(2 / 3)


def test_who_has_an_item_counts_not_how_often():
    rows = [("an", "a"), ("an", "b"), ("bo", "a"), ("bo", "b"), ("cy", "c"), ("cy", "a")]
    again = [*rows, ("an", "a"), ("an", "a"), ("bo", "b")]
    wanted, metrics = [("di", "a")], ["diversity@3", "novelty@2", "popularity@2", "serendipity@2"]
    once, often = (evaluate(ft.Popularity().fit(rows), each, wanted, metrics=metrics) for each in (rows, again))
    assert once.users.equals(often.users)
    # cosines of a with b and with c: 2 / sqrt(3 * 2) and 1 / sqrt(3); b and c have nobody in common
    assert once["diversity@3"] == pytest.approx(1 - (2 / math.sqrt(6) + 1 / math.sqrt(3)) / 3)


def test_features_read_from_a_frame_are_those_of_its_numbers():
    kinds = ["rock", "jazz", "rock, jazz"]
    tagged = pl.DataFrame({"item": FEATURES["item"], "kind": [kinds[n % 3] for n in range(FEATURES.height)]})[1:]
    features = ft.ItemFeatures.from_frame(tagged, separators={"kind": ","})
    share = 2**-0.5  # each of two tags
    numbers = tagged.select(
        "item",
        rock=pl.col("kind").replace_strict({"rock": 1.0, "jazz": 0.0, "rock, jazz": share}),
        jazz=pl.col("kind").replace_strict({"rock": 0.0, "jazz": 1.0, "rock, jazz": share}),
    )
    model, metrics = ft.ALS(n_factors=3, random_state=0).fit(train), ["diversity", "calibration"]
    made, plain = (evaluate(model, train, test, metrics=metrics, item_features=each) for each in (features, numbers))
    for metric in metrics:
        assert made.users[metric].to_list() == pytest.approx(plain.users[metric].to_list(), nan_ok=True)
    compared = ft.compare([model], None, metrics=metrics, cv=[("all", train, test)], item_features=features)
    assert compared.to_frame()["diversity"][0] == pytest.approx(made["diversity"])


def test_users_are_measured_in_blocks_without_a_seam(monkeypatch):
    model = ft.ALS(n_factors=3, random_state=0).fit(train)
    metrics = [name for name in _RANKING if name not in ("coverage", "gini")]
    whole = evaluate(model, train, test, metrics=metrics, item_features=FEATURES)
    monkeypatch.setattr(_measure, "_BLOCK", 4)
    monkeypatch.setattr(_measure, "_SCORED", 3)
    parts = evaluate(model, train, test, metrics=metrics, item_features=FEATURES)
    assert whole.users.equals(parts.users)
    with pytest.warns(UnknownIdWarning):
        theirs = evaluate(Lists(model, ranked=False), train, test, metrics=["ndcg", "coverage"])
    assert theirs["ndcg"] == whole["ndcg"]


@pytest.mark.parametrize(
    ("features", "error", "message"),
    [
        (None, InvalidParameterError, "'calibration' needs 'item_features' .* got none"),
        (FEATURES.with_columns(jazz=-1.0), InvalidParameterError, "got a negative one"),
        (FEATURES.with_columns(jazz=pl.lit("yes")), DataError, "needs numeric columns besides 'item'"),
        (FEATURES.select("item"), DataError, "needs numeric columns besides 'item'"),
        (pl.concat([FEATURES, FEATURES[:2]]), DataError, "describes 2 items more than once"),
        ([1, 2], DataError, "must be ItemFeatures or a frame with a column 'item', got list"),
        (
            ft.UserFeatures.from_frame(FEATURES.rename({"item": "user"})),
            InvalidParameterError,
            "'item_features' must be a frame or ItemFeatures, got UserFeatures",
        ),
    ],
)
def test_features_that_cannot_be_used_are_refused(features, error, message):
    with pytest.raises(error, match=message):
        evaluate(ft.Popularity().fit(train), train, test, metrics=["calibration"], item_features=features)


def test_negative_gains_are_refused():
    with pytest.raises(DataError, match="'graded_ndcg' needs ratings or weights of 0 or more"):
        evaluate(ft.Popularity().fit(train), train, [("u3", "i1", -1.0)], metrics=["graded_ndcg"])


# The report ----------------------------------------------------------------------------------------------------------


def test_the_interval_is_that_of_a_bootstrap_over_users():
    report = evaluate(ft.ALS(n_factors=3, random_state=0).fit(train), train, test, metrics=["ndcg", "coverage"])
    frame = report.to_frame(n_resamples=4000)
    assert frame["metric"].to_list() == ["ndcg", "coverage"]
    assert frame["value"].to_list() == [report["ndcg"], report["coverage"]]
    assert frame["n_users"].to_list() == [report.n_users] * 2
    values = report.users["ndcg"].to_numpy()
    half = 1.96 * values.std() / math.sqrt(values.size)
    assert frame["low"][0] == pytest.approx(values.mean() - half, abs=half / 12)
    assert frame["high"][0] == pytest.approx(values.mean() + half, abs=half / 12)
    assert math.isnan(frame["low"][1])
    assert math.isnan(frame["high"][1])
    wide, narrow = (report.to_frame(level=level)["high"][0] for level in (0.99, 0.5))
    assert wide > narrow
    assert report.to_frame().equals(report.to_frame(random_state=0))
    assert not report.to_frame().equals(report.to_frame(random_state=1))
    with pytest.raises(InvalidParameterError, match="'mrr' was not measured, only 'ndcg', 'coverage'"):
        report["mrr"]
    with pytest.raises(InvalidParameterError, match="'level' of to_frame"):
        report.to_frame(level=2)


def test_frames_are_of_the_kind_that_went_in():
    frame = pd.DataFrame(TRAIN, columns=["user", "item", "rating"])
    report = evaluate(ft.Popularity().fit(frame), frame, test, metrics=["ndcg"])
    assert isinstance(report.users, pd.DataFrame)
    assert isinstance(report.to_frame(), pd.DataFrame)


def test_the_number_of_threads_changes_nothing():
    model = ft.ALS(n_factors=3, random_state=0).fit(train)
    metrics = ["ndcg", "auc", "diversity"]
    one, two = (evaluate(model, train, test, metrics=metrics, n_jobs=n_jobs) for n_jobs in (1, 2))
    assert one.users.equals(two.users)


def test_at_no_time_are_all_scores_in_memory():
    n_users, n_items, n_rows = 20_000, 50_000, 200_000
    rng = np.random.default_rng(0)
    users = np.concatenate([np.arange(n_users), rng.integers(n_users, size=n_rows)])
    items = np.concatenate([np.arange(n_users), rng.integers(n_items, size=n_rows)])
    data = ft.Interactions.from_arrays(users, items, duplicates="keep")
    model = ft.Popularity().fit(data)
    scores = model.item_counts_.astype(np.float32)
    model._scorer = lambda: lambda block: np.tile(scores, (block.size, 1))
    wanted = ft.Interactions.from_arrays(np.arange(n_users), rng.integers(n_items, size=n_users))
    metrics = ["ndcg@10", "recall@20", "coverage", "gini", "novelty", "serendipity", "popularity_lift"]
    small = wanted.select(np.arange(10))
    evaluate(model, data, small, metrics=metrics)  # loads what is compiled
    tracemalloc.start()
    try:
        report = evaluate(model, data, wanted, metrics=metrics)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert report.n_users > 19_000
    # a block of 128 rows of scores is 26 MB, all of them would be 4,000 MB
    assert peak < 100e6
