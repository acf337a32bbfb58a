import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from foretaste.data._sources import Source
from foretaste.data._tables import _walk, find_layout, parse
from foretaste.exceptions import DataError, ForetasteError


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(codec="utf-8", exclude_characters="\r\x00"), min_size=1).filter(str.strip),
            st.text(st.characters(codec="utf-8", exclude_characters="\r\x00"), min_size=1).filter(str.strip),
            st.floats(-1000, 1000, width=32),
        ),
        min_size=1,
    )
)
def test_whatever_the_csv_module_writes_is_read_back(rows):
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(["user", "item", "rating"])
    writer.writerows(rows)
    table = parse(Source("made.csv", buffer.getvalue().encode(), "csv"))
    assert not table.ragged
    assert table.frame.rows() == [(user, item, str(float(rating))) for user, item, rating in rows]
    starts = [2]
    for user, item, _ in rows:
        starts.append(starts[-1] + 1 + user.count("\n") + item.count("\n"))
    assert list(table.lines()) == starts[:-1]


@given(
    st.lists(
        st.lists(st.text("ab:1", min_size=1, max_size=3).filter(lambda s: "::" not in f":{s}:"), min_size=1, max_size=4)
    ).filter(lambda rows: any(len(row) == 3 for row in rows))
)
def test_every_row_is_read_or_reported_with_its_line(rows):
    lines = ["h::h2::h3", *("::".join(row) for row in rows)]
    table = parse(Source("made.dat", "\n".join(lines).encode(), "dat"))
    good = {number: tuple(row) for number, row in enumerate(rows, start=2) if len(row) == 3}
    assert dict(zip(table.lines(), table.frame.rows(), strict=True)) == good
    assert [line for line, _ in table.ragged] == [n for n, row in enumerate(rows, start=2) if len(row) != 3]


@given(st.binary(max_size=300), st.sampled_from(["csv", "tsv", "dat", "parquet", None]))
def test_no_bytes_end_in_anything_but_our_own_errors(data, kind):
    try:
        table = parse(Source("made", data, kind))
    except ForetasteError:
        return
    assert len(table.lines()) == table.frame.height


@given(st.text('01,;"\n\r a', max_size=60))
def test_the_fast_way_reads_what_the_slow_one_does(written):
    source = Source("made.csv", written.encode(), "csv")
    try:
        fast, slow = parse(source), _walk(find_layout(source))
    except DataError:
        return
    assert fast.frame.fill_null("").rows() == slow.frame.rows()
    assert list(fast.lines()) == slow.lines()
    assert fast.ragged == slow.ragged
