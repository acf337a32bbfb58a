"""From a path to the bytes of one table: zip and gzip are opened, and endings or first bytes tell what is inside."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Literal, TypeAlias, get_args

from foretaste.exceptions import DataError, InvalidParameterError

Format: TypeAlias = Literal["csv", "tsv", "dat", "parquet"]
FORMATS: tuple[Format, ...] = get_args(Format)

_ENDINGS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".dat": "dat",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_ZIP_MAGIC, _GZIP_MAGIC, _PARQUET_MAGIC = (b"PK\x03\x04", b"PK\x05\x06"), b"\x1f\x8b", b"PAR1"
_MEMBERS_SHOWN = 6


@dataclass(frozen=True)
class Source:
    """The unpacked bytes of one table.

    Attributes
    ----------
    name : str
        What messages call it: the path as the caller wrote it, and the member where it is inside an archive.
    data : bytes
    format : str or None
        None where neither the caller, nor the ending, nor the first bytes say; it is then text of some kind.
    """

    name: str
    data: bytes
    format: Format | None


def read_source(path: str | Path, format: Format | None = None) -> Source:  # noqa: A002  the word for it
    """The table in a file.

    Raises
    ------
    DataError
        There is no such file, it is a folder or empty, its packing is damaged, or it holds not exactly one table.
    InvalidParameterError
        An unknown format.
    """
    if format is not None and format not in FORMATS:
        message = f"'format' must be one of {', '.join(map(repr, FORMATS))} or None, got {format!r}."
        raise InvalidParameterError(message)
    source = _unpacked(str(path), Path(path).name, _bytes_of(path))
    return source if format is None else Source(source.name, source.data, format)


def read_member(archive: Path, file: str) -> Source:
    """One file of a zip archive, in whatever folder of it.

    Raises
    ------
    DataError
        The archive is damaged or holds no such file.
    """
    with _opened_zip(str(archive), _bytes_of(archive)) as opened:
        for member in opened.namelist():
            if PurePosixPath(member).name == file:
                return _unpacked_member(str(archive), opened, member)
    message = (
        f"{archive} holds no {file!r}. "
        f"Hint: it is not the archive its publisher gives out; remove it and fetch it again."
    )
    raise DataError(message)


def _bytes_of(path: str | Path) -> bytes:
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError as error:
        message = f"{path}: there is no such file. Hint: a relative path starts at {Path.cwd()}."
        raise DataError(message) from error
    except IsADirectoryError as error:
        message = f"{path} is a folder. Hint: pass one file of it."
        raise DataError(message) from error
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror or error}."
        raise DataError(message) from error
    if not data:
        message = f"{path} is empty."
        raise DataError(message)
    return data


def _unpacked(name: str, file: str, data: bytes) -> Source:
    """Take off one layer of packing after the other; `file` is the name whose ending counts."""
    ending = PurePosixPath(file).suffix.lower()
    unknown = ending not in _ENDINGS
    if ending == ".gz" or (unknown and data.startswith(_GZIP_MAGIC)):
        inner = PurePosixPath(file).stem if ending == ".gz" else file
        return _unpacked(name, inner, _gunzipped(name, data))
    if ending == ".zip" or (unknown and data.startswith(_ZIP_MAGIC)):
        with _opened_zip(name, data) as archive:
            return _unpacked_member(name, archive, _only_table(name, archive))
    if unknown and data.startswith(_PARQUET_MAGIC):
        return Source(name, data, "parquet")
    return Source(name, data, _ENDINGS.get(ending))


def _gunzipped(name: str, data: bytes) -> bytes:
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        message = f"{name} is not a whole gzip file: {error}. Hint: copy or fetch it again."
        raise DataError(message) from error


def _opened_zip(name: str, data: bytes) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(BytesIO(data))
    except zipfile.BadZipFile as error:
        message = f"{name} is not a whole zip file: {error}. Hint: copy or fetch it again."
        raise DataError(message) from error


def _unpacked_member(name: str, archive: zipfile.ZipFile, member: str) -> Source:
    name = f"{name} ({member})"
    try:
        data = archive.read(member)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        message = f"{name} is damaged: {error}. Hint: copy or fetch the archive again."
        raise DataError(message) from error
    except (RuntimeError, NotImplementedError) as error:  # behind a password, or packed in a way Python does not know
        message = f"{name} cannot be unpacked: {error}. Hint: unpack it by other means and pass the table itself."
        raise DataError(message) from error
    return _unpacked(name, member, data)


def _only_table(name: str, archive: zipfile.ZipFile) -> str:
    """The one member that is a table; what stands beside it may be a README or a licence."""
    members = [
        member.filename
        for member in archive.infolist()
        if not member.is_dir()
        and not member.filename.startswith("__MACOSX/")
        and not PurePosixPath(member.filename).name.startswith(".")
    ]
    tables = [member for member in members if PurePosixPath(member.lower().removesuffix(".gz")).suffix in _ENDINGS]
    if not tables and len(members) == 1:
        tables = members
    if len(tables) == 1:
        return tables[0]
    listed = tables or members
    shown = ", ".join(map(repr, listed[:_MEMBERS_SHOWN])) or "nothing"
    more = f" and {len(listed) - _MEMBERS_SHOWN} more" if len(listed) > _MEMBERS_SHOWN else ""
    kind = "tables" if tables else "files of unknown kind"
    message = (
        f"{name} must hold exactly one table, and holds {len(listed)} {kind}: {shown}{more}. "
        f"Hint: unpack it and pass the one you mean."
    )
    raise DataError(message)
