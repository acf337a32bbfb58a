import hashlib
import threading
import zipfile
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import polars as pl
import pytest

from foretaste.data import Interactions, _archives, datasets
from foretaste.exceptions import DataError, DatasetNotFoundError, InvalidParameterError

# rows, users, items, scale
SIZES = {
    "ml-100k": (100_000, 943, 1_682, (1, 5)),
    "ml-1m": (1_000_209, 6_040, 3_706, (1, 5)),
    "ml-latest-small": (100_836, 610, 9_724, (0.5, 5)),
    "movietweetings-100k": (100_000, 16_554, 10_506, (0, 10)),
    "lastfm-2k": (92_834, 1_892, 17_632, None),
    "online-retail": (397_924, 4_339, 3_665, None),
}


@pytest.mark.parametrize("name", datasets.NAMES)
def test_each_set_has_the_size_its_publisher_states(name, need_set):
    need_set(name)
    loaded = datasets.load(name)
    rows, users, items, scale = SIZES[name]
    assert (loaded.n_ratings, loaded.n_users, loaded.n_items) == (rows, users, items)
    if scale is None:
        assert loaded.ratings is None
        assert loaded.weights is not None
        assert loaded.weights.min() >= 1
    else:
        assert loaded.scale == scale
        assert loaded.times.dtype == pl.Int64


def test_the_first_row_of_movielens_is_the_one_in_the_file(need_set):
    need_set("ml-100k")
    loaded = datasets.load_movielens()
    assert loaded.to_frame().row(0) == (196, 242, 3.0, 881250949)


def test_every_rating_is_in_the_test_part_of_one_fold(need_set):
    need_set("ml-100k")
    folds = list(datasets.movielens_folds())
    assert [name for name, _, _ in folds] == ["u1", "u2", "u3", "u4", "u5"]
    tested = pl.concat([test.to_frame() for _, _, test in folds])
    assert tested.select("user", "item").is_unique().all()
    assert tested.height == 100_000
    for _, train, test in folds:
        assert (train.n_ratings, test.n_ratings) == (80_000, 20_000)
        assert train.scale == test.scale == (1, 5)


@pytest.mark.parametrize(("size", "n_items"), [("100k", 1_682), ("1m", 3_883), ("latest-small", 9_742)])
def test_films_have_titles_years_and_genres(size, n_items, need_set):
    need_set(f"ml-{size}")
    films = datasets.load_movielens_items(size)
    assert films.schema == {"item": pl.Int64, "title": pl.String, "year": pl.Int64, "genres": pl.List(pl.String)}
    assert films.height == n_items
    item, title, year, genres = films.row(0)
    assert (item, title, year) == (1, "Toy Story (1995)", 1995)
    assert {"Animation", "Comedy"} <= set(genres)
    assert set(datasets.load_movielens(size).items) <= set(films["item"])


def test_films_in_older_encodings_keep_their_accents(need_set):
    need_set("ml-100k")
    titles = datasets.load_movielens_items("100k")["title"]
    assert titles.str.contains("é").any()
    assert not titles.str.contains("\ufffd").any()


def test_genres_of_100k_are_named_in_the_order_of_the_flags(need_set):
    need_set("ml-100k")
    films = datasets.load_movielens_items("100k")
    assert films.row(1) == (2, "GoldenEye (1995)", 1995, ["Action", "Adventure", "Thriller"])
    assert films.filter(pl.col("title") == "unknown").row(0) == (267, "unknown", None, ["unknown"])


def test_a_film_without_genres_has_an_empty_list(need_set):
    need_set("ml-latest-small")
    films = datasets.load_movielens_items("latest-small")
    assert films.filter(pl.col("genres").list.len() == 0).height == 34
    assert films["genres"].null_count() == 0


@pytest.mark.parametrize(
    ("size", "n_users", "first"),
    [("100k", 943, (1, 24, "M", "technician", "85711")), ("1m", 6_040, (1, 1, "F", "K-12 student", "48067"))],
)
def test_users_of_movielens(size, n_users, first, need_set):
    need_set(f"ml-{size}")
    users = datasets.load_movielens_users(size)
    assert users.columns == ["user", "age", "gender", "occupation", "zip_code"]
    assert users.height == n_users
    assert users.row(0) == first
    assert users["zip_code"].str.len_chars().min() == 5  # "02215" is no number


def test_films_of_movietweetings(need_set):
    need_set("movietweetings-100k")
    films = datasets.load_movietweetings_items()
    assert films.row(0) == ("0002844", "Fantômas - À l'ombre de la guillotine (1913)", 1913, ["Crime", "Drama"])
    assert set(datasets.load_movietweetings().items) == set(films["item"])


def test_artists_of_lastfm(need_set):
    need_set("lastfm-2k")
    artists = datasets.load_lastfm_items()
    assert artists.columns == ["item", "title", "tags"]
    assert artists.height == 17_632
    assert artists["tags"].null_count() == 0
    tags = artists.filter(pl.col("title") == "Radiohead")["tags"][0]
    assert tags[0] == "alternative"
    assert tags.is_unique().all()


def test_purchases_leave_out_cancellations_and_strangers(need_set):
    need_set("online-retail")
    events = datasets.load_online_retail()
    assert events.times.dtype == pl.Datetime
    assert str(events.times[0]) == "2010-12-01 08:26:00"
    assert events.users.kind == "int"
    assert events.items.kind == "str"
    assert events.weights.sum() == pytest.approx(5_167_812, rel=0.01)
    pairs = events.user_codes.astype(np.int64) * events.n_items + events.item_codes
    assert np.unique(pairs).size < events.n_ratings  # the same thing again is a new event


def test_goods_of_online_retail(need_set):
    need_set("online-retail")
    goods = datasets.load_online_retail_items()
    assert goods.columns == ["item", "title", "price"]
    assert goods.row(0) == ("85123A", "WHITE HANGING HEART T-LIGHT HOLDER", 2.95)
    assert set(datasets.load_online_retail().items) <= set(goods["item"])
    assert goods.height == goods["item"].n_unique() == 4_070


# The table of the lecture --------------------------------------------------------------------------------------------


def test_albums_hold_the_ratings_the_lecture_states():
    albums = datasets.albums()
    ratings = {(user, item): rating for user, item, rating in albums.iter_rows()}
    assert len(ratings) == albums.height == 16
    assert [ratings["an", item] for item in ("ommazh", "melt-banana", "bts", "zhou-shen", "sanam")] == [5, 5, 0, 1, 1]
    assert ratings["bhavana", "ommazh"] == 4
    assert (ratings["cordelia", "melt-banana"], ratings["cordelia", "bts"]) == (2, 4)
    assert [ratings["diego", item] for item in ("ommazh", "bts", "sanam")] == [2, 5, 4]
    unknown = {("bhavana", "bts"), ("cordelia", "ommazh"), ("diego", "melt-banana"), ("diego", "zhou-shen")}
    assert not unknown & ratings.keys()
    assert Interactions.from_frame(albums).scale == (0, 5)


@pytest.mark.parametrize(
    ("user", "expected", "digits"),
    [("an", [7.7, -2.63, -7.2], [1, 2, 1]), ("bhavana", [4.05, 0.74, -3.4], [2, 2, 1])],
)
def test_the_regressions_of_the_lecture_come_out(user, expected, digits):
    joined = datasets.albums().filter(pl.col("user") == user).join(datasets.album_features(), on="item")
    table = np.column_stack([np.ones(joined.height), joined["lo_fi_indie"], joined["slick_pop"]])
    found = np.linalg.lstsq(table, joined["rating"].to_numpy().astype(float), rcond=None)[0]
    assert [round(value, places) for value, places in zip(found, digits, strict=True)] == expected


def test_the_predictions_of_the_lecture_come_out():
    features = {item: np.array([1, *values]) for item, *values in datasets.album_features().iter_rows()}
    ratings = datasets.albums().filter(pl.col("user") == "diego")
    table = np.array([features[item] for item in ratings["item"]])
    diego = np.linalg.lstsq(table, ratings["rating"].to_numpy().astype(float), rcond=None)[0]
    assert round(diego @ features["zhou-shen"], 2) == 5.46
    assert round(diego @ features["melt-banana"], 2) == 1


# Where archives come from --------------------------------------------------------------------------------------------


@pytest.fixture
def publisher(tmp_path, monkeypatch):
    """A stand-in for the publisher of ml-100k: its folder, with an empty cache on this side."""
    served = tmp_path / "served"
    served.mkdir()
    with zipfile.ZipFile(served / "ml-100k.zip", "w") as archive:
        archive.writestr("ml-100k/u.data", "196\t242\t3\t881250949\n186\t302\t3\t891717742\n")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_QuietHandler, directory=str(served)))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    monkeypatch.delenv("FORETASTE_DATA", raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr("pooch.os_cache", lambda project: tmp_path / "cache" / project)
    md5 = hashlib.md5((served / "ml-100k.zip").read_bytes(), usedforsecurity=False).hexdigest()
    url = f"http://127.0.0.1:{server.server_port}/ml-100k.zip"
    monkeypatch.setitem(_archives.KNOWN, "ml-100k", replace(_archives.KNOWN["ml-100k"], url=url, md5=md5))
    yield served
    server.shutdown()
    thread.join()
    server.server_close()


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


def _left_over(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_set_is_downloaded_once_and_kept(publisher, tmp_path, capfd):
    assert datasets.load("ml-100k").n_ratings == 2
    assert _left_over(tmp_path / "cache") == ["ml-100k.zip"]
    (publisher / "ml-100k.zip").unlink()
    assert datasets.load("ml-100k").n_ratings == 2
    assert capfd.readouterr() == ("", "")


def test_a_download_with_the_wrong_checksum_leaves_nothing_behind(publisher, tmp_path):
    (publisher / "ml-100k.zip").write_bytes(b"somebody else's bytes")
    with pytest.raises(DatasetNotFoundError, match="wrong checksum"):
        datasets.load("ml-100k")
    assert _left_over(tmp_path / "cache") == []


def test_a_damaged_copy_in_the_cache_is_fetched_again(publisher, tmp_path):
    cached = tmp_path / "cache" / "foretaste" / "ml-100k.zip"
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"cut sho")
    assert datasets.load("ml-100k").n_ratings == 2


def test_a_download_that_fails_says_what_was_tried_and_what_to_do(publisher, tmp_path):
    (publisher / "ml-100k.zip").unlink()
    with pytest.raises(DatasetNotFoundError) as caught:
        datasets.load("ml-100k")
    message = str(caught.value)
    assert message.startswith("ml-100k was not found; tried the folder in FORETASTE_DATA (not set), the cache (")
    assert "/ml-100k.zip (no connection or no such file: HTTPError)" in message
    assert "Hint: download it as ml-100k.zip (from https://grouplens.org/datasets/movielens/100k/)" in message
    assert "set FORETASTE_DATA to its folder" in message
    assert isinstance(caught.value, FileNotFoundError)
    assert _left_over(tmp_path / "cache") == []


def test_a_terminal_shows_a_bar(publisher, monkeypatch, capfd):
    monkeypatch.setenv("FORCE_COLOR", "1")  # what makes rich take a pipe for a terminal
    assert datasets.load("ml-100k").n_ratings == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert "ml-100k.zip" in err


@pytest.mark.parametrize("name", [name for name, known in datasets.KNOWN.items() if known.md5 is None])
def test_a_set_without_a_checksum_is_not_downloaded(name, tmp_path, monkeypatch):
    monkeypatch.setenv("FORETASTE_DATA", str(tmp_path))
    monkeypatch.setattr("pooch.os_cache", lambda project: tmp_path / "cache" / project)
    monkeypatch.setattr("pooch.retrieve", lambda *_, **__: pytest.fail("downloaded"))
    with pytest.raises(
        DatasetNotFoundError, match="not downloaded by itself, since no checksum of it is known"
    ) as caught:
        datasets.load(name)
    assert f"the folder in FORETASTE_DATA ({tmp_path})" in str(caught.value)
    assert datasets.KNOWN[name].page in str(caught.value)


def test_the_folder_comes_first_and_is_taken_as_it_is(publisher, tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "ml-100k.zip", "w") as archive:
        archive.writestr("u.data", "1\t1\t5\t1\n")
    monkeypatch.setenv("FORETASTE_DATA", str(tmp_path))
    assert datasets.load("ml-100k").n_ratings == 1


def test_an_archive_without_the_file_is_named(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "ml-100k.zip", "w") as archive:
        archive.writestr("else.txt", "")
    monkeypatch.setenv("FORETASTE_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"ml-100k.zip holds no 'u.data'. Hint: it is not the archive"):
        datasets.load("ml-100k")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: datasets.load("ml-20m"), "'name' of a known set must be one of 'ml-100k', .*, got 'ml-20m'"),
        (lambda: datasets.load_movielens("20m"), "'size' must be one of '100k', '1m', 'latest-small', got '20m'"),
        (lambda: datasets.load_movielens_items("20m"), "'size' must be one of"),
        (lambda: datasets.load_movielens_users("latest-small"), "'size' must be one of '100k', '1m', got"),
        (lambda: datasets.movielens_folds("1m"), "'size' must be one of '100k', got '1m'"),
    ],
)
def test_unknown_names_and_sizes(call, message):
    with pytest.raises(InvalidParameterError, match=message):
        call()
