"""`foretaste map`: a page from files, and mistakes told in a sentence."""

import sys
from pathlib import Path

import pytest

import foretaste as ft
from foretaste import cli

ITEMS = """movieId,name,style,link
bts,Proof,pop|dance,a
ommazh,Ommazh,rock,b
sanam,Sanam,rock|folk,c
stranger,Who,rock,d
"""


@pytest.fixture
def run(tmp_path, monkeypatch, capfdbinary):
    """A function that runs `foretaste map` in a folder with a model and items: its status, output, errors."""
    monkeypatch.chdir(tmp_path)
    ft.FunkSVD(n_factors=3, n_epochs=5, tol=0, random_state=0).fit(ft.datasets.albums()).save("model.ft")
    Path("items.csv").write_text(ITEMS, encoding="utf-8")

    def run(*arguments):
        capfdbinary.readouterr()
        with pytest.raises(SystemExit) as left:
            cli.main(["map", *map(str, arguments)])
        sys.stdout.flush()
        out, err = capfdbinary.readouterr()
        return left.value.code, out.decode(), err.decode()

    return run


def test_a_page_is_written(run):
    status, out, err = run("model.ft", "--items", "items.csv", "--user", "diego", "--title", "Five <albums>")
    assert status == 0, err
    assert out == "5 items, 0.1 MB: map.html\n"
    assert "items.csv: taking style as lists." in err
    assert err.count("Warning: ") == 1
    assert "Warning: 1 of 4 items are unknown to the model: left out." in err
    text = Path("map.html").read_text("utf-8")
    assert "<h1>Five &lt;albums&gt;</h1>" in text
    assert "Proof" in text


def test_without_items_and_with_another_name(run):
    status, _, err = run("model.ft", "-o", "other.html", "--method", "tsne")
    assert (status, err) == (0, "")
    assert Path("other.html").is_file()


def test_names_come_from_the_column_that_is_asked_for(run):
    for column, shown in (("name", "Proof"), ("link", "a")):
        assert run("model.ft", "--items", "items.csv", "--label-column", column)[0] == 0
        assert f'<span class="name">{shown}</span>' in Path("map.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("none.ft",), "ModelFileError: no model file at 'none.ft'."),
        (("means.ft",), "UnsupportedError: write_map looks at factors of items, and Random has none."),
        (("model.ft", "--items", "none.csv"), "DataError: none.csv: there is no such file."),
        (
            ("model.ft", "--items", "items.csv", "--colour", "mood"),
            "cannot be coloured by 'mood': the attributes are 'style'",
        ),
        (
            ("model.ft", "--items", "items.csv", "--label-column", "x"),
            "DataError: write_map found no column 'x' in 'items'",
        ),
        (("model.ft", "--user", "eve"), "UnknownIdError: write_map: the model does not know the user 'eve'."),
        (("model.ft", "--method", "flat"), "Invalid value for '--method'"),
        (("model.ft", "-o", "no/map.html"), "does not exist. Hint: create it"),
    ],
)
def test_bad_input_gets_a_sentence_and_status_2(run, arguments, words):
    ft.Random(random_state=0).fit(ft.datasets.albums()).save("means.ft")
    status, out, err = run(*arguments)
    assert status == 2
    assert words in err
    assert "Traceback" not in err + out
    assert not list(Path().glob("*.html"))
