"""To a file and back, and what is refused on the way."""

import collections
import datetime as dt
import decimal
import pickle
import uuid

import numpy as np
import pytest
import surprise as peer

from foretaste import surprise as ours
from foretaste.exceptions import ModelFileError
from foretaste.surprise import dump
from foretaste.surprise.prediction_algorithms.algo_base import BatchAlgo, Estimates

ROWS = [("an", "bts", 0.5, None), (uuid.UUID(int=3), "sanam", 4.5, None), (dt.date(2020, 1, 2), "bts", 5.0, None)]


def trainset():
    return ours.Dataset(ours.Reader(rating_scale=(0.5, 5))).construct_trainset(ROWS)


class Custom(BatchAlgo):
    def fit(self, trainset):
        super().fit(trainset)
        self.learned = np.arange(6.0).reshape(2, 3)
        self.same = self.learned
        return self

    def _estimates(self, users, items):
        return Estimates(self.learned[0, users] + items)


def there_and_back(path, **what):
    dump.dump(path, **what)
    return dump.load(path)


def test_an_algorithm_and_its_predictions_come_back(tmp_path, capsys):
    algo = Custom().fit(trainset())
    testset = trainset().build_testset()
    predictions = algo.test(testset)
    dump.dump(tmp_path / "file", predictions, algo, verbose=1)
    assert capsys.readouterr().out == f"The dump has been saved as file {tmp_path / 'file'}\n"
    again, algo_again = dump.load(str(tmp_path / "file"))
    assert again == predictions
    assert [repr(one) for one in again] == [repr(one) for one in predictions]
    assert type(algo_again) is Custom
    assert algo_again.test(testset) == predictions
    assert algo_again.same is algo_again.learned
    algo_again.learned[:] = 0  # may be written to
    algo_again.trainset.ur  # noqa: B018  the lists are made of what has come back
    assert there_and_back(tmp_path / "file", algo=algo_again)[1].trainset.ur == algo.trainset.ur


@pytest.mark.parametrize("what", [{}, {"predictions": []}, {"predictions": [(1, 2, 3.0, 4.0, None)]}])
def test_what_is_not_there_is_none(tmp_path, what):
    assert there_and_back(tmp_path / "file", **what) == (what.get("predictions"), None)


def values():
    generator = np.random.RandomState(4)
    generator.normal()
    return {
        "array": np.arange(12, dtype=np.int8).reshape(3, 4)[:, ::2],
        "nothing": np.empty((0, 3)),
        "texts": np.array(["a", "bc"]),
        "objects": np.array([[1, "a"], [None, (2, 3)]], dtype=object),
        "times": np.array(["2020-01-01"], "M8[D]"),
        "scalars": [np.float64(0.1), np.float32(0.1), np.int64(3), np.bool_(True), np.str_("x")],  # noqa: FBT003
        "plain": [None, True, 3, 2**70, 0.1, float("nan"), "x", b"y", (1,), {1, 2}, frozenset("a"), {"k": {2: []}}],
        "kinds": [uuid.UUID(int=1), decimal.Decimal("1.10"), dt.datetime(2020, 1, 1, tzinfo=dt.UTC)],
        "lists": collections.defaultdict(list, {1: [2]}),
        "order": collections.OrderedDict(b=1, a=2),
        "generator": generator,
        "reader": ours.Reader(sep=";"),
    }


def test_whatever_an_algorithm_learns_comes_back(tmp_path):
    algo = Custom()
    algo.held = values()
    _, found = there_and_back(tmp_path / "file", algo=algo)
    given, held = values(), found.held
    assert held["generator"].normal() == given["generator"].normal()
    assert vars(held["reader"]) == vars(given["reader"])
    assert held["lists"][99] == []
    for name in ("array", "nothing", "texts", "objects", "times"):
        np.testing.assert_array_equal(held[name], given[name])
        assert held[name].dtype == given[name].dtype
    for name in ("scalars", "plain", "kinds", "order"):
        assert repr(held[name]) == repr(given[name])
        assert type(held[name]) is type(given[name])


@pytest.mark.parametrize("what", [print, object(), range(3), int, collections.defaultdict(lambda: 0), lambda: 0])
def test_what_is_no_data_is_refused_when_it_is_written(tmp_path, what):
    algo = Custom()
    algo.held = what
    (tmp_path / "file").write_bytes(b"what was there")
    with pytest.raises(TypeError, match="a dump holds plain data, numpy arrays, predictions and algorithms, and not"):
        dump.dump(tmp_path / "file", algo=algo)
    assert (tmp_path / "file").read_bytes() == b"what was there"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_class_inside_a_function_is_refused_when_it_is_written(tmp_path):
    class Inside(ours.AlgoBase):
        pass

    with pytest.raises(TypeError, match="does not stand at the top of a module"):
        dump.dump(tmp_path / "file", algo=Inside())


# What others may have made -----------------------------------------------------------------------------------------


class Evil:
    """Runs when it is unpickled."""

    ran = 0

    def __reduce__(self):
        return _run, ()


def _run():
    Evil.ran += 1


def file_of(path, content, protocol=5):
    path.write_bytes(dump._MARK + pickle.dumps(content, protocol=protocol))
    return path


def test_a_file_of_surprise_itself_is_refused(tmp_path):
    # its own `dump` leaves the file open
    content = {"predictions": [peer.Prediction(1, 2, 3, 4, {})], "algo": peer.SVD()}
    (tmp_path / "file").write_bytes(pickle.dumps(content, protocol=pickle.HIGHEST_PROTOCOL))
    with pytest.raises(ModelFileError, match=r"was not written by foretaste\.surprise\.dump"):
        dump.load(tmp_path / "file")


@pytest.mark.parametrize("protocol", range(6))
def test_nothing_in_a_file_is_run(tmp_path, protocol):
    with pytest.raises(ModelFileError, match="which no dump does"):
        dump.load(file_of(tmp_path / "file", {"predictions": Evil(), "algo": None}, protocol))
    assert Evil.ran == 0


@pytest.mark.parametrize(
    "named",
    [
        ("os", "system"),
        ("builtins", "eval"),
        ("foretaste.surprise.dump", "load"),
        ("foretaste.surprise.dump", "os.system"),
    ],
)
def test_a_file_can_name_the_makers_only(tmp_path, named):
    module, name = (f"\x8c{chr(len(text))}{text}".encode("latin-1") for text in named)
    program = b"\x80\x04" + module + name + b"\x93" + b"\x8c\x02id\x85R."
    (tmp_path / "file").write_bytes(dump._MARK + program)
    with pytest.raises(ModelFileError, match="which no dump does"):
        dump.load(tmp_path / "file")


@pytest.mark.parametrize("named", [("subprocess", "Popen"), ("builtins", "dict"), ("gone", "Algo"), (__name__, "Evil")])
def test_only_algorithms_that_are_there_are_made(named):
    with pytest.raises(ModelFileError, match="which this program has not imported"):
        dump._object(*named)


def test_bytes_are_not_taken_for_objects():
    for make in (lambda: dump._array("|O", (1,), bytearray(8)), lambda: dump._scalar("|O", bytes(8))):
        with pytest.raises(pickle.UnpicklingError):
            make()


def test_a_file_cut_short_says_so(tmp_path):
    path = tmp_path / "file"
    dump.dump(path, [ours.Prediction("a", "b", 1.0, 2.0, {})], Custom().fit(trainset()))
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelFileError):
            dump.load(path)


def test_no_file_is_a_file_not_found(tmp_path):
    with pytest.raises(FileNotFoundError):
        dump.load(tmp_path / "gone")


class Call:
    """Pickled as a call of a maker, whose result is then given a state."""

    def __init__(self, maker, *arguments, state=None):
        self.reduced = maker, arguments, state

    def __reduce__(self):
        return self.reduced


@pytest.mark.parametrize("place", [-1, 625, 10**6])
@pytest.mark.parametrize("late", [False, True])
def test_a_random_generator_that_would_draw_from_beyond_its_end_is_refused(tmp_path, place, late):
    states = [np.random.RandomState(0).get_state(legacy=False) for _ in range(2)]
    for state in states:
        state["state"]["key"] = state["state"]["key"].tolist()
    states[1]["state"]["pos"] = place
    made = Call(dump._random_state, states[0] if late else states[1], state=states[1] if late else None)
    with pytest.raises(ModelFileError, match="at a place that there is not"):
        dump.load(file_of(tmp_path / "file", {"predictions": None, "algo": made}))


def test_a_file_cannot_change_the_makers(tmp_path):
    name = f"{dump.__name__}\n_object\n".encode()
    # the attributes of `_object` itself, as if it were an object that was made: protocol 0, and two ways to do it
    for state in (b"(dS'__name__'\nS'changed'\ns", b"(N(dS'__defaults__'\n(I1\ntst"):
        (tmp_path / "file").write_bytes(dump._MARK + b"(dS'predictions'\nNsS'algo'\nc" + name + state + b"bs.")
        with pytest.raises(ModelFileError, match="invalid partial state"):
            dump.load(tmp_path / "file")
        assert dump._object.__name__ == "_object"
        assert dump._object.__defaults__ is None
        assert not vars(dump._object)


def test_a_generator_comes_back_where_it_was(tmp_path):
    algo = ours.SVD(random_state=np.random.RandomState(0))
    back = there_and_back(tmp_path / "file", algo=algo)[1]
    assert back.random_state.randint(1000) == algo.random_state.randint(1000)
