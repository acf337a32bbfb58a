"""When training stops, and what it says."""

import math
import tracemalloc

import numpy as np
import pytest

import foretaste as ft
from foretaste.data.interactions import Interactions
from foretaste.exceptions import ConvergenceWarning, DataError, DivergenceError
from foretaste.models._training import HeldOut, Training, hold_out, largest_size, negligible_error


def noisy(n_users=30, n_items=20, seed=0):
    """Ratings of one taste and much noise, so that many factors learn the noise by heart."""
    rng = np.random.default_rng(seed)
    users, items = np.nonzero(rng.random((n_users, n_items)) < 0.6)
    taste = np.outer(rng.normal(size=n_users), rng.normal(size=n_items))
    ratings = np.clip(np.round(3 + taste[users, items] + rng.normal(0, 0.7, users.size)), 1, 5)
    return Interactions.from_arrays(users, items, ratings)


def run(training, curve):
    """The epochs that run when training reports these errors (pairs: with a validation error)."""
    epochs = []
    for epoch in training:
        epochs.append(epoch)
        train, valid = curve[epoch - 1] if isinstance(curve[0], tuple) else (curve[epoch - 1], math.nan)
        training.report(train, lambda users, _items, valid=valid: np.full(users.size, valid))
    return epochs


def held_out():
    """Two ratings of 0: a prediction of x everywhere has an error of x."""
    nothing = np.zeros(2, np.int32)
    return HeldOut(nothing, nothing, np.zeros(2, np.float32), (0.0, 100.0))


# The clock ---------------------------------------------------------------------------------------------------------


def test_training_ends_when_the_error_hardly_falls():
    # ever smaller falls: from epoch 8 on less than 1 in 100 an epoch over three epochs
    curve = [1 + 0.5**epoch for epoch in range(50)]
    epochs = run(Training("M", 50, tol=0.01), curve)
    assert 7 <= len(epochs) < 15
    fall = curve[len(epochs) - 4] - curve[len(epochs) - 1]
    assert fall < 0.03 * curve[len(epochs) - 4]
    assert curve[len(epochs) - 5] - curve[len(epochs) - 2] >= 0.03 * curve[len(epochs) - 5] or len(epochs) == 7


def test_a_fall_that_still_grows_is_no_end():
    curve = [1 - 1e-4 * 1.5**epoch for epoch in range(20)]
    with pytest.warns(ConvergenceWarning):
        assert len(run(Training("M", 20, tol=0.01), curve)) == 20


def test_an_error_that_no_longer_moves_is_an_end():
    assert len(run(Training("M", 50, tol=0.01), [0.5] * 50)) < 10
    assert len(run(Training("M", 50, tol=0.01), [0.0] * 50)) < 10


def test_the_ceiling_warns_once_in_the_name_of_the_caller():
    with pytest.warns(ConvergenceWarning) as caught:
        run(Training("M", 4, tol=0.01), [8.0, 4.0, 2.0, 1.0])
    assert len(caught) == 1
    assert str(caught[0].message) == (
        "M met its ceiling of 4 epochs while it was still improving (train RMSE 1.0000). "
        "Hint: raise 'n_epochs', or set tol=0 if exactly 4 are meant."
    )
    assert caught[0].filename == __file__


def test_without_a_tolerance_exactly_n_epochs_run_in_silence():
    assert run(Training("M", 9), [1.0] * 9) == list(range(1, 10))


def test_with_held_out_ratings_five_epochs_without_a_better_error_end_it():
    curve = [(1.0, error) for error in (5, 4, 3, 3.5, 3.4, 3.3, 3.2, 3.1, 2.0)]
    training = Training("M", 9, held_out=held_out())
    assert len(run(training, curve)) == 8
    assert training.best_epoch == 3
    assert training.curve()["valid_rmse"].tolist() == [5, 4, 3, 3.5, 3.4, 3.3, 3.2, 3.1]


def test_held_out_predictions_are_clipped_to_the_scale():
    assert held_out().rmse(lambda users, _items: np.full(users.size, -3.0)) == 0
    assert held_out().rmse(lambda users, _items: np.full(users.size, 300.0)) == 100


def test_a_validation_error_that_stays_what_it_was_counts_only_once_the_training_error_no_longer_falls():
    # as when everything is predicted below the scale, and better each time
    falling = [(0.9**epoch, 3.0) for epoch in range(12)]
    training = Training("M", 99, held_out=held_out())
    assert len(run(training, [*falling, *[(falling[-1][0] * 0.999, 3.0)] * 20])) == 12 + 5
    assert training.best_epoch == 12
    training = Training("M", 99, held_out=held_out())
    assert len(run(training, [*falling, (0.3, 2.0), *[(0.9**epoch, 2.5) for epoch in range(12, 40)]])) == 13 + 5
    assert training.best_epoch == 13, "an error that is worse counts, however the training error falls"


def test_a_training_error_of_nothing_is_an_end_with_a_tolerance_or_held_out_ratings():
    curve = [10.0**-epoch for epoch in range(9)]
    assert len(run(Training("M", 9, tol=1e-9, negligible=1e-4), curve)) == 5
    assert len(run(Training("M", 9, negligible=1e-4), curve)) == 9
    both = [(error, 1.0) for error in curve]
    assert len(run(Training("M", 9, negligible=1e-4, held_out=held_out()), both)) == 5


def test_what_is_negligible_is_measured_by_the_spread_of_the_ratings():
    def negligible(*ratings):
        return negligible_error(np.array(ratings, np.float32))

    assert negligible(3, 5) == pytest.approx(1e-4)
    assert negligible(103, 105) == pytest.approx(1.05e-4)  # and by rounding errors where those are larger
    assert negligible(10003, 10005) == pytest.approx(0.010005)
    assert negligible(-3, -5) == pytest.approx(1e-4)
    assert negligible(3, 3) == pytest.approx(3e-4)  # equal ratings differ by nothing
    assert negligible(-3) == pytest.approx(3e-4)
    assert negligible(0, 0) == pytest.approx(1e-4)
    n = 2**18 + 3  # more than are looked at in one piece
    assert negligible_error(np.tile(np.float32([1, 5]), n)) == pytest.approx(2e-4)


@pytest.mark.parametrize("values", [[1, -3], [3, -1], [-2], [0, 0], np.array([-5, 4], np.int32)], ids=str)
def test_the_largest_size(values):
    assert largest_size(np.array(values)) == np.abs(values).max()


@pytest.mark.parametrize("values", [[np.nan], [np.nan, 1], [1, np.nan, 2], [-1, 5, np.nan]], ids=str)
def test_the_largest_size_of_what_is_not_all_numbers_is_not_a_number(values):
    assert math.isnan(largest_size(np.array(values, np.float32)))


@pytest.mark.parametrize("measure", [largest_size, negligible_error])
def test_long_columns_are_measured_without_copies_of_them(measure):
    ratings = np.zeros(2**22, np.float32)
    tracemalloc.start()
    try:
        measure(ratings)
        assert tracemalloc.get_traced_memory()[1] < ratings.nbytes / 2
    finally:
        tracemalloc.stop()


def test_still_improving_on_held_out_ratings_at_the_ceiling_warns():
    with pytest.warns(ConvergenceWarning, match="ceiling of 3 epochs .*train RMSE 1.0000, validation 3.0000"):
        run(Training("M", 3, held_out=held_out()), [(1.0, 5), (1.0, 4), (1.0, 3)])


def test_a_start_on_record_is_epoch_0_and_may_be_the_best_without_ending_the_training():
    training = Training("M", 20, held_out=held_out())
    training.report_start(1.0, lambda users, _items: np.full(users.size, 2.0))
    # worse than the start for seven epochs, but better each time
    epochs = run(training, [(1.0, 9 - epoch) for epoch in range(6)] + [(1.0, 4.0)] * 6)
    assert epochs == list(range(1, 12))
    assert training.curve()["epoch"].tolist() == list(range(12))
    assert training.curve()["valid_rmse"].tolist() == [2, 9, 8, 7, 6, 5, 4, 4, 4, 4, 4, 4]
    assert training.best_epoch == 0
    seconds = training.curve()["seconds"]
    assert seconds[0] > 0
    assert (np.diff(seconds) >= 0).all()


def test_a_start_that_is_no_number_is_divergence_in_epoch_0():
    with pytest.raises(DivergenceError, match=r"^M diverged in epoch 0: "):
        Training("M", 5).report_start(math.nan, lambda users, _items: np.zeros(users.size))


@pytest.mark.parametrize("error", [math.nan, math.inf])
def test_an_error_that_is_no_number_is_divergence(error):
    with pytest.raises(DivergenceError) as caught:
        run(Training("M", 5), [1.0, error])
    assert str(caught.value) == (
        "M diverged in epoch 2: its numbers are no longer finite. Hint: bring the ratings to a smaller scale."
    )


@pytest.mark.parametrize(
    ("parameters", "hint"),
    [
        (("n_epochs", "reg", "learning_rate"), "lower 'learning_rate' or raise 'reg'"),
        (("n_factors", "reg"), "raise 'reg'"),
        (("weighted",), "bring the ratings to a smaller scale"),
    ],
    ids=str,
)
def test_divergence_advises_what_the_model_has_a_parameter_for(parameters, hint):
    error = Training("M", parameters=parameters).diverged(3)
    assert str(error) == f"M diverged in epoch 3: its numbers are no longer finite. Hint: {hint}."


def test_a_model_without_a_step_is_not_told_to_lower_it():
    class Runaway(ft.ALS):
        def _fit(self, interactions, training):
            learned = super()._fit(interactions, training)
            learned["user_factors_"][3, 1] = self.wrong
            return learned

    model = Runaway(n_factors=2, n_epochs=2, tol=0)
    for model.wrong in (np.nan, np.inf, -np.inf, -1e16, 1e16):
        with pytest.raises(DivergenceError, match=r"^Runaway diverged in epoch 2: .* Hint: raise 'reg'\.$"):
            model.fit(noisy())
    model.wrong = -1e14
    assert model.fit(noisy()).user_factors_[3, 1] == np.float32(-1e14)


def test_the_curve_has_a_row_an_epoch():
    training = Training("M", 3)
    run(training, [3.0, 2.0, 1.0])
    curve = training.curve()
    assert list(curve) == ["epoch", "train_rmse", "valid_rmse", "seconds"]
    assert curve["epoch"].tolist() == [1, 2, 3]
    assert curve["train_rmse"].tolist() == [3, 2, 1]
    assert np.isnan(curve["valid_rmse"]).all()
    assert (np.diff(curve["seconds"]) >= 0).all()


# Holding out -------------------------------------------------------------------------------------------------------


def test_hold_out_splits_the_rows_and_keeps_every_code():
    ratings = noisy()
    train, held = hold_out(ratings, 0.1, 0)
    assert len(held.ratings) == round(0.1 * len(ratings))
    assert train.users is ratings.users
    assert train.items is ratings.items
    whole = {(u, i): r for u, i, r in zip(ratings.user_codes, ratings.item_codes, ratings.ratings, strict=True)}
    parts = [(train.user_codes, train.item_codes, train.ratings), (held.user_codes, held.item_codes, held.ratings)]
    found = [((u, i), r) for part in parts for u, i, r in zip(*part, strict=True)]
    assert len(found) == len(whole)
    assert dict(found) == whole
    assert (train.scale, held.scale) == (ratings.scale, ratings.scale)
    again, _ = hold_out(ratings, 0.1, 0)
    other, _ = hold_out(ratings, 0.1, 1)
    np.testing.assert_array_equal(again.user_codes, train.user_codes)
    assert (other.ratings.size != train.ratings.size) or (other.user_codes != train.user_codes).any()


def test_holding_everything_out_leaves_nothing_to_learn_from():
    with pytest.raises(DataError) as caught:
        ft.ALS(early_stopping=True).fit([("a", "b", 1)])
    assert str(caught.value) == (
        "holding out validation_fraction=0.05 of the ratings would take 1 of 1 and leave none to learn from. "
        "Hint: it takes at least 2 ratings, and a fraction that leaves one."
    )
    rows = [("a", "b", 1), ("a", "c", 2), ("b", "b", 3), ("b", "c", 5)]
    with pytest.raises(DataError, match=r"validation_fraction=0\.9 of the ratings would take 4 of 4 and leave none"):
        ft.UserItemKNN(validation_fraction=0.9).fit(rows)


# In a model --------------------------------------------------------------------------------------------------------

iterative = pytest.mark.parametrize(
    "model",
    [
        ft.Baseline(),
        ft.NMF(n_factors=4, random_state=0),
        ft.ALS(n_factors=4, random_state=0),
        ft.FunkSVD(n_factors=4, random_state=0),
        ft.FunkSVD(n_factors=4, random_state=0, solver="gd", tol=1e-3, n_epochs=2000),
        ft.SVDpp(n_factors=4, random_state=0),
    ],
    ids=lambda model: f"{type(model).__name__} {getattr(model, 'solver', '')}",
)


@iterative
def test_a_model_stops_by_itself_before_its_ceiling(model):
    history = model.fit(noisy()).history_
    assert 1 < len(history) < model.n_epochs
    assert history.columns == ["epoch", "train_rmse", "valid_rmse", "seconds"]
    assert history["epoch"].to_list() == list(range(1, len(history) + 1))
    assert history["valid_rmse"].is_nan().all()


@iterative
def test_the_last_train_rmse_of_the_history_is_that_of_the_model(model):
    ratings = noisy()
    model.fit(ratings)
    found = ft.metrics.rmse(ratings.ratings, model.predict(ratings, clip=False))
    # stochastic descent adds its errors up while it goes through them
    stochastic = isinstance(model, ft.SVDpp) or (isinstance(model, ft.FunkSVD) and model.solver == "sgd")
    slack = 0.1 if stochastic else 1e-4
    assert model.history_["train_rmse"][-1] == pytest.approx(found, rel=slack)


@iterative
def test_a_model_at_its_ceiling_warns_once_at_the_line_that_called_fit(model):
    model = type(model)(**model.get_params() | {"n_epochs": 2, "tol": 1e-9})
    with pytest.warns(ConvergenceWarning) as caught:
        model.fit(noisy())
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert str(caught[0].message).startswith(f"{type(model).__name__} met its ceiling of 2 epochs")


@iterative
def test_a_model_without_tolerance_runs_exactly_n_epochs(model):
    model = type(model)(**model.get_params() | {"n_epochs": 7, "tol": 0})
    assert len(model.fit(noisy()).history_) == 7


@pytest.mark.parametrize(
    "model",
    [
        ft.NMF(n_factors=12, reg=0.01, random_state=0, validation_fraction=0.2),
        ft.ALS(n_factors=12, reg=0.03, random_state=0, validation_fraction=0.2),
        ft.FunkSVD(n_factors=12, reg=1e-4, random_state=0, validation_fraction=0.2),
        ft.FunkSVD(n_factors=12, reg=1e-4, random_state=0, validation_fraction=0.2, solver="gd", n_epochs=3000),
        ft.SVDpp(n_factors=12, reg=1e-4, random_state=0, validation_fraction=0.2),
    ],
    ids=lambda model: f"{type(model).__name__} {getattr(model, 'solver', '')}",
)
def test_early_stopping_finds_the_best_epoch_and_then_learns_from_everything(model):
    ratings = noisy()
    stopped = model.set_params(early_stopping=True).fit(ratings)
    history = stopped.history_
    assert history["valid_rmse"].is_finite().all()
    best = int(np.argmin(history["valid_rmse"].to_numpy())) + 1
    assert len(history) == best + 5
    plain = type(model)(**model.get_params() | {"early_stopping": False, "tol": 0, "n_epochs": best}).fit(ratings)
    np.testing.assert_array_equal(plain.user_factors_, stopped.user_factors_)
    np.testing.assert_array_equal(plain.item_biases_, stopped.item_biases_)
    assert stopped.known_.indices.size == len(ratings)


@pytest.mark.parametrize(
    "model",
    [
        ft.ALS(n_factors=2, random_state=0),
        ft.FunkSVD(n_factors=2, random_state=0),
        ft.SVDpp(n_factors=2, random_state=0),
    ],
    ids=lambda model: type(model).__name__,
)
def test_ratings_far_from_0_are_learned_as_long_and_as_well_as_those_around_it(model):
    rng = np.random.default_rng(0)
    tastes = rng.normal(size=(40, 2)) @ rng.normal(size=(2, 30))
    users, items = np.nonzero(rng.random(tastes.shape) < 0.6)
    test = rng.random(users.size) < 0.2
    pairs = list(zip(users[test], items[test], strict=True))

    def learned(offset):
        ratings = Interactions.from_arrays(users[~test], items[~test], tastes[users, items][~test] + offset)
        model.fit(ratings)
        return len(model.history_), ft.metrics.rmse(tastes[users, items][test] + offset, model.predict(pairs))

    (n_near, near), (n_far, far) = learned(0), learned(10_000)
    assert near < 0.5 * tastes.std()
    assert far == pytest.approx(near, rel=0.05)
    assert n_far == pytest.approx(n_near, rel=0.1)


def test_early_stopping_sees_factors_through_that_start_below_the_scale():
    # all predictions of the first epochs are clipped to the lowest rating, so that the validation error stands still
    rng = np.random.default_rng(6)
    users, items = np.nonzero(rng.random((40, 30)) < 0.5)
    taste = np.outer(rng.choice([-1, 1], 40), rng.choice([-1, 1], 30))
    stars = np.round(4 + taste[users, items] + rng.normal(0, 0.5, users.size))
    ratings = Interactions.from_arrays(users, items, np.clip(stars, 3, 5))
    model = ft.FunkSVD(n_factors=4, biased=False, early_stopping=True, random_state=0).fit(ratings)
    valid = model.history_["valid_rmse"].to_numpy()
    assert (valid[:6] == valid[0]).all(), "the test needs a validation error that stands still"
    assert valid.min() < 0.5 * valid[0]
    assert ft.metrics.rmse(ratings.ratings, model.predict(ratings)) < 0.5


@pytest.mark.parametrize(
    "model", [ft.NMF(random_state=0), ft.ALS(random_state=0), ft.FunkSVD(random_state=0), ft.SVDpp(random_state=0)]
)
def test_early_stopping_ends_on_equal_ratings_by_itself(model):
    # a ConvergenceWarning would be an error here
    rows = noisy()
    equal = Interactions.from_arrays(rows.user_codes, rows.item_codes, np.full(len(rows), 3.0))
    model.set_params(early_stopping=True).fit(equal)
    assert len(model.history_) < 100
    assert (model.predict(equal) == 3).all()


def test_early_stopping_at_its_ceiling_warns_once():
    with pytest.warns(ConvergenceWarning) as caught:
        ft.ALS(n_factors=2, n_epochs=2, early_stopping=True, random_state=0).fit(noisy())
    assert len(caught) == 1
    assert caught[0].filename == __file__


@pytest.mark.parametrize("rate", [1e3, 1e15, 1e38])
def test_too_large_a_step_diverges_with_a_hint(rate):
    with pytest.raises(
        DivergenceError, match=r"^FunkSVD diverged in epoch \d+: its numbers are no longer finite\. Hint"
    ):
        ft.FunkSVD(learning_rate=rate, random_state=0, n_epochs=50, tol=0).fit(noisy())


def test_whole_gradients_do_not_diverge_at_any_step():
    model = ft.FunkSVD(n_factors=2, learning_rate=1e30, solver="gd", n_epochs=5, tol=0, random_state=0).fit(noisy())
    assert np.isfinite(model.predict(noisy())).all()


@pytest.mark.parametrize("n_epochs", [1, 2])
def test_divergence_on_the_last_step_does_not_slip_through(n_epochs):
    # the error is measured before each step, so that the very last one has no later error to show in
    model = ft.FunkSVD(learning_rate=1e38, n_epochs=n_epochs, tol=0, random_state=0)
    try:
        model.fit([("a", "b", 1), ("a", "c", 5)])
    except DivergenceError:
        return
    assert np.isfinite(model.predict([("a", "b"), ("a", "c")])).all()
