"""Puts the ZIP of an export together, table by table, and hands it on in pieces of bounded size."""

import json
from collections.abc import Callable, Iterator
from typing import IO
from zipfile import ZIP_DEFLATED, ZipFile

from django.core.serializers.json import DjangoJSONEncoder
from django.template.loader import render_to_string
from django.utils.translation import override

from aidplatform.lib.my_data import Exporter, Table
from aidplatform.site.my_data.models import DataExport
from claims.my_data import EXPORTER as CLAIMS
from ledger.my_data import EXPORTER as LEDGER
from members.my_data import EXPORTER as MEMBERS

# What is read together; a paper of a claim is 10 MB at most.
PIECE = 2**20
EXPORTERS: tuple[tuple[str, Exporter], ...] = (("members", MEMBERS), ("ledger", LEDGER), ("claims", CLAIMS))
LANGUAGES = ("en", "zh-hans")


class Pieces:
    """A file that can only be written to: hands every full piece to `keep`, the rest at `close`."""

    def __init__(self, keep: Callable[[bytes], None]) -> None:
        self._keep = keep
        self._waiting = bytearray()
        self.size = 0

    def write(self, data: bytes) -> int:
        """Take bytes."""
        self._waiting += data
        self.size += len(data)
        while len(self._waiting) >= PIECE:
            self._keep(bytes(self._waiting[:PIECE]))
            del self._waiting[:PIECE]
        return len(data)

    def flush(self) -> None:
        """Do nothing: pieces are handed on when they are full."""

    def close(self) -> None:
        """Hand on what is left."""
        if self._waiting:
            self._keep(bytes(self._waiting))
            self._waiting.clear()


def steps() -> int:
    """Return in how many steps an export is made: one for each table, one for all files of an app."""
    return sum(len(exporter.tables) + bool(exporter.files) for _app, exporter in EXPORTERS)


def write_archive(export: DataExport, pieces: Pieces) -> Iterator[int]:
    """Write the ZIP; yield after each step how many are done."""
    done = 0
    with ZipFile(pieces, "w", ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", read_me(export))
        for app, exporter in EXPORTERS:
            for table in exporter.tables:
                with archive.open(f"{app}/{table.name}.json", "w", force_zip64=True) as file:
                    _write_rows(file, table, export)
                done += 1
                yield done
            if exporter.files is not None:
                for name, data in exporter.files(export.person):
                    archive.writestr(f"{app}/{name}", data)
                done += 1
                yield done
    pieces.close()


def _write_rows(file: IO[bytes], table: Table, export: DataExport) -> None:
    """Write the rows as one JSON list, one row a line."""
    file.write(b"[")
    for place, row in enumerate(table.rows(export.person)):
        text = json.dumps(row, cls=DjangoJSONEncoder, ensure_ascii=False)
        file.write((",\n" if place else "\n").encode() + text.encode())
    file.write(b"\n]\n")


def read_me(export: DataExport) -> str:
    """Return what lies in the ZIP and what does not, in both languages."""
    texts = []
    for language in LANGUAGES:
        with override(language):
            texts.append(
                render_to_string("site/my_data/readme.txt", {"export": export, "exporters": EXPORTERS})
            )
    return "\n\n".join(texts)
