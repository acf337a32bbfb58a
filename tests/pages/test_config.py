"""Layouts from TOML: every word of the classes, and what is wrong told with file, line and key."""

import dataclasses
import tomllib

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretaste import pages
from foretaste.data import Vocabulary
from foretaste.exceptions import DataError, InvalidParameterError
from foretaste.pages import config
from foretaste.pages._places import Places
from foretaste.pages.catalogue import Catalogue
from foretaste.pages.config import Document

GOOD = """\
[page.home]
rows = 5
columns = 6
title = "Hello"

[page.home.signals]
trend_window = "2w"

[[page.home.row]]
kind = "because"
within = "60d"
max_rows = 3
title = "Because you liked {anchor.title}"

[[page.home.row]]
kind = "top"
blend = { predicted = 1, freshness = 0.2 }
diversity = { method = "mmr", weight = 0.3 }

[[page.home.row]]
kind = "category"
attribute = "genres"
values = ["Drama", "Comedy"]

[[page.home.rule]]
name = "spring campaign"
where = "brand = 'acme'"
boost = 1.3
sponsored = true
max_share = 0.15
cap = { per_user = 3, per = "1d" }
"""


@pytest.fixture
def read(tmp_path):
    def read(text, page=None):
        path = tmp_path / "home.toml"
        path.write_text(text, encoding="utf-8")
        return pages.Layout.from_toml(path, page)

    return read


def test_the_file_says_what_the_classes_say(read):
    expected = pages.Layout(
        rows=5,
        columns=6,
        title="Hello",
        signals=pages.Settings(trend_window="2w"),
        row=(
            pages.Because(within="60d", max_rows=3, title="Because you liked {anchor.title}"),
            pages.Top(
                blend=pages.Blend(predicted=1, freshness=0.2), diversity=pages.Diversity(method="mmr", weight=0.3)
            ),
            pages.Category(attribute="genres", values=("Drama", "Comedy")),
        ),
        rule=(
            pages.Rule(
                name="spring campaign",
                where="brand = 'acme'",
                boost=1.3,
                sponsored=True,
                max_share=0.15,
                cap=pages.Cap(per_user=3, per="1d"),
            ),
        ),
    )
    assert read(GOOD) == expected


BROKEN = [
    # what is put in the place of what, the line that is told, the key, and words of the message
    ("rows = 5", "rwos = 5", 2, "page.home.rwos", "the key 'rwos' is unknown. Did you mean 'rows'?"),
    ("rows = 5", 'rows = "five"', 2, "page.home.rows", "'rows' must be a whole number, got 'five'."),
    ("rows = 5", "rows = true", 2, "page.home.rows", "must be a whole number, got True"),
    ("rows = 5", "rows = 2.5", 2, "page.home.rows", "must be a whole number, got 2.5"),
    ("rows = 5", "rows = 0", 2, "page.home.rows", "'rows' of a page must be an int in [1, inf), got 0."),
    ('title = "Hello"', 'seen = "hid"', 4, "page.home.seen", "the word 'hid' is unknown. Did you mean 'hide'?"),
    ("[page.home]", "[home]", 1, "home", "the key 'home' is unknown. Choose among page."),
    ("[page.home.signals]", "[page.home.signal]", 6, "page.home.signal", "Did you mean 'signals'?"),
    ('"2w"', '"2 fortnights"', 7, "page.home.signals.trend_window", "'trend_window' must be a number of days"),
    ('kind = "because"', "", 9, "page.home.row", "a row needs 'kind'. Hint: choose among top, because, category"),
    (
        'kind = "because"',
        'kind = "becuase"',
        10,
        "page.home.row.kind",
        "the kind of row 'becuase' is unknown. Did you mean 'because'?",
    ),
    ('kind = "because"', "kind = 3", 10, "page.home.row.kind", "'kind' must be a text, got 3."),
    ('within = "60d"', 'within = "60x"', 11, "page.home.row.within", "a text such as '12h', '60d' or '8w', got '60x'"),
    ('within = "60d"', "within = -1", 11, "page.home.row.within", "must be a number of days above 0"),
    ('within = "60d"', "within = [60]", 11, "page.home.row.within", "must be a number or a text, got [60]"),
    ("max_rows = 3", "max_rows = 0", 12, "page.home.row.max_rows", "must be an int in [1, inf), got 0"),
    ("max_rows = 3", "max_row = 3", 12, "page.home.row.max_row", "Did you mean 'max_rows'?"),
    (
        "anchor.title",
        "anchr.title",
        13,
        "page.home.row.title",
        "'anchr.title' is unknown. Did you mean 'anchor.title'?",
    ),
    ("freshness", "freshnes", 17, "page.home.row.blend.freshnes", "the signal 'freshnes' is unknown. Did you mean"),
    ("freshness = 0.2", 'freshness = "a"', 17, "page.home.row.blend.freshness", "must be a number, got 'a'"),
    ("{ predicted = 1, freshness = 0.2 }", "{}", 17, "page.home.row.blend", "a blend needs at least one signal"),
    ("{ predicted = 1, freshness = 0.2 }", "1", 17, "page.home.row.blend", "'blend' must be a table, got 1."),
    ("weight = 0.3", "wieght = 0.3", 18, "page.home.row.diversity.wieght", "Did you mean 'weight'?"),
    ('attribute = "genres"', "", 20, "page.home.row", "this table needs 'attribute'"),
    ('"Comedy"]', "7]", 23, "page.home.row.values", "'values' must be a text, got 7."),
    ('"Drama", "Comedy"]', "]\nwhere = 'a >'", 24, "page.home.row.where", "where = 'a >' cannot be read"),
    ("[[page.home.rule]]", "[page.home.rule]", 25, "page.home.rule", "got a table. Hint: write [[page.home.rule]]."),
    ('where = "brand', 'whre = "brand', 27, "page.home.rule.whre", "Did you mean 'where'?"),
    ("where = \"brand = 'acme'\"", "", 25, "page.home.rule", "this table needs 'where'"),
    ("brand = 'acme'", "brand ==== 'acme'", 27, "page.home.rule.where", "cannot be read"),
    (
        "boost = 1.3",
        "boost = -1",
        28,
        "page.home.rule.boost",
        "'boost' of rule 'spring campaign' must be a float in [0, inf), got -1",
    ),
    ("boost = 1.3", "boost = nan", 28, "page.home.rule.boost", "must be a float in [0, inf), got nan"),
    ("sponsored = true", 'sponsored = "yes"', 29, "page.home.rule.sponsored", "must be true or false, got 'yes'"),
    ('per = "1d"', 'per = "1 day"', 31, "page.home.rule.cap.per", "'per' of a cap must be a number of days"),
    ("per_user = 3", "per_user = 0", 31, "page.home.rule.cap.per_user", "'per_user' of a cap must be"),
    ("per_user = 3", "peruser = 3", 31, "page.home.rule.cap.peruser", "Did you mean 'per_user'?"),
]


@pytest.mark.parametrize(("old", "new", "line", "key", "words"), BROKEN)
def test_a_mistake_is_told_with_file_line_key_and_the_nearest_word(read, old, new, line, key, words):
    assert old in GOOD
    with pytest.raises(InvalidParameterError) as error:
        read(GOOD.replace(old, new, 1))
    told = str(error.value)
    assert told.startswith(f"home.toml line {line} ({key}): "), told
    assert words in told


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (GOOD.replace("rows = 5", "rows = ", 1), "home.toml line 2: Invalid value: rows =."),
        (GOOD.replace("columns = 6", "rows = 6", 1), "home.toml line 3: Cannot overwrite a value: rows = 6."),
        (GOOD + "\n[page.home]\n", "home.toml line 33: Cannot declare ('page', 'home') twice: [page.home]."),
        (GOOD + '\nx = "', "home.toml line 33: "),
    ],
)
def test_what_is_no_toml_is_told_with_its_line(read, text, words):
    with pytest.raises(DataError) as error:
        read(text)
    assert str(error.value).startswith(words), str(error.value)


def test_a_file_of_several_pages_is_asked_for_one(read):
    two = '[page.home]\nrows = 3\n[[page.home.row]]\nkind = "top"\n[page.film]\n[[page.film.row]]\nkind = "popular"\n'
    assert read(two, "home").rows == 3
    assert read(two, "film").row == (pages.Popular(),)
    with pytest.raises(InvalidParameterError, match=r"home.toml line 1 \(page\): it has the pages home, film. Hint"):
        read(two)
    with pytest.raises(InvalidParameterError, match=r"the page 'flim' is unknown\. Did you mean 'film'"):
        read(two, "flim")
    with pytest.raises(InvalidParameterError, match=r"there is no page in it. Hint: .*\[page.home\]"):
        read("")


def test_a_file_that_is_not_there_or_not_text(tmp_path):
    with pytest.raises(DataError, match=r"there is no file 'hmoe\.toml'\. Hint: .* streaming, shop, music"):
        pages.Layout.from_toml("hmoe.toml")
    with pytest.raises(DataError, match="cannot be read"):
        pages.Layout.from_toml(tmp_path)
    path = tmp_path / "latin.toml"
    path.write_bytes('[page.home]\ntitle = "Zoë"'.encode("latin-1"))
    with pytest.raises(DataError, match="is not UTF-8, as TOML is: byte 23 cannot be read"):
        pages.Layout.from_toml(path)


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ('values = ["Drama", "Comedy"]', "where = 'yer > 1'", 23, "a column 'yer' that the items do not have. Did you"),
        (
            'attribute = "genres"',
            'attribute = "genre"',
            22,
            "a column 'genre' that the items do not have. Did you mean",
        ),
        ('"Comedy"]', '"Komedy"]', 23, "among the genres of the items 'Komedy' is unknown. Did you mean 'Comedy'?"),
        ("brand = 'acme'", "year + 1", 27, "must be true or false of an item"),
        ("brand = 'acme'", "title = 'a' and bran = 'x'", 27, "a column 'bran' that the items do not have"),
        ('"2w"', '"2w"\nattributes = ["tags"]', 8, "a column 'tags' that the items do not have"),
    ],
)
def test_what_the_items_do_not_have_is_told_with_its_line(tmp_path, old, new, line, words):
    frame = pl.DataFrame(
        {"item": [1], "title": ["a"], "year": [1990], "brand": ["acme"], "genres": [["Drama", "Comedy"]]}
    )
    catalogue = Catalogue(Vocabulary([1]), frame)
    path = tmp_path / "home.toml"
    path.write_text(GOOD)
    document = Document.read(path)
    document.check(document.layout(), catalogue)
    path.write_text(GOOD.replace(old, new, 1))
    document = Document.read(path)
    with pytest.raises(InvalidParameterError) as error:
        document.check(document.layout(), catalogue)
    assert str(error.value).startswith(f"home.toml line {line} (page.home."), str(error.value)
    assert words in str(error.value)


@pytest.mark.parametrize("kind", [*config.kinds().values(), pages.Rule, pages.Cap, pages.Settings, pages.Layout])
def test_every_field_of_every_class_can_be_written(kind):
    for name, hint in config.words_of(kind)[0].items():
        shapes = [config._shape(option) for option in config._options(hint)]
        assert set(shapes) <= set(config._WORDS), f"{kind.__name__}.{name} is a {hint}"


def test_every_class_of_a_row_that_is_public_has_a_kind_of_its_own():
    public = [getattr(pages, name) for name in pages.__all__]
    rows = [each for each in public if isinstance(each, type) and issubclass(each, pages.RowKind)]
    assert {each.kind: each for each in rows if each is not pages.RowKind}.items() <= config.kinds().items()


@pytest.mark.parametrize("name", config.READY_MADE)
def test_a_ready_made_layout_is_sound_and_commented(name):
    layout = pages.Layout.from_toml(name)
    assert len(layout.row) >= 5
    assert any(rule.sponsored for rule in layout.rule)
    text = (config._FOLDER / f"{name}.toml").read_text("utf-8")
    assert text.count("#") >= 5


def test_a_file_of_the_name_of_a_ready_made_layout_goes_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop").write_text('[page.home]\nrows = 1\n[[page.home.row]]\nkind = "top"\n')
    assert pages.Layout.from_toml("shop").rows == 1


# Where keys stand ----------------------------------------------------------------------------------------------------

KEYS = st.text("abz_-9", min_size=1, max_size=4) | st.just("a b") | st.just("x.y")
TEXTS = st.sampled_from(
    ['"a # b"', "'[x]'", '"q\\" = {"', '"""\n[no]\na = "b"\n"""', "'''\n= ]\n'''", '""""in""""', "1979-05-27 07:32:00"]
)
SCALARS = TEXTS | st.sampled_from(["1", "-2.5", "true", "inf", "0x1f"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda values: "[ # a list ]\n" + ",\n".join(values) + "]")
        | st.dictionaries(KEYS, inner.filter(lambda value: "\n" not in value), max_size=3).map(
            lambda table: "{ " + ", ".join(f"{quoted(key)} = {value}" for key, value in table.items()) + " }"
        )
    ),
    max_leaves=6,
)


def quoted(key):
    return key if key.replace("_", "").replace("-", "").isalnum() and key.isascii() else f'"{key}"'


@given(st.lists(st.tuples(st.sampled_from(["[t{}]", "[[list]]", "[ list.sub{} ]"]), st.dictionaries(KEYS, VALUES))))
def test_every_key_is_found_on_its_own_line(parts):
    lines, expected, n_lists = [], {}, 0
    for number, (header, table) in enumerate(parts):
        if "list.sub" in header and not n_lists:
            continue
        lines += ["# [not] = 1", header.format(number)]
        n_lists += header == "[[list]]"
        way = {"[t{}]": (f"t{number}",), "[[list]]": ("list", n_lists - 1)}.get(
            header, ("list", n_lists - 1, f"sub{number}")
        )
        expected[way] = len("\n".join(lines).split("\n"))
        for key, value in table.items():
            lines.append(f"{quoted(key)} = {value}  # so it is")
            expected[*way, key] = len("\n".join(lines).split("\n")) - value.count("\n")
    text = "\n".join(lines)
    tomllib.loads(text)  # it is TOML
    places = Places(text)
    assert {way: places.line(way) for way in expected} == expected


def test_what_is_not_written_is_on_the_line_of_the_table_around_it():
    places = Places("\n[a]\nb = { c = [1,\n 2, { d = 3 }] }\ne.f = 4\n")
    assert places.line(("a", "b", "c", 2, "d")) == 4
    assert places.line(("a", "e", "f")) == 5
    assert places.line(("a", "b", "x")) == 3
    assert places.line(("a", "y")) == 2
    assert places.line(("z",)) == 1


def test_settings_and_rows_are_dataclasses_of_keywords():
    for kind in config.kinds().values():
        assert all(field.kw_only for field in dataclasses.fields(kind))
