"""The statement of a year: the figures of the page, what was paid, one's own only, the same bytes each time."""

import io
from pathlib import Path

import pypdf
from django.test import Client

from aidplatform.testing.bank import Bank, charged_world
from aidplatform.testing.prepared import prepared
from aidplatform.testing.refusals import run
from aidplatform.testing.signing import TestSigner
from aidplatform.testing.world import World
from aidplatform.tests.pages_helpers import client_of
from ledger.disclosure.statements import statement_paper, year_statement
from ledger.sharing.models import Period
from members.joining.models import Membership
from members.people.models import User

STATEMENT = "/pools/test-pool/me/statements/2026.pdf"
Charged = tuple[World, Bank, Membership]


def lines(content: bytes) -> list[str]:
    pages = pypdf.PdfReader(io.BytesIO(content)).pages
    return [line.strip() for page in pages for line in page.extract_text().splitlines()]


@prepared
def charged() -> Charged:
    """Give the test seven members who owe 231.43 each, and the first of them with an account."""
    world, bank, _period = charged_world(100_000, 50_000)
    person = User.objects.create_user("member@example.org")
    run(
        "UPDATE members_membership SET person_id = %s WHERE pool_id = %s AND number = 1",
        person.pk,
        world.pool.pk,
    )
    return world, bank, Membership.objects.get(pool=world.pool, number=1)


def test_statement_shows_share_payment_and_what_is_open(charged: Charged) -> None:
    _world, bank, membership = charged
    client = client_of(membership.person)
    found = " ".join(lines(client.get(STATEMENT).content))
    assert "Shares of 2026" in found
    assert "231.43 0.00 231.43" in found
    bank.all_pay()
    response = client.get(STATEMENT)
    assert "231.43 231.43 0.00" in " ".join(lines(response.content))
    assert response["Content-Type"] == "application/pdf"
    assert response["Content-Disposition"] == 'attachment; filename="test-pool-shares-2026.pdf"'


def test_figures_are_those_of_the_period(charged: Charged) -> None:
    _world, _bank, membership = charged
    ((charge, owed),) = year_statement(membership, 2026).rows
    found = " ".join(lines(client_of(membership.person).get(STATEMENT).content))
    assert charge.row is not None
    assert (
        f"{charge.period.number} {charge.period.charge_date:%-d %b %Y} {charge.period.cases} 1,500.00 120.00 0.00 7 1 "
        in found
    )
    assert (charge.share_fen, owed.share_fen, owed.open_fen) == (23_143, 23_143, 23_143)


def test_statement_names_the_fingerprint_of_the_open_books(
    committed_db: tuple[str, str], tmp_path: Path
) -> None:
    world, _bank, _period = charged_world(100_000)
    membership = Membership.objects.get(pool=world.pool, number=1)
    before = year_statement(membership, 2026)
    assert "fingerprint" not in " ".join(lines(statement_paper(before)))
    TestSigner(tmp_path / "signer" / "state").sign()
    signed = year_statement(membership, 2026)
    assert signed.signing.checkpoint is not None
    found = "".join(lines(statement_paper(signed))).replace(" ", "")
    assert f"had{signed.signing.checkpoint.size:,}entries,fingerprint{signed.signing.fingerprint}" in found


def test_same_statement_has_the_same_bytes(charged: Charged) -> None:
    client = client_of(charged[2].person)
    assert client.get(STATEMENT).content == client.get(STATEMENT).content


def test_statement_speaks_the_language_of_the_page(charged: Charged) -> None:
    client, day = client_of(charged[2].person), Period.objects.get().charge_date
    chinese = client.get(STATEMENT, headers={"accept-language": "zh-hans"}).content
    assert "互助计划不是保险" in "".join(lines(chinese))
    assert f"{day.year}年{day.month}月{day.day}日" in "".join(lines(chinese))
    assert chinese != client.get(STATEMENT).content


def test_page_offers_each_year_with_a_share(charged: Charged) -> None:
    page = client_of(charged[2].person).get("/pools/test-pool/me/shares/").content.decode()
    assert f'href="{STATEMENT}"' in page
    assert "2025.pdf" not in page


def test_absent_and_not_yours_look_alike(charged: Charged) -> None:
    world, _bank, membership = charged
    assert client_of(membership.person).get(STATEMENT.replace("2026", "2025")).status_code == 404
    assert client_of(world.stranger).get(STATEMENT).status_code == 404
    assert client_of(world.stranger).get(STATEMENT.replace("test-pool", "no-such")).status_code == 404
    assert Client().get(STATEMENT).status_code == 302
