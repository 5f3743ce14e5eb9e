"""Secrets by which members find themselves in rolls: one each, sealed, shown to their owner, gone with them."""

import datetime as dt
import io

import psycopg
import pypdf
import pytest
from django.urls import reverse

from aidplatform.lib import clock, commitments, crypto
from aidplatform.site.my_data.tests.test_erasing import erased, leave
from aidplatform.testing.refusals import not_permitted, refused, refused_to_owner, run, value
from aidplatform.testing.world import World, set_clock
from aidplatform.tests.pages_helpers import client_of
from members import my_data
from members.joining import applications
from members.joining.certificates import SECRET, paper_file, receipt_files, signature_of
from members.joining.headcounts import fix_headcount
from members.joining.member_secrets import new_secret, secret_of
from members.joining.models import Membership
from members.joining.secret_filling import fill_secrets
from members.joining.secret_models import MemberSecret
from members.joining.tests.papers import filled, paper
from members.joining.tests.test_family import added
from members.people.models import User

INSERT = """INSERT INTO members_membersecret (membership_id, sealed, commit_key, id_inner)
            VALUES (%s, %s, %s, %s)"""


def joined(world: World, email: str = "newcomer@example.org") -> Membership:
    """Return the membership of somebody who has signed."""
    person = User.objects.create_user(email)
    application = filled(world.pool, person)
    return applications.sign_covenant(
        application=application,
        signer=person,
        shown_sha256=application.plan_version.covenant_sha256,
        language="en",
        at=clock.now(),
    )


def fill(world: World) -> int:
    """Give a secret to everybody who is covered now and has none."""
    recorded_at = fix_headcount(pool=world.pool)
    return fill_secrets(pool_id=world.pool.pk, as_of=clock.now(), recorded_at=recorded_at)


def rows_of(person: User) -> list[dict[str, object]]:
    table = next(one for one in my_data.EXPORTER.tables if one.name == "roll_secrets")
    return list(table.rows(person))


def words(content: bytes) -> str:
    pages = pypdf.PdfReader(io.BytesIO(content)).pages
    return "".join("".join(page.extract_text().split()) for page in pages)


def test_secret_is_made_with_the_signature_and_commits_to_the_document(world: World) -> None:
    membership = joined(world)
    own, kept = secret_of(membership), MemberSecret.objects.get()
    assert own is not None
    assert own.whose == f"resident_id|{paper().number}|{membership.number}"
    assert bytes(kept.commit_key) == commitments.commit_key(own.secret) == own.commit_key
    assert bytes(kept.id_inner) == commitments.id_inner(own.secret, own.whose) == own.id_inner
    assert own.secret not in bytes(kept.sealed)
    assert paper().number.encode() not in bytes(kept.sealed)
    with pytest.raises(crypto.UnreadableError):
        crypto.unseal(bytes(kept.sealed), f"members.secret:{membership.pk + 1}")


def test_child_has_a_secret_of_its_own_which_its_guardian_is_shown(world: World) -> None:
    guardian = joined(world)
    child = added(guardian)
    own, of_child = secret_of(guardian), secret_of(child)
    assert own is not None
    assert of_child is not None
    assert own.secret != of_child.secret
    assert of_child.whose.endswith(f"|{child.number}")
    assert guardian.person is not None
    assert [(row["number"], row["secret"]) for row in rows_of(guardian.person)] == [
        (guardian.number, own.text),
        (child.number, of_child.text),
    ]


def test_who_has_none_is_given_one_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("members.joining.secret_filling.BATCH", 3)
    assert fill(world) == 7
    before = list(MemberSecret.objects.order_by("pk").values_list("commit_key", flat=True))
    assert fill(world) == 0
    assert list(MemberSecret.objects.order_by("pk").values_list("commit_key", flat=True)) == before
    assert len({bytes(key) for key in before}) == 7
    own = secret_of(Membership.objects.select_related("pool").get(pool=world.pool, number=4))
    assert own is not None
    assert own.whose == "||4"


def test_filling_opens_documents_of_members_and_of_children(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("applications", "family"):
        monkeypatch.setattr(f"members.joining.{module}.give_secret", lambda **_of: None)
    guardian = joined(world)
    child = added(guardian)
    assert secret_of(guardian) is None
    set_clock(clock.now() + dt.timedelta(days=2))
    assert fill(world) == 9
    whose = [own.whose for own in (secret_of(guardian), secret_of(child)) if own]
    assert whose == [
        f"resident_id|{paper().number}|{guardian.number}",
        f"passport|CHILD00001|{child.number}",
    ]


def test_secret_is_shown_to_who_has_signed_in_and_mailed_to_nobody(world: World) -> None:
    membership = joined(world)
    own, signature = secret_of(membership), signature_of(membership)
    assert own is not None
    assert signature is not None
    assert all(own.text not in words(file.content) for file in receipt_files(signature.pk))
    for language in ("en", "zh-hans"):
        assert own.text in words(paper_file(signature, SECRET, language).content)
    client = client_of(membership.person)
    page = client.get(reverse("my_paper", args=["test-pool", "secret", "en"]))
    assert own.text in words(page.content)
    stranger = User.objects.create_user("stranger@example.org")
    assert client_of(stranger).get(page.request["PATH_INFO"]).status_code == 404
    assert rows_of(stranger) == []


def test_member_secret_is_permanent(db: None, owner: psycopg.Connection) -> None:
    for statement in (
        "UPDATE members_membersecret SET commit_key = sha256('')",
        "DELETE FROM members_membersecret",
        "TRUNCATE members_membersecret",
    ):
        with refused_to_owner(owner, "member_secret_is_permanent"):
            owner.execute(statement)


def test_member_secret_gives_the_application_no_right_to_change_it(world: World) -> None:
    joined(world)
    for statement in ("UPDATE members_membersecret SET sealed = ''", "DELETE FROM members_membersecret"):
        with not_permitted():
            run(statement)


def test_member_secret_has_its_parts(world: World) -> None:
    member = world.pool.memberships.earliest("pk")
    row = new_secret(member_no=1, paper=None).row(member.pk)
    for sealed, key, inner in (
        (row.sealed, row.commit_key[:31], row.id_inner),
        (row.sealed, row.commit_key, b""),
        (b"", row.commit_key, row.id_inner),
        (crypto.seal(b"", "x"), row.commit_key, row.id_inner),
    ):
        with refused("member_secret_has_its_parts"):
            run(INSERT, member.pk, sealed, key, inner)
    run(INSERT, member.pk, row.sealed, row.commit_key, row.id_inner)


def test_secret_is_erased_with_its_member_and_made_for_them_no_more(world: World) -> None:
    membership = joined(world)
    person = membership.person
    assert person is not None
    kept = MemberSecret.objects.get(membership=membership)
    traces = [bytes(kept.sealed), bytes(kept.commit_key), bytes(kept.id_inner)]
    leave(membership)
    erased(person)
    assert secret_of(membership) is None
    assert not MemberSecret.objects.filter(membership=membership).exists()
    with refused("erased_account_stays_erased"):
        run(INSERT, membership.pk, *traces)
    assert value("SELECT count(*) FROM members_membersecret WHERE commit_key = %s", traces[1]) == 0


def test_members_whom_the_statistics_missed_get_their_secrets_in_time(
    db: None, owner: psycopg.Connection
) -> None:
    """Statistics taken while many members are being admitted find none; each with each takes minutes then."""
    world = World.founded(members=30_000)
    owner.execute("ANALYZE members_membership, members_span, members_membersecret")
    owner.commit()
    run("SET LOCAL statement_timeout = '15s'")
    assert fill(world) == 30_000
    period = world.announced_period()
    assert value("SELECT size FROM ledger_roll WHERE period_id = %s", period.pk) == 30_000
