"""Debit mandates: offered by the rules, given over the text that was shown, sealed, revoked at any time."""

import datetime as dt
from typing import Any

import psycopg
import pytest

from aidplatform.lib import clock
from aidplatform.testing.prepared import prepared
from aidplatform.testing.refusals import about, not_permitted, refused, refused_to_owner, run, value
from aidplatform.testing.world import World, set_clock
from aidplatform.tests.pages_helpers import client_of
from ledger.custody import mandates
from ledger.custody.mandate_models import DebitMandate
from members.joining.models import Membership
from members.joining.services import admit_member, end_cover
from members.people.models import User
from members.pools.debit_terms import DebitTerms

DEBIT = {
    "scheme": "sepa",
    "creditor_id": "DE98ZZZ09999999999",
    "first_notice_days": 5,
    "later_notice_days": 2,
    "refund_days": 56,
}
CARD = {"scheme": "card", "creditor_id": "Agreement 7", "first_notice_days": 3, "later_notice_days": 3}
IBAN, OTHER_IBAN = "DE89370400440532013000", "GB82WEST12345698765432"
PAGE = "/pools/test-pool/me/mandate/"
INSERT = """
    INSERT INTO ledger_debitmandate (pool_id, membership_id, number, plan_version_id, creditor_name, sealed,
           account_hint, text_en, text_zh, language, signed_by, signed_date, signed_at, state)
    VALUES (%s, %s, %s, %s, 'C', 'x', '…3000', 'a', 'b', 'en', %s, '2020-01-01', now(), %s) RETURNING id"""


@prepared
def euro() -> World:
    """Give the test a pool in euro whose rules offer SEPA debits."""
    return World.founded(currency="EUR", debit=DEBIT)


def admit(world: World, name: str = "payer") -> Membership:
    return admit_member(
        pool=world.pool,
        person=User.objects.create_user(f"{name}@people.example.org", name=name),
        class_no=0,
        from_at=clock.now(),
        joined_date=dt.date(2026, 1, 1),
        actor="test",
    )


def person(membership: Membership) -> User:
    assert membership.person is not None
    return membership.person


def give(membership: Membership, account: str = IBAN, **changes: Any) -> DebitMandate:
    offer = mandates.offer_of(membership)
    fields: dict[str, Any] = {
        "holder_name": "Paula  Payer",
        "account": account,
        "shown_sha256": offer.sha256 if offer else "0" * 64,
        "language": "en",
        "at": clock.now(),
    }
    return mandates.give_mandate(membership=membership, **(fields | changes))


def by_hand(membership: Membership, **changes: Any) -> None:
    row: dict[str, Any] = {
        "pool": membership.pool_id,
        "membership": membership.pk,
        "number": 1,
        "version": value("SELECT min(id) FROM members_planversion WHERE pool_id = %s", membership.pool_id),
        "by": membership.person.code if membership.person else "x",
        "state": "live",
    } | changes
    run(INSERT, *row.values())


def test_mandate_holds_what_a_collection_names(euro: World) -> None:
    member = admit(euro)
    mandate = give(member, "de89 3704 0044 0532 0130 00")
    assert mandate.reference == f"AID-{euro.pool.pk}-{member.number}-1"
    assert (mandate.account_hint, mandate.signed_date) == ("…3000", dt.date(2026, 1, 1))
    assert (mandate.debit, mandate.creditor_name) == (DebitTerms.from_json(DEBIT), "Test pool, custody")
    assert "at least 5 days ahead" in mandate.text_en
    assert "首次至少提前 5 天" in mandate.text_zh
    payer = mandates.account_of_mandate(DebitMandate.objects.get(pk=mandate.pk))
    assert (payer.name, payer.account) == ("Paula Payer", IBAN)
    # Nowhere in clear.
    assert IBAN not in str(run("SELECT t::text FROM ledger_debitmandate t"))
    assert IBAN not in str(run("SELECT detail::text FROM work_auditentry"))


def test_another_account_revokes_the_first_and_both_stay(euro: World) -> None:
    member = admit(euro)
    first, second = give(member), give(member, OTHER_IBAN)
    assert [(one.number, one.state) for one in mandates.mandates_of(member)] == [(2, "live"), (1, "revoked")]
    assert mandates.live_mandate(member) == second
    assert DebitMandate.objects.get(pk=first.pk).revoked_by == person(member).code
    for _twice in range(2):
        mandates.revoke_mandate(membership=member)
    assert mandates.live_mandate(member) is None
    assert give(member).number == 3


def test_accounts_are_checked_by_their_scheme(euro: World) -> None:
    sepa, card = DebitTerms.from_json(DEBIT), DebitTerms.from_json(CARD)
    for number in ("DE89370400440532013001", "6222020111122220002", "", "DE89"):
        with about(number), pytest.raises(mandates.BadAccountError):
            mandates.account_in_scheme(sepa, number)
    assert mandates.account_in_scheme(card, "6222 0201 1112 2220 002") == "6222020111122220002"
    for number in ("6222020111122220003", "4242424242", IBAN, "６２２２０２０１１１１２２２２００００"):
        with about(number), pytest.raises(mandates.BadAccountError):
            mandates.account_in_scheme(card, number)
    member = admit(euro)
    give(member)
    with pytest.raises(mandates.BadAccountError):
        give(member, "DE00")
    assert mandates.live_mandate(member) is not None


def test_nothing_is_offered_without_the_rule_or_in_another_currency(world: World) -> None:
    member = admit(world)
    assert mandates.offer_of(member) is None
    with pytest.raises(mandates.NoDebitsError):
        give(member)
    assert mandates.offer_of(admit(World.founded(code="yuan-pool", debit=DEBIT), "yuan")) is None
    assert mandates.offer_of(admit(World.founded(code="card-pool", debit=CARD), "card")) is not None
    gone = admit(World.founded(code="left-pool", debit=CARD), "gone")
    end_cover(membership=gone, at=clock.now(), reason="left", actor=person(gone).code)
    assert mandates.offer_of(gone) is None


def test_other_text_than_the_one_shown_is_not_agreed_to(euro: World) -> None:
    with pytest.raises(mandates.OtherTextError):
        give(admit(euro), shown_sha256="0" * 64)


def test_mandate_is_offered_by_the_rules(euro: World) -> None:
    world = World.founded(code="plain-pool")
    with refused("mandate_is_offered_by_the_rules"):
        by_hand(admit(world, "plain"))
    with refused("mandate_is_offered_by_the_rules"):
        by_hand(
            admit(euro), version=value("SELECT id FROM members_planversion WHERE pool_id = %s", world.pool.pk)
        )


def test_mandate_is_given_in_person(euro: World) -> None:
    member, other = admit(euro), admit(euro, "other")
    with refused("mandate_is_given_in_person"):
        by_hand(member, by=person(other).code)
    with refused("mandate_is_given_in_person"):
        by_hand(Membership.objects.get(pool=euro.pool, number=1))
    mandate = give(member)
    with refused("mandate_is_given_in_person"):
        run(
            "UPDATE ledger_debitmandate SET state = 'revoked', revoked_by = %s WHERE id = %s",
            person(other).code,
            mandate.pk,
        )
    end_cover(membership=other, at=clock.now(), reason="left", actor=person(other).code)
    with refused("mandate_is_given_in_person"):
        by_hand(other)


def test_mandate_begins_as_agreed_with_the_databases_own_figures(euro: World) -> None:
    member = admit(euro)
    with refused("mandate_is_revoked_once"):
        by_hand(member, state="revoked")
    with refused("mandates_are_numbered"):
        by_hand(member, number=2)
    by_hand(member)
    row = DebitMandate.objects.get()
    assert (row.signed_date, row.signed_at) == (dt.date(2026, 1, 1), clock.now())
    assert row.text_sha256 == value("SELECT encode(sha256('a\nb'::bytea), 'hex')".replace("\n", "\\012"))
    with refused("mandate_begins_as_agreed"):
        run(
            INSERT.replace("state)", "state, revoked_by)").replace("%s) RETURNING", "%s, 'x') RETURNING"),
            *(euro.pool.pk, member.pk, 2, row.plan_version_id, person(member).code, "live"),
        )


def test_one_live_mandate_per_membership(euro: World) -> None:
    member = admit(euro)
    give(member)
    with refused("one_live_mandate_per_membership"):
        by_hand(member, number=2)


def test_mandate_keeps_what_was_agreed(euro: World) -> None:
    mandate = give(admit(euro))
    for column in ("text_en", "sealed", "account_hint", "reference", "signed_date"):
        with about(column), not_permitted():
            run(f"UPDATE ledger_debitmandate SET {column} = {column}")
    with refused("mandate_keeps_what_was_agreed"):
        run("UPDATE ledger_debitmandate SET revoked_by = 'x'")
    mandates.revoke_mandate(membership=mandate.membership)
    with refused("mandate_is_revoked_once"):
        run("UPDATE ledger_debitmandate SET state = 'live', revoked_by = NULL, revoked_at = NULL")
    with not_permitted():
        run("DELETE FROM ledger_debitmandate")


def test_mandates_are_kept_by_the_owner_too(owner: psycopg.Connection) -> None:
    with refused_to_owner(owner, "mandates_are_kept"):
        owner.execute("DELETE FROM ledger_debitmandate")


def test_member_gives_and_revokes_on_the_page(euro: World) -> None:
    member = admit(euro)
    browser = client_of(person(member))
    assert PAGE in browser.get("/pools/test-pool/me/").content.decode()
    page = browser.get(PAGE).content.decode()
    assert "SEPA direct debit, text 1" in page
    assert "SEPA 直接扣款" in page
    offer = mandates.offer_of(member)
    assert offer is not None
    given = {"shown_sha256": offer.sha256, "holder_name": "Paula", "account": IBAN, "agreed": "on"}
    for wrong, status in (
        ({"account": "DE00"}, 422),
        ({"agreed": ""}, 422),
        ({"holder_name": ""}, 422),
        ({"shown_sha256": "0" * 64}, 409),
    ):
        assert browser.post(PAGE, given | wrong).status_code == status
    assert browser.post(PAGE, given).headers["Location"] == PAGE
    page = browser.get(PAGE).content.decode()
    assert "…3000" in page
    assert IBAN not in page
    assert "…3000" in browser.get("/pools/test-pool/me/").content.decode()
    for _twice in range(2):
        assert browser.post(f"{PAGE}revoke/").headers["Location"] == PAGE
    assert mandates.live_mandate(member) is None
    assert "revoked" in browser.get(PAGE).content.decode()


def test_page_asks_for_a_fresh_proof_and_is_the_members_own(euro: World) -> None:
    member = admit(euro)
    person(member).set_password("right horse battery")
    person(member).save()
    stale = client_of(person(member), second_factor=False)
    for address in (PAGE, f"{PAGE}revoke/"):
        answer = stale.post(address)
        assert (answer.status_code, "/reauthenticate/" in answer.headers["Location"]) == (302, True)
    assert client_of(euro.stranger).get(PAGE).status_code == 404
    assert client_of(None).get(PAGE).status_code == 302


def test_page_is_none_where_nothing_is_debited(world: World) -> None:
    member = admit(world)
    assert client_of(person(member)).get(PAGE).status_code == 404
    assert PAGE not in client_of(person(member)).get("/pools/test-pool/me/").content.decode()


def test_staff_see_masked_accounts_alone(euro: World) -> None:
    mandate = give(admit(euro))
    address = "/pools/test-pool/custody/mandates/"
    for who, status in ((euro.treasurer, 200), (euro.auditor, 200), (euro.stranger, 404)):
        assert client_of(who).get(address).status_code == status
    page = client_of(euro.treasurer).get(address).content.decode()
    assert mandate.reference in page
    assert "…3000" in page
    assert IBAN not in page
    assert "Paula" not in page
    assert (
        "No mandate yet" in client_of(euro.treasurer).get(f"{address}?before={mandate.pk}").content.decode()
    )


def test_programs_read_ones_own(euro: World) -> None:
    member = admit(euro)
    mandate = give(member)
    found = client_of(person(member)).get("/api/v1/pools/test-pool/my-mandates/").json()
    assert [(one["reference"], one["state"], one["account_hint"]) for one in found] == [
        (mandate.reference, "live", "…3000")
    ]
    assert (found[0]["creditor_id"], found[0]["first_notice_days"]) == ("DE98ZZZ09999999999", 5)
    assert IBAN not in str(found)
    assert client_of(euro.stranger).get("/api/v1/pools/test-pool/my-mandates/").status_code == 404


def test_text_that_was_agreed_stays_when_the_rules_change(euro: World) -> None:
    member = admit(euro)
    mandate = give(member)
    euro.change_plan(dt.date(2026, 2, 1), debit=DEBIT | {"first_notice_days": 14})
    set_clock(clock.start_of_day(dt.date(2026, 2, 1), euro.pool.time_zone))
    kept = mandates.live_mandate(member)
    assert kept is not None
    assert (kept.debit.first_notice_days, kept.text_sha256) == (5, mandate.text_sha256)
    offer = mandates.offer_of(member)
    assert offer is not None
    assert offer.debit.first_notice_days == 14
