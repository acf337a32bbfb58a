"""Reader, Dataset and the known sets beside the real ones."""

import io
import zipfile
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import surprise as peer

from foretaste import surprise as ours
from foretaste.surprise import builtin_datasets
from foretaste.surprise.dataset import DatasetAutoFolds, DatasetUserFolds

BOTH = pytest.mark.parametrize("lib", [ours, peer], ids=["ours", "peer"])


# Reader ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({}, "a  x\t4.5"),
        ({"sep": ","}, "a , x,4 , 12"),
        ({"sep": "::", "line_format": "rating timestamp item user"}, "3::99::x::a\n"),
        ({"name": "ml-100k"}, "196\t242\t3\t881250949\n"),
        ({"name": "ml-1m", "sep": "ignored"}, "1::1193::5::978300760\n"),
        ({"name": "jester"}, "1 5 -9.281"),
    ],
)
def test_a_line_is_read_the_same(arguments, line):
    mine, theirs = ours.Reader(**arguments), peer.Reader(**arguments)
    assert mine.parse_line(line) == theirs.parse_line(line)
    assert vars(mine) == vars(theirs)


@BOTH
@pytest.mark.parametrize(
    "arguments", [{"name": "nobody"}, {"line_format": "user item stars"}, {"line_format": "user rating"}]
)
def test_a_reader_without_meaning_is_refused(lib, arguments):
    with pytest.raises(ValueError, match=r"."):
        lib.Reader(**arguments)


@BOTH
@pytest.mark.parametrize("scale", [(1, 2, 3), 5])
def test_a_scale_is_a_pair(lib, scale):
    with pytest.raises((ValueError, TypeError)):
        lib.Reader(rating_scale=scale)


@BOTH
@pytest.mark.parametrize("line", ["a x", "a x stars", ""])
def test_a_line_that_cannot_be_read_is_an_error(lib, line):
    with pytest.raises(ValueError, match=r"."):
        lib.Reader().parse_line(line)


# Dataset ---------------------------------------------------------------------------------------------------------


def test_a_file_is_read_the_same(tmp_path):
    path = tmp_path / "ratings.csv"
    path.write_text("user;item;stars\na; x;4\nb;x;2.5\na;y ;1\n")
    read = [
        lib.Dataset.load_from_file(str(path), lib.Reader(sep=";", skip_lines=1, rating_scale=(1, 5)))
        for lib in (ours, peer)
    ]
    assert (
        read[0].raw_ratings
        == read[1].raw_ratings
        == [
            ("a", "x", 4.0, None),
            ("b", "x", 2.5, None),
            ("a", "y", 1.0, None),
        ]
    )
    assert isinstance(read[0], DatasetAutoFolds)
    assert read[0].ratings_file == str(path)
    assert not read[0].has_been_split
    assert read[0].construct_testset(read[0].raw_ratings) == read[1].construct_testset(read[1].raw_ratings)


def test_a_reader_of_ones_own_reads_the_lines(tmp_path):
    class Shouting(ours.Reader):
        def parse_line(self, line):
            user, item, rating, _ = super().parse_line(line)
            return user.upper(), item, rating, None

    (tmp_path / "r").write_text("a x 1\n")
    assert ours.Dataset.load_from_file(tmp_path / "r", Shouting()).raw_ratings == [("A", "x", 1.0, None)]


FRAME = pd.DataFrame({"who": ["a", "b", "a"], "what": [1, 2, 2], "stars": [1, 4, 3]})


@pytest.mark.parametrize(
    "frame",
    [
        FRAME,
        pl.from_pandas(FRAME),
        pl.from_pandas(FRAME).lazy(),
        pa.Table.from_pandas(FRAME),
        FRAME.set_axis(["x", "x", 0], axis=1),
    ],
    ids=["pandas", "polars", "lazy", "pyarrow", "columns named alike"],
)
def test_a_frame_of_any_kind_is_three_columns_in_order(frame):
    mine = ours.Dataset.load_from_df(frame, ours.Reader())
    theirs = peer.Dataset.load_from_df(FRAME, peer.Reader())
    assert mine.raw_ratings == theirs.raw_ratings
    assert [tuple(map(type, row)) for row in mine.raw_ratings] == [tuple(map(type, row)) for row in theirs.raw_ratings]
    assert mine.df is frame


def test_a_frame_of_other_columns_is_told():
    with pytest.raises(ValueError, match=r"three columns, .* has 4"):
        ours.Dataset.load_from_df(FRAME.assign(time=0), ours.Reader())


@BOTH
def test_a_dataset_of_nothing_is_an_error(lib):
    with pytest.raises(ValueError, match=r"."):
        lib.Dataset.load_from_df(None, None)


def test_raw_ratings_may_be_assigned():
    data = ours.Dataset.load_from_df(FRAME, ours.Reader())
    data.raw_ratings = data.raw_ratings[:1]
    assert data.build_full_trainset().n_ratings == 1


def test_folds_of_files(tmp_path):
    for name in ("base", "test"):
        (tmp_path / name).write_text("a x 1\n")
    folds = [(str(tmp_path / "base"), str(tmp_path / "test"))]
    data = ours.Dataset.load_from_folds(iter(folds), ours.Reader())
    assert isinstance(data, DatasetUserFolds)
    assert data.folds_files == folds
    for lib in (ours, peer):
        with pytest.raises(ValueError, match=r"File .*gone does not exist\."):
            lib.Dataset.load_from_folds([(folds[0][0], str(tmp_path / "gone"))], lib.Reader())


# Known sets ------------------------------------------------------------------------------------------------------


def test_the_folder_is_that_of_the_variable_or_at_home(monkeypatch, tmp_path):
    folder = tmp_path / "a" / "b"
    monkeypatch.setenv("SURPRISE_DATA_FOLDER", f"{folder}/")
    assert ours.get_dataset_dir() == peer.get_dataset_dir() == f"{folder}/"
    assert folder.is_dir()
    monkeypatch.delenv("SURPRISE_DATA_FOLDER")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert ours.get_dataset_dir() == peer.get_dataset_dir() == f"{tmp_path}/.surprise_data/"


def test_the_known_sets_are_the_same():
    theirs = peer.builtin_datasets.BUILTIN_DATASETS
    assert list(builtin_datasets.BUILTIN_DATASETS) == list(theirs)
    for name, known in builtin_datasets.BUILTIN_DATASETS.items():
        assert known == tuple(theirs[name])
        assert known._fields == theirs[name]._fields


@pytest.fixture
def known(monkeypatch, tmp_path):
    """A known set that is served from memory."""
    monkeypatch.setenv("SURPRISE_DATA_FOLDER", str(tmp_path))
    path = tmp_path / "tiny" / "part" / "ratings"
    entry = builtin_datasets.BuiltinDataset("https://example.org/tiny.zip", str(path), {"sep": "|"})
    monkeypatch.setitem(builtin_datasets.BUILTIN_DATASETS, "tiny", entry)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as whole:
        whole.writestr("part/ratings", "a|x|3\n")
    monkeypatch.setattr(builtin_datasets, "urlopen", lambda _: io.BytesIO(archive.getvalue()))
    return path


def test_a_known_set_is_downloaded_once(known, capsys, monkeypatch):
    answers = iter(["what?", "Y"])
    monkeypatch.setattr("builtins.input", lambda: next(answers))
    for _ in range(2):
        assert ours.Dataset.load_builtin("tiny").raw_ratings == [("a", "x", 3.0, None)]
    printed = capsys.readouterr().out
    assert printed == (
        "Dataset tiny could not be found. Do you want to download it? [Y/n] " * 2
        + "Trying to download dataset from https://example.org/tiny.zip...\n"
        + f"Done! Dataset tiny has been saved to {known.parents[1]}\n"
    )
    assert [path.name for path in known.parents[2].iterdir()] == ["tiny"]


def test_no_is_an_answer(known, monkeypatch, capsys):
    monkeypatch.setattr("builtins.input", lambda: "n")
    with pytest.raises(SystemExit):
        ours.Dataset.load_builtin("tiny")
    assert capsys.readouterr().out.endswith("Ok then, I'm out!\n")
    assert not known.exists()


def test_a_download_that_fails_leaves_nothing(known, monkeypatch):
    monkeypatch.setattr(builtin_datasets, "urlopen", lambda _: io.BytesIO(b"<html>moved</html>"))
    with pytest.raises(OSError, match="no zip archive"):
        ours.Dataset.load_builtin("tiny", prompt=False)
    assert list(known.parents[2].iterdir()) == []


@BOTH
def test_a_set_that_nobody_knows_is_an_error(lib):
    with pytest.raises(ValueError, match="unknown dataset"):
        lib.Dataset.load_builtin("nobody")


def test_importing_makes_no_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("SURPRISE_DATA_FOLDER", str(tmp_path / "not made"))
    assert builtin_datasets._known("", "a/b").path == str(tmp_path / "not made" / "a/b")
    assert not Path(tmp_path / "not made").exists()
