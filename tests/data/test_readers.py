import gzip
import io
import zipfile

import numpy as np
import polars as pl
import pytest

from foretaste.data import read_interactions
from foretaste.data.readers import Columns, guess_columns, read_table
from foretaste.exceptions import DataError, DataWarning, InvalidParameterError

ROWS = [(1, 10, 5.0, 978300019), (1, 20, 3.5, 978300055), (2, 10, 0.0, 978300113)]
HEADER = ("userId", "movieId", "rating", "timestamp")


def text(separator, header=True, rows=ROWS):  # noqa: FBT002
    lines = [HEADER, *rows] if header else rows
    return "".join(separator.join(map(str, line)) + "\n" for line in lines).encode()


def parquet():
    buffer = io.BytesIO()
    pl.DataFrame(ROWS, schema=list(HEADER), orient="row").write_parquet(buffer)
    return buffer.getvalue()


def zipped(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "."), data)
    return buffer.getvalue()


@pytest.fixture
def write(tmp_path, monkeypatch):
    """A function that writes a file and gives its name, which is then also what messages call it."""
    monkeypatch.chdir(tmp_path)

    def put(name, data):
        (tmp_path / name).write_bytes(data.encode() if isinstance(data, str) else data)
        return name

    return put


def refused(path, **options):
    with pytest.raises(DataError) as caught:
        read_interactions(path, **options)
    return str(caught.value)


# Formats -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("ratings.csv", text(",")),
        ("RATINGS.CSV", text(",")),
        ("headerless.csv", text(",", header=False)),
        ("semicolon.csv", text(";")),
        ("windows.csv", text(",").replace(b"\n", b"\r\n")),
        ("old-mac.csv", text(",").replace(b"\n", b"\r")),
        ("no-end.csv", text(",").rstrip()),
        ("blanks.csv", text(",").replace(b"\n", b"\n\n")),
        ("blank-end.csv", text(",") + b"\n\r\n\n"),
        ("trailing.csv", text(",").replace(b"\n", b",\n").replace(b"p,\n", b"p\n")),
        ("bom.csv", b"\xef\xbb\xbf" + text(",")),
        ("utf-16.csv", text(",").decode().encode("utf-16")),
        ("quoted.csv", text('","').replace(b"\n", b'"\n"').join([b'"', b""])[:-1]),
        ("spaced.csv", text(" , ")),
        ("ratings.tsv", text("\t")),
        ("u.data", text("\t", header=False)),
        ("ratings.dat", text("::", header=False)),
        ("named.dat", text("::")),
        ("tabs.dat", text("\t")),
        ("pipes", text("|")),
        ("unknown-commas", text(",")),
        ("unknown-colons.txt", text("::", header=False)),
        ("ratings.parquet", parquet()),
        ("unknown-parquet", parquet()),
        ("ratings.csv.gz", gzip.compress(text(","), mtime=0)),
        ("ratings.dat.gz", gzip.compress(text("::"), mtime=0)),
        ("ratings.gz", gzip.compress(text("\t"), mtime=0)),
        ("unknown-gzip", gzip.compress(text("\t"), mtime=0)),
        ("parquet.gz", gzip.compress(parquet(), mtime=0)),
        ("ratings.zip", zipped(README="about", ratings__csv=text(","))),
        ("single.zip", zipped(u__data=text("\t", header=False))),
        ("unknown-zip", zipped(ratings__csv=text(","))),
        ("nested.zip", zipped(ratings__csv__gz=gzip.compress(text(","), mtime=0), LICENSE="free")),
        ("parquet.zip", zipped(ratings__parquet=parquet())),
    ],
)
def test_every_format_gives_the_same_interactions(name, data, write):
    path = write(name, data)
    loaded = read_interactions(path)
    assert loaded.to_frame().rows() == ROWS
    assert loaded.users.kind == loaded.items.kind == "int"
    assert loaded.times.dtype == pl.Int64
    assert loaded.weights is None


def test_the_format_can_be_given(write):
    path = write("ratings.csv", parquet())
    assert read_interactions(path, format="parquet").n_ratings == 3
    assert read_interactions(write("ratings.parquet", text("::")), format="dat").n_ratings == 3
    with pytest.raises(InvalidParameterError, match=r"'format' must be one of 'csv', 'tsv', 'dat', 'parquet' or None"):
        read_interactions(path, format="xlsx")


def test_colons_quotes_and_accents_survive(write):
    path = write("movies.dat", '1::Alien: Résurrection (1997)::5\n2::5" of: it::4\n'.encode("latin-1"))
    loaded = read_interactions(path)
    assert loaded.items.ids.to_list() == ["Alien: Résurrection (1997)", '5" of: it']


def test_quotes_hold_separators_and_line_ends(write):
    path = write("ratings.csv", 'user,item,rating\nan,"Ommazh, ""live""",5\nan,"two\nlines",4\n')
    assert read_interactions(path).items.ids.to_list() == ['Ommazh, "live"', "two\nlines"]


def test_a_lone_quote_is_a_character(write):
    path = write("ratings.csv", 'user,item,rating\nan,5" disk,5\nan,"a" b,4\n')
    assert read_interactions(path).items.ids.to_list() == ['5" disk', "a b"]


def test_ids_of_parquet_keep_their_kind(write, tmp_path):
    frame = pl.DataFrame({"user": ["007", "8"], "item": [1.0, 2.0], "rating": [True, False]})
    frame.with_columns(pl.col("user").cast(pl.Categorical)).write_parquet(tmp_path / "r.parquet")
    loaded = read_interactions("r.parquet")
    assert (loaded.users.ids.to_list(), loaded.items.ids.to_list()) == (["007", "8"], [1, 2])
    assert loaded.ratings.tolist() == [1, 0]


# Columns -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("userId,movieId,rating,timestamp", Columns("userId", "movieId", "rating", "timestamp")),
        ("rating,USER_ID,Item", Columns("USER_ID", "Item", "rating")),
        ("uid,iid,score,date", Columns("uid", "iid", "score", "date")),
        ("Customer ID,Product,Stars", Columns("Customer ID", "Product", "Stars")),
        ("userID,artistID,weight", Columns("userID", "artistID", weight="weight")),
        ("StockCode,Count,InvoiceDate,Customer", Columns("Customer", "StockCode", None, "InvoiceDate", "Count")),
        ("user,user_id,item,x", Columns("user", "item")),
    ],
)  # fmt: skip
def test_columns_are_found_by_their_usual_names(header, expected, write):
    path = write("ratings.csv", header + "\n" + ",".join("1" * len(header.split(","))) + "\n")
    assert guess_columns(path) == expected


def test_columns_without_names_go_by_position(write):
    path = write("u.data", text("\t", header=False))
    assert guess_columns(path) == Columns("column 1", "column 2", "column 3", "column 4")
    assert guess_columns(write("pairs.csv", "1,10\n2,20\n")) == Columns("column 1", "column 2")
    swapped = guess_columns(path, user="column 2")
    assert swapped == Columns("column 2", "column 1", "column 3", "column 4")
    assert read_interactions(path, user="column 2").users.ids.to_list() == [10, 20]


def test_words_as_ids_without_a_header(write):
    path = write("albums.csv", "an,ommazh,5\nan,bts,0\n")
    assert read_interactions(path).to_frame().rows() == [("an", "ommazh", 5), ("an", "bts", 0)]


def test_columns_can_be_named(write):
    path = write("r.csv", "who,what,how,when,often\nan,bts,1,7,3\n")
    names = {"user": "who", "item": "what", "rating": "how", "time": "when", "weight": "often"}
    assert guess_columns(path, **names) == Columns(**names)
    loaded = read_interactions(path, **names)
    assert loaded.to_frame().rows() == [("an", "bts", 1, 7, 3)]
    assert guess_columns(write("r.parquet", parquet())) == Columns(*HEADER)


def test_tables_of_any_kind(write):
    path = write("items.csv", "item,title,zip,price,empty\n1,Alien: 3,05201,1.5,\n2,,10001,2,\n")
    frame = read_table(path)
    assert frame.rows() == [(1, "Alien: 3", "05201", 1.5, None), (2, None, "10001", 2.0, None)]
    assert read_table(write("pairs.csv", "an,bts\nan,sanam\n")).columns == ["an", "bts"]
    assert read_table(write("r.parquet", parquet())).rows() == ROWS
    with pytest.raises(DataError, match=r"x.csv line 3: 1 field where 2 are expected \(1 such rows\)"):
        read_table(write("x.csv", "a,b\n1,2\n3\n"))


# What is refused -----------------------------------------------------------------------------------------------------


NAME_ITEM = "Hint: name it with item=... (--item-column on the command line)."
NAME_USER = "Hint: name it with user=... (--user-column on the command line)."
NO_TEXT = (
    "belongs to neither UTF-8 nor Latin-1 text. "
    "Hint: save the file as UTF-8; if it is no text at all, pass format='parquet'."
)
TOO_LARGE = "field limit (131072). Hint: a quote may be opened there and never closed."
CONTROLS = bytes(range(1, 10)) + bytes(range(14, 32))
ONE_TABLE, UNPACK = "must hold exactly one table, and holds", "Hint: unpack it and pass the one you mean."
ONE_OF_THREE = 'Hint: 1 of 3 rows is bad; pass on_error="skip" to drop and count them.'


def test_a_missing_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    expected = f"nowhere.csv: there is no such file. Hint: a relative path starts at {tmp_path}."
    assert refused("nowhere.csv") == expected


def test_a_folder(tmp_path):
    assert refused(tmp_path) == f"{tmp_path} is a folder. Hint: pass one file of it."


def test_a_file_below_a_file(write):
    assert "cannot be read: Not a directory" in refused(write("r.csv", "1") + "/x")


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("r.csv", "", "r.csv is empty."),
        ("r.csv", "\n \n", "r.csv is empty."),
        ("r.gz", gzip.compress(b"", mtime=0), "r.gz is empty."),
        ("r.csv", "user,item,rating\n", "r.csv holds a header and no rows."),
        ("r.csv", "user,item,rating\n\n\n", "r.csv holds a header and no rows."),
        ("r.csv", "a,b,a\n1,2,3\n", "r.csv line 1: two columns are called 'a'. Hint: give each its own name."),
        (
            "r.csv",
            "user,thing\n1,2\n",
            f"r.csv: no column looks like items; the columns are 'user', 'thing'. {NAME_ITEM}",
        ),
        ("r.csv", "just\nwords\n", f"r.csv: no column looks like users; the columns are 'just'. {NAME_USER}"),
        ("r.csv", "user,item,rating\n1,2,3\n1,\x00,3\n", f"r.csv line 3: byte 0x00 {NO_TEXT}"),
        ("r.csv", b"user,item,rating\n1,\x93hi\x94,3\n", f"r.csv line 2: byte 0x93 {NO_TEXT}"),
        (
            "r.csv",
            'user,item,rating\n1,2,3\n1,"3,4\n1,4,5\n',
            "r.csv line 3: a quote is opened there and never closed.",
        ),
        ("r.csv", 'user,item\n1,"' + "x\n" * 70_000 + '"y\n', f"r.csv line 2: field larger than {TOO_LARGE}"),
        ("r.dat", b"1::2\n" + CONTROLS + b"::1\n", "r.dat is not text: it is full of control characters."),
        ("r.parquet", b"", "r.parquet is empty."),
        ("r.zip", b"no zip", "r.zip is not a whole zip file: File is not a zip file. Hint: copy or fetch it again."),
        ("r.zip", zipped(), f"r.zip {ONE_TABLE} 0 files of unknown kind: nothing. {UNPACK}"),
        (
            "r.zip",
            zipped(a__csv="1", b__dat="2", c__txt="3"),
            f"r.zip {ONE_TABLE} 2 tables: 'a.csv', 'b.dat'. {UNPACK}",
        ),
        (
            "r.zip",
            zipped(**dict.fromkeys("abcdefgh", "1")),
            f"r.zip {ONE_TABLE} 8 files of unknown kind: 'a', 'b', 'c', 'd', 'e', 'f' and 2 more. {UNPACK}",
        ),
        (
            "r.zip",
            zipped(a__csv="user,item,rating\n1,2,x\n1,3,4\n1,4,4\n"),
            f"r.zip (a.csv) line 2: rating 'x' is not a number. {ONE_OF_THREE}",
        ),
    ],
)
def test_files_that_cannot_be_used(name, data, message, write):
    assert refused(write(name, data)) == message


def test_a_parquet_file_cut_short(write):
    message = refused(write("r.parquet", parquet()[:-9]))
    assert message.startswith("r.parquet is not a whole Parquet file: ")
    assert message.endswith("Hint: copy or write it again.")


@pytest.mark.parametrize("cut", [-4, -12, 15])
def test_a_gzip_file_cut_short(cut, write):
    assert refused(write("r.gz", gzip.compress(text(","), mtime=0)[:cut])).startswith("r.gz is not a whole gzip file: ")
    assert refused(write("r.csv.gz", text(","))).startswith("r.csv.gz is not a whole gzip file: Not a gzipped file")


def test_a_zip_file_with_damage_inside(write):
    data = bytearray(zipped(ratings__csv=text(",") * 50))
    data[60:70] = b"0123456789"
    assert refused(write("r.zip", bytes(data))).startswith("r.zip (ratings.csv) is damaged: ")


def test_a_zip_file_behind_a_password(write):
    data = bytearray(zipped(ratings__csv=text(",")))
    data[6] |= 1  # the flag in the member's header, and the same in the directory
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    assert "cannot be unpacked: File 'ratings.csv' is encrypted" in refused(write("r.zip", bytes(data)))


def test_a_column_that_is_not_there(write):
    path = write("r.csv", "user,item,rating\n1,2,3\n")
    assert refused(path, user="userId") == "r.csv: no column 'userId'; the columns are 'user', 'item', 'rating'."
    assert refused(write("r.tsv", "1\t2\t3\n"), rating="rating") == (
        "r.tsv: no column 'rating'; the first line gives no names, so that the columns are called "
        "'column 1', 'column 2', 'column 3'."
    )


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2,20,five", "rating 'five' is not a number"),
        ("2,20,1_000", "rating '1_000' is not a number"),
        ("2,20,", "the rating is missing"),
        ('2,20,""', "the rating is missing"),
        ("2,20,  ", "the rating is missing"),
        ("2,20,nan", "rating 'nan' is not a finite number"),
        ("2,20,-inf", "rating '-inf' is not a finite number"),
        ("2,20,1e39", "rating '1e39' is beyond the range of float32, 3.4e+38"),
        (",20,4", "the user id is missing"),
        ('2,"",4', "the item id is missing"),
        ("2, ,4", "the item id is missing"),
        ("2,20", "2 fields where 3 are expected"),
        ("2", "1 field where 3 are expected"),
        ("2,20,4,4", "4 fields where 3 are expected"),
    ],
)
def test_a_bad_row_is_named_or_left_out(row, reason, write):
    path = write("r.csv", f"user,item,rating\n1,10,5\n\n{row}\n1,30,4\n")
    assert refused(path) == f"r.csv line 4: {reason}. {ONE_OF_THREE}"
    with pytest.warns(DataWarning) as caught:
        loaded = read_interactions(path, on_error="skip")
    assert [str(warning.message) for warning in caught] == [
        f"1 of 3 rows were left out; the first: r.csv line 4: {reason}."
    ]
    assert caught[0].filename == __file__
    assert loaded.to_frame().rows() == [(1, 10, 5.0), (1, 30, 4.0)]


def test_the_message_of_the_design(write):
    rows = "".join(f"{row},{row},4\n" for row in range(100_000)).replace("1039,1039,4\n", "1039,1039,five\n", 1)
    assert refused(write("ratings.csv", "user,item,rating\n" + rows)) == (
        "ratings.csv line 1041: rating 'five' is not a number. "
        'Hint: 1 of 100000 rows is bad; pass on_error="skip" to drop and count them.'
    )


def test_lines_are_counted_as_an_editor_does(write):
    path = write("r.csv", '\n\nuser,item,rating\n1,"two\nlines",5\n\n1,"three\nmore\nlines",x\n')
    assert refused(path).startswith("r.csv line 7: rating 'x' is not a number.")
    assert refused(write("u.data", "\n1\t2\t3\n1\t3\tx\n")).startswith("u.data line 3: rating 'x'")


def test_bad_rows_of_all_kinds_are_counted_together(write):
    path = write("r.csv", "user,item,rating,count\n1,1,1,1\n1,2\n,2,2,2\n1,3,x,y\n2,4,5,y\nTotal,,,\n")
    assert refused(path) == (
        "r.csv line 3: 2 fields where 4 are expected. "
        'Hint: 5 of 6 rows are bad; pass on_error="skip" to drop and count them.'
    )
    with pytest.warns(DataWarning, match="5 of 6 rows were left out; the first: r.csv line 3: 2 fields"):
        loaded = read_interactions(path, on_error="skip")
    assert loaded.to_frame().rows() == [(1, 1, 1.0, 1.0)]  # and no "Total" made strings of the users
    assert refused(write("w.csv", "user,item,count\n1,1,y\n1,2,3\n")).startswith("w.csv line 2: weight 'y' is not")


def test_a_rating_outside_the_scale_is_a_bad_row(write):
    path = write("r.csv", "user,item,rating\n1,1,5\n1,2,6\n")
    expected = 'Hint: 1 of 2 rows is bad; pass on_error="skip" to drop and count them.'
    assert refused(path, scale=(1, 5)) == f"r.csv line 3: rating '6' is outside the scale 1 to 5. {expected}"
    with pytest.warns(DataWarning):
        loaded = read_interactions(path, scale=(1, 5), on_error="skip")
    assert (loaded.n_ratings, loaded.scale) == (1, (1, 5))
    with pytest.raises(InvalidParameterError, match="'scale' must be"):
        read_interactions(path, scale=(5, 1))


def test_nothing_but_bad_rows_is_refused_either_way(write):
    path = write("r.csv", "user,item,rating\n1,1,a\n1,2,b\n")
    for policy in ("raise", "skip"):
        assert refused(path, on_error=policy) == (
            "r.csv line 2: rating 'a' is not a number. "
            "Hint: all 2 rows are bad; is this the right column, and the right file?"
        )


def test_rows_of_parquet_are_named_by_number(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pl.DataFrame({"user": [1, 2, None], "item": [1, 2, 3], "rating": [1.0, np.nan, 3.0]}).write_parquet("r.parquet")
    hint = 'Hint: 2 of 3 rows are bad; pass on_error="skip" to drop and count them.'
    assert refused("r.parquet") == f"r.parquet row 2: the rating is missing. {hint}"


def test_duplicates_follow_the_policy_and_name_the_file(write):
    path = write("r.csv", "user,item,rating\n1,1,2\n1,1,4\n")
    assert refused(path).startswith("r.csv: user 1 and item 1 occur together more than once (1 of 2 rows")
    assert read_interactions(path, duplicates="mean").ratings.tolist() == [3]
    assert read_interactions(path, duplicates="keep").n_ratings == 2
    with pytest.raises(InvalidParameterError, match="'duplicates' must be one of"):
        read_interactions(path, duplicates="first")


def test_an_unknown_policy(write):
    with pytest.raises(InvalidParameterError, match="'on_error' must be 'raise' or 'skip', got 'ignore'"):
        read_interactions(write("r.csv", "1,1,1\n"), on_error="ignore")
