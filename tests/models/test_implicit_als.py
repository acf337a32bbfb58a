import numpy as np
import polars as pl
import pytest

import foretaste as ft
import naive_events

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
        expected = naive_events.solve_event_row(own, items, 0.3 * items.T @ items, 0.05 * (row.sum() + 0.3 * len(items)))
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
