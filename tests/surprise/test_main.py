import re
import sys

import pytest
from surprise import __main__ as theirs

from beside import ours
from foretaste import cli
from foretaste.surprise import __main__ as here

ROWS = [(user, item, (3 * user + 5 * item) % 6 - 0.5) for user in range(9) for item in range(7) if (user + item) % 3]
READER = "Reader(line_format='user item rating', sep=',', rating_scale=(0, 5))"


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A folder with a file of ratings and two predefined folds, where the program then runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SURPRISE_DATA_FOLDER", str(tmp_path / "sets"))
    for name, rows in (("all", ROWS), ("a", ROWS[:20]), ("b", ROWS[20:]), ("c", ROWS[12:]), ("d", ROWS[:12])):
        (tmp_path / name).write_text("".join(f"{user},{item},{rating}\n" for user, item, rating in rows))
    return tmp_path


@pytest.fixture
def run(capsys):
    """What a command line prints, and the status it leaves with, through one of the doors."""

    def door(arguments, main=here.main):
        with pytest.raises(SystemExit) as left:
            main(arguments)
        captured = capsys.readouterr()
        return left.value.code, captured.out, captured.err

    return door


def without_seconds(printed):
    return [re.sub(r"\d", "#", line) if " time" in line else line for line in printed.split("\n")]


@pytest.mark.parametrize(
    "arguments",
    [
        ["-algo", "SlopeOne", "-load-custom", "all", "-reader", READER, "-n-folds", "3", "-seed", "1"],
        [
            "-algo",
            "CoClustering",
            "-params",
            "{'n_epochs': 2, 'verbose': True}",
            "-load-custom=all",
            "-reader",
            READER,
            "-seed=0",
        ],
        ["-algo", "SlopeOne", "-folds-files", "a b c d", "-reader", READER],
        ["-algo=SlopeOne", "-folds-files=a b", "-load-custom=all", f"-reader={READER}", "-seed=2", "-n-folds=2"],
    ],
)
def test_it_prints_what_surprise_prints_through_both_doors(files, run, monkeypatch, capsys, arguments):
    monkeypatch.setattr(sys, "argv", ["surprise", *arguments])
    theirs.main()
    expected = without_seconds(capsys.readouterr().out)
    for door in (run(arguments), run(["surprise", *arguments], cli.main)):
        assert (door[0] or 0, without_seconds(door[1]), door[2]) == (0, expected, "")


def test_the_version_is_that_of_surprise(run):
    for flag in ("-v", "--version"):
        status, out, _ = run([flag])
        assert (status or 0, out) == (0, "1.1.5\n")


def test_dumps_hold_the_predictions_and_the_algorithm_of_each_fold(files, run):
    for where, folder in (([], "sets/dumps"), (["-dump-dir", "mine/own"], "mine/own")):
        arguments = ["-algo", "SlopeOne", "-load-custom", "all", "-reader", READER, "-n-folds", "2", "-seed", "1"]
        assert run([*arguments, "--with-dump", *where])[0] == 0
        assert sorted(path.name for path in (files / folder).iterdir()) == ["SlopeOne-fold1", "SlopeOne-fold2"]
        predictions, algo = ours.dump.load(files / folder / "SlopeOne-fold2")
        assert algo.test([(p.uid, p.iid, p.r_ui) for p in predictions]) == predictions
        assert len(predictions) == len(ROWS) // 2


def test_clean_removes_the_folder_of_known_sets(files, run):
    (files / "sets" / "ml-100k").mkdir(parents=True)
    status, out, _ = run(["--clean"])
    assert (status or 0, out) == (0, f"Removed {files / 'sets'}\n")
    assert not (files / "sets").exists()


@pytest.mark.parametrize("text", ["dict(n_cltr_u=2, n_epochs=1)", " {'n_cltr_u': 2, 'n_epochs': 1} "])
def test_parameters_may_be_written_as_a_dictionary_or_as_a_call(files, run, text):
    arguments = ["-algo", "CoClustering", "-load-custom", "all", "-reader", READER, "-params", text]
    assert run(arguments)[0] == 0


DATA = ["-algo", "SlopeOne", "-load-custom", "all"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "No algorithm was specified. Hint: name one with -algo."),
        (["-algo", "Magic"], "Invalid value for '-algo': 'Magic' is not one of "),
        (["-algo", "SlopeOne", "-params", "{'verbose': True}"], "Invalid value for -params: "),
        (["-algo", "CoClustering", "-params", "open('owned', 'w')"], "is no dictionary of plain values, such as"),
        (["-algo", "CoClustering", "-params", "{'n_epochs': open('owned', 'w')}"], "is no dictionary of plain"),
        (["-algo", "CoClustering", "-params", "{1: 2}"], "is no dictionary of plain values, such as"),
        (DATA, "-reader parameter is needed. Hint: say how the file is read"),
        ([*DATA, "-reader", "Reader(open('owned', 'w'))"], "is no reader of plain values, such as Reader(sep=',')."),
        ([*DATA, "-reader", "open('owned', 'w')"], "is no reader of plain values, such as Reader(sep=',')."),
        ([*DATA, "-reader", "Reader(seps=',')"], "Invalid value for '-reader': "),
        (["-algo", "SlopeOne", "-load-custom", "none", "-reader", READER], "Invalid value for -load-custom: "),
        (["-algo", "SlopeOne", "-load-builtin", "none"], "Invalid value for -load-builtin: "),
        (["-algo", "SlopeOne", "-folds-files", "a b c", "-reader", READER], "files come in pairs, to learn from and"),
        (["-algo", "SlopeOne", "-folds-files", "a none", "-reader", READER], "Invalid value for -folds-files: "),
        ([*DATA, "-reader", READER, "-n-folds", "99"], "99 folds cannot be made of 42 ratings."),
        ([*DATA, "-reader", READER, "-n-folds", "1"], "Invalid value for '-n-folds': "),
    ],
)
def test_a_mistake_is_the_callers_and_nothing_in_a_text_is_run(files, run, arguments, message):
    for status, out, err in (run(arguments), run(["surprise", *arguments], cli.main)):
        assert (status, out) == (2, "")
        assert message in err
    assert not (files / "owned").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["-algo=SVD", "-params", "{'n_epochs': 'x'}"],
            "SVD cannot be evaluated with the parameters {'n_epochs': 'x'}: ",
        ),
        (["-algo=SVD", "-params", "{'n_factors': -3}"], "negative dimensions are not allowed (ValueError)."),
        (["-algo=KNNBasic", "-params", "{'sim_options': {'name': 'nix'}}"], "must be one of cosine, msd, "),
        (["-algo=BaselineOnly", "-params", "{'bsl_options': {'method': 'nix'}}"], "got 'nix'. (ValueError)"),
        (["-algo=SlopeOne", "--with-dump", "-dump-dir", "all/below"], "Not a directory: 'all/below'"),
    ],
)
def test_what_turns_out_wrong_later_is_said_in_a_line(files, run, arguments, message):
    status, _, err = run([*arguments, "-load-custom", "all", "-reader", READER])
    assert status == 1
    assert message in err
    assert "Traceback" not in err
