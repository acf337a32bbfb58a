import numpy as np
import polars as pl
import pytest

import foretaste as ft
import naive_events
from foretaste.exceptions import InvalidParameterError

SOLVERS = ["cg", "cholesky", "subspace"]


def dense(n_users=30, n_items=20, seed=0):
    rng = np.random.default_rng(seed)
    found = (rng.normal(size=(n_users, 2)) @ rng.normal(size=(2, n_items)) > 0.8) * rng.integers(
        1, 4, (n_users, n_items)
    )
    found[np.arange(n_users), np.arange(n_users) % n_items] = 1
    return found.astype(float)


def events(table):
    users, items = np.nonzero(table)
    return ft.Interactions.from_arrays(users, items, weights=table[users, items])


def fit(table, **settings):
    settings = {"n_epochs": 15, "tol": 0, "random_state": 0, "reg": 0.05, "alpha": 0.3, "reg_exponent": 1.0} | settings
    return ft.ImplicitALS(3, **settings).fit(events(table))


def factors(model):
    """Factors in the order of the ids 0, 1, 2 ..."""
    return [
        getattr(model, f"{side}_factors_")[np.argsort(getattr(model, f"{side}_vocabulary_").ids.to_numpy())]
        for side in ("user", "item")
    ]


def test_one_user_one_item_one_factor_by_hand():
    # with x = p q: (1 - x)^2 + a x^2 + l (1 + a) (p^2 + q^2) is lowest at p^2 = q^2 = x, x (1 + a) = 1 - l (1 + a)
    model = ft.ImplicitALS(
        1, n_epochs=200, tol=0, alpha=0.25, reg=0.2, reg_exponent=1.0, random_state=0, solver="cholesky"
    )
    assert model.fit([("an", "x")]).predict([("an", "x")]) == pytest.approx([0.75 / 1.25], rel=1e-4)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0])
def test_the_history_is_of_the_loss_over_all_pairs(solver, exponent):
    table = dense()
    model = fit(table, solver=solver, reg_exponent=exponent)
    losses = model.history_["train_loss"].to_numpy()
    assert (np.diff(losses) <= 1e-5 * losses[:-1]).all()
    unit = table / table[table > 0].mean()
    found = naive_events.event_loss(unit, *(side.astype(float) for side in factors(model)), 0.3, 0.05, exponent)
    # users are solved for once more after the last epoch
    assert losses[-1] * (1 - 1e-2) <= found <= losses[-1] * (1 + 1e-5)
    assert model.history_["valid_loss"].is_nan().all()


def test_all_solvers_end_at_the_same_loss():
    losses = [fit(dense(), solver=solver, n_epochs=150).history_["train_loss"][-1] for solver in SOLVERS]
    assert losses == pytest.approx([losses[0]] * 3, rel=1e-4)
    assert fit(dense(), solver="auto").history_["train_loss"].equals(fit(dense(), solver="cg").history_["train_loss"])


@pytest.mark.parametrize("solver", SOLVERS)
def test_users_are_the_exact_solution_for_the_items_as_a_new_user_is(solver):
    table = dense()
    model = fit(table, solver=solver)
    users, items = (side.astype(float) for side in factors(model))
    unit = table / table[table > 0].mean()
    for u, row in enumerate(unit):
        own = [(i, row[i]) for i in np.flatnonzero(row)]
        penalty = 0.05 * (row.sum() + 0.3 * len(items))
        expected = naive_events.solve_event_row(own, items, 0.3 * items.T @ items, penalty, np.zeros(3))
        np.testing.assert_allclose(users[u], expected, rtol=1e-3, atol=1e-5)
    folded = model.fold_in({i: table[4, i] for i in np.flatnonzero(table[4])})
    np.testing.assert_allclose(folded.user_factors_[0], users[4], rtol=1e-3, atol=1e-5)


def test_many_factors_end_in_the_exact_solution_too():
    table = dense()
    model = ft.ImplicitALS(130, n_epochs=5, tol=0, random_state=0).fit(events(table))
    folded = model.fold_in({i: table[4, i] for i in np.flatnonzero(table[4])})
    np.testing.assert_allclose(folded.user_factors_[0], factors(model)[0][4], rtol=1e-2, atol=1e-4)


def test_the_unit_of_weights_does_not_matter():
    np.testing.assert_allclose(fit(60 * dense()).item_factors_, fit(dense()).item_factors_, rtol=1e-3, atol=1e-5)


def test_an_event_twice_is_one_of_twice_the_weight():
    twice = ft.Interactions.from_arrays(["an", "an", "bo"], ["x", "x", "y"], duplicates="keep")
    once = ft.Interactions.from_arrays(["an", "bo"], ["x", "y"], weights=[2, 1])
    models = [ft.ImplicitALS(2, n_epochs=3, tol=0, random_state=0).fit(data) for data in (twice, once)]
    np.testing.assert_array_equal(models[0].item_factors_, models[1].item_factors_)


def test_an_explanation_has_a_share_for_each_item_of_the_user():
    model = fit(dense())
    terms = model.explain(4, 2)
    own = [f"has {i}" for i in model.item_vocabulary_.decode(model.known_.indices[slice(*model.known_.indptr[4:6])])]
    assert terms["term"].to_list() == [*own, "rounding"]
    assert terms["value"].sum() == pytest.approx(model.predict([(4, 2)])[0])
    assert abs(terms.filter(pl.col("term") == "rounding")["value"][0]) < 1e-4


def test_training_ends_by_itself():
    model = ft.ImplicitALS(2, random_state=0).fit(events(dense()))
    assert 6 < len(model.history_) < 100


# Features ------------------------------------------------------------------------------------------------------------


def described(side, n, seed=0):
    """Two features of each id 0 .. n - 1, the second of few, and of three more that have no events."""
    rng = np.random.default_rng(seed)
    return pl.DataFrame({side: range(n + 3), "size": rng.normal(size=n + 3), "tag": list("abcdd" * n)[: n + 3]})


def fit_described(table, **settings):
    users, items = described("user", table.shape[0]), described("item", table.shape[1], seed=1)
    return fit(table, user_features=users, item_features=items, feature_reg=0.5, **settings)


def features(model, side):
    """Features in the order of the ids, as an array, and their vectors; of the training data alone."""
    given = {"user": ft.UserFeatures, "item": ft.ItemFeatures}[side].from_frame(getattr(model, f"{side}_features"))
    dense = np.zeros((len(given), len(given.names)))
    dense[given.rows.row_codes(), given.rows.indices] = given.rows.values
    return dense[:-3], getattr(model, f"vectors_of_{side}_features_").astype(float)


def trained_factors(model):
    return [side[:-3].astype(float) for side in factors(model)]


def test_an_item_of_one_tag_by_hand():
    # B = q / (1 + k) leaves k / (1 + k) of the penalty of q^2: x (1 + a) = 1 - l (1 + a) sqrt(k / (1 + k)), x = p q
    films = pl.DataFrame({"item": ["x", "y"], "tag": ["a", "a"]})
    settings = {"n_epochs": 300, "tol": 0, "alpha": 0.25, "reg": 0.2, "reg_exponent": 1.0, "random_state": 0}
    model = ft.ImplicitALS(1, item_features=films, feature_reg=1 / 3, solver="cholesky", **settings)
    x = (1 - 0.25 / 2) / 1.25
    assert model.fit([("an", "x")]).predict([("an", "x"), ("an", "y")]) == pytest.approx([x, 0.75 * x], rel=1e-4)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0])
def test_the_loss_counts_how_far_factors_are_from_what_features_say(solver, exponent):
    table = dense()
    model = fit_described(table, solver=solver, reg_exponent=exponent)
    losses = model.history_["train_loss"].to_numpy()
    assert (np.diff(losses) <= 1e-5 * losses[:-1]).all()
    unit, both = table / table[table > 0].mean(), [features(model, side) for side in ("user", "item")]
    found = naive_events.event_loss(unit, *trained_factors(model), 0.3, 0.05, exponent, both, 0.5)
    assert losses[-1] * (1 - 1e-2) <= found <= losses[-1] * (1 + 1e-5)
    alone = fit(table, solver=solver, reg_exponent=exponent, n_epochs=100).history_["train_loss"][-1]
    assert fit_described(table, solver=solver, reg_exponent=exponent, n_epochs=100).history_["train_loss"][-1] < alone


def test_all_solvers_end_at_the_same_loss_with_features_too():
    losses = [fit_described(dense(), solver=solver, n_epochs=200).history_["train_loss"][-1] for solver in SOLVERS]
    assert losses == pytest.approx([losses[0]] * 3, rel=1e-4)


@pytest.mark.parametrize("solver", SOLVERS)
def test_users_and_vectors_of_features_are_the_exact_solutions(solver):
    table = dense()
    model = fit_described(table, solver=solver, n_epochs=100)
    unit, (users, items) = table / table[table > 0].mean(), trained_factors(model)
    (f, a), (g, b) = features(model, "user"), features(model, "item")
    penalties = [naive_events.event_penalties(rows, 0.3, 0.05, 1.0) for rows in (unit, unit.T)]
    for u, row in enumerate(unit):
        own = [(i, row[i]) for i in np.flatnonzero(row)]
        expected = naive_events.solve_event_row(own, items, 0.3 * items.T @ items, penalties[0][u], f[u] @ a)
        np.testing.assert_allclose(users[u], expected, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(b, naive_events.regress_on_features(items, g, penalties[1], 0.5), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(a, naive_events.regress_on_features(users, f, penalties[0], 0.5), rtol=1e-2, atol=1e-3)


def test_who_has_features_only_has_what_they_say():
    model = fit_described(dense())
    for side in ("user", "item"):
        rows = getattr(model, f"{side}_features_")
        new = np.arange(len(rows.indptr) - 4, len(rows.indptr) - 1)
        for code in new:
            own = slice(*rows.indptr[code : code + 2])
            expected = rows.values[own] @ getattr(model, f"vectors_of_{side}_features_")[rows.indices[own]]
            np.testing.assert_allclose(getattr(model, f"{side}_factors_")[code], expected, rtol=1e-5, atol=1e-6)


def test_a_new_user_of_the_same_events_and_features_gets_the_same_factors():
    table = dense()
    model = fit_described(table)
    own = {i: table[4, i] for i in np.flatnonzero(table[4])}
    known = model.user_factors_[model.user_vocabulary_.encode_one(4)]
    np.testing.assert_allclose(model.fold_in(own, user=4).user_factors_[0], known, rtol=1e-3, atol=1e-5)
    assert not np.allclose(model.fold_in(own, user=444).user_factors_[0], known, rtol=1e-3, atol=1e-5)
    more = model.with_items(described("item", 40).tail(10))
    assert more.item_factors_.shape[0] == model.item_factors_.shape[0] + 10
    again = more.fold_in(own, user=4).user_factors_  # new items change nobody
    np.testing.assert_array_equal(again, model.fold_in(own, user=4).user_factors_)


def test_explanations_have_a_share_for_each_item_and_each_feature():
    model = fit_described(dense())
    own = [f"has {i}" for i in model.item_vocabulary_.decode(model.known_.indices[slice(*model.known_.indptr[4:6])])]
    user, silent = model.user_vocabulary_.decode_one(4), 32
    terms = model.explain(user, 2)
    assert terms["term"].to_list() == [*own, "size", f"tag={'abcdd'[user % 5]}", "rounding"]
    assert abs(terms["value"][-1]) < 1e-4
    assert terms["value"].sum() == pytest.approx(model.predict([(user, 2)])[0])
    for pair in ((silent, 2), (silent, 21)):
        terms = model.explain(*pair)
        assert terms["term"].to_list() == ["size", "tag=c", "rounding"]
        assert abs(terms["value"][-1]) < 1e-5
        assert terms["value"].sum() == pytest.approx(model.predict([pair])[0], abs=1e-6)
    terms = model.explain(user, 21, side="item")
    assert terms["term"].to_list() == ["size", "tag=b", "the item itself"]
    assert abs(terms["value"][-1]) < 1e-5
    assert terms["value"].sum() == pytest.approx(model.predict([(user, 21)])[0], abs=1e-6)
    assert abs(model.explain(user, 2, side="item")["value"][-1]) > 1e-3
    assert fit(dense()).explain(4, 2, side="item")["term"].to_list() == ["the item itself"]
    with pytest.raises(InvalidParameterError, match="'side' of explain must be one of 'user', 'item', got 'both'"):
        model.explain(user, 2, side="both")


def test_features_of_nothing_but_zeros_change_nothing():
    table = dense()
    films = pl.DataFrame({"item": range(20), "size": [1.0] * 20})
    same = fit(table, item_features=films)
    assert same.item_features_.values.tolist() == [0.0] * 20
    np.testing.assert_array_equal(same.user_factors_, fit(table).user_factors_)
