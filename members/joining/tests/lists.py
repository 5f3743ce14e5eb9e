"""Member lists of a village that moves in, made as its association would make them."""

import csv
import datetime as dt
import io
from typing import Any

from openpyxl import Workbook

from aidplatform.lib import clock
from aidplatform.testing.world import World, run_jobs
from members.joining import importing, looking
from members.joining.models import ImportedMember, MemberImport, MemberUpload
from members.joining.tests.papers import resident_id
from members.people.models import User
from members.pools.models import Pool

HEADER = ("Name", "E-mail", "Identity document", "Document number", "Country of the passport", "Date of birth",
          "Class", "Paid by", "Member since", "Proof", "Share owed", "Prepaid balance")  # fmt: skip
SINCE = dt.date(2023, 9, 1)
REGIONS = ("110105", "110101", "310104", "440106", "330106", "510107")


def row(number: int, **changes: str) -> dict[str, str]:
    """Return the row of one villager, each with a document of their own; changes by column title."""
    born = dt.date(1980, 1, 1) + dt.timedelta(days=number)
    cells = {
        "Name": f"Villager {number}",
        "E-mail": f"villager-{number}@example.org",
        "Identity document": "ID card",
        "Document number": resident_id(born),
        "Member since": SINCE.isoformat(),
        "Proof": f"book 2, page {number}",
        "Share owed": "12.50" if number == 2 else "",
    }
    return dict.fromkeys(HEADER, "") | cells | changes


def csv_list(*rows: dict[str, str], header: tuple[str, ...] = HEADER, delimiter: str = ",") -> bytes:
    """Return a list as CSV."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerow(header)
    for cells in rows:
        writer.writerow([cells.get(title, "") for title in header])
    return out.getvalue().encode()


def workbook(*rows: list[Any]) -> bytes:
    """Return a workbook with these rows, the cells as they are."""
    book = Workbook()
    assert book.active is not None
    for cells in rows:
        book.active.append(cells)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def uploaded(world: World, data: bytes) -> MemberUpload:
    """Return a list that was uploaded and looked at."""
    upload = looking.keep_upload(
        pool=world.pool, data=data, filename="list.csv", uploader=world.admin.code, at=clock.now()
    )
    run_jobs()
    return MemberUpload.objects.get(pk=upload.pk)


def proposed(world: World, *rows: dict[str, str]) -> MemberImport:
    """Return an import that waits for its second person."""
    upload = uploaded(world, csv_list(*(rows or [row(n) for n in (1, 2, 3)])))
    found = importing.propose_import(
        upload=upload, looks=upload.looks, proposer=world.admin.code, at=clock.now()
    )
    run_jobs()
    found.refresh_from_db()
    return found


def approved(world: World, *rows: dict[str, str]) -> MemberImport:
    """Return an approved import; everybody on it is asked."""
    found = proposed(world, *rows)
    found = importing.approve_import(
        member_import=found, approver=world.controller.code, shown_sha256=found.shown_sha256, at=clock.now()
    )
    run_jobs()
    return found


def villager(number: int) -> User:
    """Return the account of a villager, with the address at which they were invited."""
    return User.objects.create_user(f"villager-{number}@example.org", name=f"Villager {number}")


def listed(pool: Pool, number: int) -> ImportedMember:
    """Return the row of a villager."""
    return ImportedMember.objects.exclude(state="withdrawn").get(
        pool=pool, email=f"villager-{number}@example.org"
    )
