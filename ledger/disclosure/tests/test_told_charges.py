"""What is told of charges: one notice a period for whoever answers for several, each share in it as it was charged."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from aidplatform.lib import clock
from aidplatform.lib.money import format_money
from aidplatform.testing.refusals import refused, run
from aidplatform.testing.signing import TestSigner
from aidplatform.testing.world import World, run_jobs, set_clock
from aidplatform.tests.pages_helpers import client_of
from aidplatform.work import jobs
from ledger.disclosure.services import TELL
from ledger.openbooks.selectors import signing_of
from ledger.sharing.models import Charge, Period
from members import my_data
from members.joining import payers
from members.joining.child_papers import paper_of_family
from members.joining.models import Membership
from members.joining.tests.papers import filled, passport
from members.joining.tests.test_family import added, person, sign_oneself
from members.joining.tests.test_family import guardian as guardian
from members.joining.tests.test_payers import join, linked
from members.joining.tests.test_told import leave_behind
from members.people import notices
from members.people.cover_words import WAITING_OVER
from members.people.duty_words import DUTY_GIVEN
from members.people.models import Mail, Notice, User

PAYER = "/pools/test-pool/me/payer/"


@pytest.fixture
def world(world: World) -> World:
    """Give the test a pool on the day before the headcount of its first period."""
    set_clock(clock.start_of_day(dt.date(2026, 1, 1), world.pool.time_zone))
    return world


def charge(world: World, aid_fen: int = 100_000) -> Period:
    """Take a period of the pool to its charges, with one case, and let everybody be told."""
    set_clock(clock.start_of_day(dt.date(2026, 1, 8), world.pool.time_zone))
    world.award(aid_fen)
    period = world.posted_period()
    run_jobs()
    return period


def share_of(membership: Membership, period: Period) -> int:
    found = Charge.objects.get(
        pool_id=membership.pool_id, membership_id=membership.pk, period_no=period.number
    )
    return found.share_fen


def told(membership: Membership) -> Notice:
    return Notice.objects.get(person=membership.person, kind=notices.CHARGED)


def lines_of(notice: Notice) -> list[tuple[Any, ...]]:
    names = ("membership", "member", "part", "fen", "payer")
    return [tuple(line[name] for name in names) for line in notice.params["lines"]]


def test_member_alone_is_told_as_ever(world: World) -> None:
    alone = join(world, "alone")
    period = charge(world)
    notice = told(alone)
    assert (notice.key, notice.link) == (period.code, "/pools/test-pool/me/")
    assert notice.params["fen"] == share_of(alone, period)
    assert "lines" not in notice.params
    subject = notices.subject_of(notice.kind, notice.params)
    assert subject.startswith(f"Your share of period {period.number} of ")


def test_family_is_told_in_one_notice_and_one_mail_with_the_sum(world: World, guardian: Membership) -> None:
    children = [added(guardian), added(guardian, "CHILD00002")]
    period = charge(world)
    notice = told(guardian)
    assert lines_of(notice) == [
        (one.pk, one.number, part, share_of(one, period), None)
        for one, part in [(guardian, "own"), (children[0], "guardian"), (children[1], "guardian")]
    ]
    asked = sum(share_of(one, period) for one in (guardian, *children))
    assert notice.params["fen"] == asked
    mail = Mail.objects.get(person=guardian.person, key__contains="charged/")
    assert f": {format_money(asked, 'CNY')} from you" in mail.subject
    assert mail.body.startswith(
        f"You: {format_money(share_of(guardian, period), 'CNY')}\n"
        f"Member {children[0].number}: {format_money(share_of(children[0], period), 'CNY')}\n"
    )
    assert f"Together {format_money(asked, 'CNY')} from you. It is collected on" in mail.body


def test_page_names_the_children_and_no_mail_does(world: World, guardian: Membership) -> None:
    child = added(guardian)
    name = paper_of_family(child.family_member).name
    charge(world)
    page = client_of(person(guardian)).get("/notices/").content.decode()
    assert f"Member {child.number} ({name}): " in page
    mail = Mail.objects.get(person=guardian.person, key__contains="charged/")
    assert name not in mail.subject + mail.body


def test_payer_is_told_of_an_adult_too_who_is_told_as_ever(world: World) -> None:
    father, son = join(world, "father"), join(world, "son")
    linked(son, father)
    period = charge(world)
    own, paid = share_of(father, period), share_of(son, period)
    notice = told(father)
    assert notice.link == PAYER
    assert lines_of(notice) == [
        (father.pk, father.number, "own", own, None),
        (son.pk, son.number, "payer", paid, None),
    ]
    assert notice.params["fen"] == own + paid
    assert "lines" not in told(son).params
    assert told(son).params["fen"] == paid


def test_share_that_another_pays_is_listed_and_not_in_the_sum(world: World, guardian: Membership) -> None:
    first, second = added(guardian), added(guardian, "CHILD00002")
    uncle = join(world, "uncle")
    leave_behind(guardian)
    payers.accept_link(
        link=payers.ask_payer(membership=first, payer_number=uncle.number, at=clock.now()),
        person=person(uncle),
    )
    period = charge(world)
    notice = told(guardian)
    assert [(line["member"], line["payer"]) for line in notice.params["lines"]] == [
        (first.number, uncle.number),
        (second.number, None),
    ]
    assert notice.params["fen"] == share_of(second, period)
    said = notices.body_of(notice.kind, notice.params)
    assert f", which member {uncle.number} pays\n" in said
    assert [line["member"] for line in told(uncle).params["lines"]] == [uncle.number, first.number]


def test_each_charge_is_proven_told_as_it_was_charged_and_once(world: World, guardian: Membership) -> None:
    """Per membership of whom somebody is told: exactly what stands in the charges, however often the job runs."""
    added(guardian)
    linked(join(world, "son"), join(world, "father"))
    period = charge(world)
    jobs.enqueue(kind=TELL, key="again", payload={"period": period.pk}, actor="service")
    run_jobs()
    listed = run(
        """SELECT (l->>'membership')::bigint, (l->>'fen')::bigint
             FROM members_notice n CROSS JOIN LATERAL jsonb_array_elements(n.params->'lines') l
            WHERE n.kind = 'charged' AND l->>'part' <> 'payer'"""
    )
    alone = Notice.objects.filter(kind="charged").exclude(params__has_key="lines").select_related("person")
    told_alone = [(one.person.memberships.get().pk, one.params["fen"]) for one in alone]
    answered = Membership.objects.filter(pool=world.pool, person__isnull=False)
    ids = [*answered.values_list("pk", flat=True), *(pk for pk, _fen in listed)]
    charges = Charge.objects.filter(membership_id__in=ids).values_list("membership_id", "share_fen")
    assert sorted([*listed, *told_alone]) == sorted(charges)


@pytest.mark.parametrize("change", ["fen", "sum", "twice", "number", "foreign", "period"])
def test_notice_of_shares_says_what_was_charged(world: World, guardian: Membership, change: str) -> None:
    added(guardian)
    notice_of = told(guardian) if charge(world) else None
    assert notice_of is not None
    params = dict(notice_of.params)
    lines = [dict(line) for line in params["lines"]]
    if change == "fen":
        lines[1]["fen"] += 1
        params["fen"] += 1
    elif change == "sum":
        params["fen"] += 1
    elif change == "twice":
        lines.append(lines[1])
        params["fen"] += lines[1]["fen"]
    elif change == "number":
        lines[1]["member"] += 1
    elif change == "foreign":
        lines[1]["membership"] = 10**9
    else:
        params["number"] += 1
    insert = """INSERT INTO members_notice (person_id, kind, key, params, link, at)
                VALUES (%s, 'charged', %s, %s, '/', now())"""
    with refused("notice_of_shares_says_what_was_charged"):
        run(insert, world.stranger.pk, notice_of.key, json.dumps(params | {"lines": lines}))
    run(insert, world.stranger.pk, notice_of.key, json.dumps(notice_of.params))


def test_export_leaves_out_shares_of_others(world: World, guardian: Membership) -> None:
    child = added(guardian)
    charge(world)
    (row,) = [row for row in my_data._notices(person(guardian)) if row["kind"] == "charged"]
    assert set(row) == {"kind", "at", "read_at"}
    assert f"Member {child.number}" not in "".join(
        str(row.get("body")) for row in my_data._mails(person(guardian))
    )


def test_page_of_notices_asks_as_often_for_many_shares(world: World, guardian: Membership) -> None:
    added(guardian)
    other = sign_oneself(
        filled(world.pool, User.objects.create_user("other@example.org"), passport("OTHER00001"))
    )
    for number in range(3):
        added(other, f"THEIRS000{number}")
    charge(world)
    counts = []
    for one, lines in ((guardian, 2), (other, 4)):
        assert len(told(one).params["lines"]) == lines
        client = client_of(person(one))
        client.get("/notices/")
        with CaptureQueriesContext(connection) as asked:
            client.get("/notices/")
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_notice_and_mail_say_by_which_open_books_they_were_written(
    committed_db: tuple[str, str], tmp_path: Path
) -> None:
    world = World.founded()
    membership = world.pool.memberships.order_by("number")[0]
    membership.person = User.objects.create_user("member@example.org")
    membership.save(update_fields=["person"])
    TestSigner(tmp_path / "signer" / "state").sign()
    signing = signing_of(world.pool.code, clock.now())
    assert signing.checkpoint is not None
    world.award(100_000)
    world.posted_period()
    run_jobs()
    notice = Notice.objects.get(person=membership.person, kind="charged")
    line = f"The open books had {signing.checkpoint.size} entries then, fingerprint {signing.fingerprint}."
    assert notices.body_of(notice.kind, notice.params).endswith(line)
    assert line in Mail.objects.get(person=membership.person, key__contains="charged/").body


def test_whatever_members_are_told_of_a_pool_says_by_which_open_books(
    committed_db: tuple[str, str], tmp_path: Path
) -> None:
    world = World.founded()
    person = User.objects.create_user("member@example.org")
    pool = world.pool
    params = {"pool_en": pool.name_en, "pool_zh": pool.name_zh, "eligible": "2026-04-01"}
    page = reverse("pool", args=[pool.code])

    def told(key: str, kind: str = WAITING_OVER, link: str = page) -> Notice:
        more = {"duty_code": "treasurer", "reason": "elected"} if kind == DUTY_GIVEN else {}
        notices.tell([notices.News(person, kind, key, params | more, link)], batch=key, actor="service")
        return Notice.objects.get(person=person, key=key)

    assert "books_fingerprint" not in told("before the first signature").params
    TestSigner(tmp_path / "signer" / "state").sign()
    signing = signing_of(pool.code, clock.now())
    assert signing.checkpoint is not None
    books = {"books_size": signing.checkpoint.size, "books_fingerprint": signing.fingerprint}
    assert told("signed").params == params | books
    assert signing.fingerprint in Mail.objects.get(person=person, key__contains="/signed").body
    assert told("of no pool", link="/notices/").params == params
    assert "books_fingerprint" not in told("of a duty", DUTY_GIVEN).params
