"""Whole programs beside the real package: the walk-through of a lecture, every algorithm to a file and back."""

import numpy as np
import pytest
import surprise as peer

import foretaste as ft
from foretaste import surprise as ours

ALBUMS = ft.datasets.albums().to_pandas()


def walk_through(lib):
    """The lecture's program, line by line, but for the seed."""
    np.random.seed(0)
    sf = lib.Dataset.load_from_df(ALBUMS[["user", "item", "rating"]], lib.Reader(rating_scale=(0, 5)))
    train = sf.build_full_trainset()
    model = lib.SVD(n_factors=2, n_epochs=10000, biased=False)
    model.fit(train)
    one = model.predict("bhavana", "bts")
    test = train.build_testset()
    predictions = model.test(test)
    return model, one, test, predictions, lib.accuracy.mse(predictions)


def test_the_lectures_walk_through(capsys):
    model, one, test, predictions, mse = walk_through(ours)
    mine = capsys.readouterr().out
    their_model, their_one, their_test, their_predictions, their_mse = walk_through(peer)
    assert capsys.readouterr().out == mine == f"MSE: {mse:.4f}\n"
    assert mse == their_mse == pytest.approx(0.02, abs=0.005)
    assert (str(one), repr(predictions), test) == (str(their_one), repr(their_predictions), their_test)
    assert model.pu.shape == (4, 2)
    assert model.qi.shape == (5, 2)
    np.testing.assert_array_equal(model.pu, their_model.pu)
    np.testing.assert_array_equal(model.qi, their_model.qi)


QUIET = {"verbose": False}
ALGORITHMS = {
    "NormalPredictor": {},
    "BaselineOnly": QUIET,
    "KNNBasic": QUIET,
    "KNNWithMeans": QUIET,
    "KNNWithZScore": QUIET,
    "KNNBaseline": QUIET,
    "SVD": {"random_state": 0},
    "SVDpp": {"random_state": 0},
    "NMF": {"random_state": 0},
    "SlopeOne": {},
    "CoClustering": {"random_state": 0},
}
ASKED = [
    ("an", "bts", 1.0),
    ("diego", "zhou-shen", None),
    ("nobody", "bts", 3.0),
    ("an", "nothing", 2),
    ("?", "?", None),
]


@pytest.mark.parametrize(("name", "options"), ALGORITHMS.items(), ids=ALGORITHMS)
class TestEveryAlgorithm:
    """What holds for all eleven."""

    def test_is_the_same_for_one_pair_and_for_many(self, name, options):
        found = []
        for lib in (ours, peer):
            data = lib.Dataset.load_from_df(ALBUMS, lib.Reader(rating_scale=(0, 5)))
            algo = getattr(lib, name)(**options).fit(data.build_full_trainset())
            np.random.seed(1)
            together = algo.test(ASKED)
            np.random.seed(1)
            found += [together, [algo.predict(*pair) for pair in ASKED]]
        for other in found:
            for one, expected in zip(other, found[-1], strict=True):
                assert one._replace(est=0) == expected._replace(est=0)
                assert type(one.est) is type(expected.est)
                assert one.est == expected.est

    def test_comes_back_from_a_file(self, name, options, tmp_path):
        data = ours.Dataset.load_from_df(ALBUMS, ours.Reader(rating_scale=(0, 5)))
        algo = getattr(ours, name)(**options).fit(data.build_full_trainset())
        np.random.seed(1)
        predictions = algo.test(ASKED)
        ours.dump.dump(tmp_path / "file", predictions, algo)
        again, algo_again = ours.dump.load(tmp_path / "file")
        assert again == predictions
        np.random.seed(1)
        assert algo_again.test(ASKED) == predictions
        assert set(vars(algo_again)) == set(vars(algo))


def test_every_name_of_the_package_is_there():
    assert set(peer.__all__) <= set(ours.__all__)
    assert ours.__version__ == peer.__version__
