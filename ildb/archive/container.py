"""The archive as a file: a ZIP of Parquet files, artifacts and a manifest, nothing of which is trusted."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from ildb.archive import content
from ildb.archive.manifest import MEMBER, File, Manifest, Table, read_manifest
from ildb.errors import InputError

_BLOCK = 1 << 20
_MANIFEST_LIMIT = 64 << 20
_DAMAGED = "The file is damaged or incomplete; use another copy."
# What the standard library raises over a broken ZIP: bad checksums, ends too early, unknown or encrypted members.
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError)


class Archive:
    """An open archive whose names have been checked; see ``opened``."""

    def __init__(self, path: Path, file: zipfile.ZipFile) -> None:
        self.path = path
        self._file = file
        infos = file.infolist()
        sizes = {info.filename: info.file_size for info in infos}
        if MEMBER not in sizes:
            raise InputError(f"{path} is not an archive of ildb.", "Make one with: ildb archive create FILE")
        if sizes[MEMBER] > _MANIFEST_LIMIT:
            raise InputError(f"{path}: its manifest is {sizes[MEMBER]} bytes long.", _DAMAGED)
        with self._reading(MEMBER) as stream:
            self.manifest: Manifest = read_manifest(stream.read(), str(path))
        expected = {MEMBER, *self.manifest.members}
        # Files are only ever read under the names that the manifest's checked parts give, so a name such as ../../x
        # could do nothing; still, an archive with one was not made by ildb.
        foreign = sorted(set(sizes) - expected)
        if foreign or len(infos) != len(sizes):
            what = f"a file that does not belong there: {foreign[0]!r}" if foreign else "two files of one name"
            raise InputError(f"{path} holds {what}.", "Use an archive as ildb made it.")
        if missing := sorted(expected - set(sizes)):
            raise InputError(f"{path} lacks the file {missing[0]}.", _DAMAGED)

    def verify(self, progress: Callable[[str], None] = lambda _: None) -> None:
        """Read every file once and compare its SHA-256.

        Raises:
            InputError: naming the first that differs.
        """
        for name, wanted in self.manifest.members.items():
            progress(name)
            digest = hashlib.sha256()
            with self._reading(name) as stream:
                while block := stream.read(_BLOCK):
                    digest.update(block)
            if digest.hexdigest() != wanted:
                raise InputError(f"{self.path}: {name} is not what was archived (its SHA-256 differs).", _DAMAGED)

    @contextmanager
    def batches(self, table: Table) -> Iterator[Iterator[pa.RecordBatch]]:
        """The rows of a table.

        Raises:
            InputError: they are not those the manifest describes.
        """
        with self._reading(table.member) as stream:
            try:
                parquet = pq.ParquetFile(stream)
                if not parquet.schema_arrow.equals(content.arrow_schema(table.columns)):
                    raise InputError(f"{self.path}: {table.member} has other columns than the manifest says.", _DAMAGED)
                yield parquet.iter_batches(batch_size=content.ROWS_PER_BATCH)
            except pa.ArrowException as error:
                raise InputError(f"{self.path}: {table.member} cannot be read: {error}.", _DAMAGED) from error

    def extract(self, file: File, target: Path) -> None:
        """Write an artifact to a path of the caller's choice."""
        with self._reading(file.member) as stream, target.open("wb") as out:
            while block := stream.read(_BLOCK):
                out.write(block)

    @contextmanager
    def _reading(self, name: str) -> Iterator[IO[bytes]]:
        try:
            stream = self._file.open(name)
        except _BROKEN as error:
            raise InputError(f"{self.path}: {name} cannot be read: {error}.", _DAMAGED) from error
        with stream:
            yield _Stream(stream, f"{self.path}: {name}")  # type: ignore[misc]


class _Stream:
    """A member's bytes; what goes wrong on the way says which file it is."""

    def __init__(self, stream: IO[bytes], where: str) -> None:
        self._stream = stream
        self._where = where
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        try:
            return self._stream.read(size)
        except _BROKEN as error:
            raise InputError(f"{self._where} cannot be read: {error}.", _DAMAGED) from error

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def writable(self) -> bool:
        return False

    def close(self) -> None:
        self.closed = True


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """Open an archive and check its names and manifest, not yet its content.

    Raises:
        InputError: there is no such file, or it is not a whole archive of ildb.
    """
    try:
        file = zipfile.ZipFile(path)
    except FileNotFoundError:
        raise InputError(f"There is no file {path}.") from None
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        raise InputError(f"{path} is not a whole archive of ildb.", _DAMAGED) from None
    except OSError as error:
        raise InputError(f"Cannot read {path}: {error.strerror}.") from error
    with file:
        yield Archive(path, file)
