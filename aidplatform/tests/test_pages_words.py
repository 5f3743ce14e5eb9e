"""What pages say: complete in both languages, and never in the words of insurance."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polib
import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.conf import settings
from django.test import Client
from django.utils import translation
from django.utils.translation import trans_real

from aidplatform.site.catalogues import compile_catalogues
from aidplatform.site.demo.people import make_people
from aidplatform.site.manual import PAGES
from aidplatform.testing.prepared import prepared
from aidplatform.testing.world import World
from aidplatform.tests.pages_helpers import client_of, public_world
from aidplatform.tests.pages_messages import (
    CATALOGUE,
    ROOT,
    is_of_library,
    messages_of_project,
    template_files,
)
from aidplatform.work.jobs import enqueue
from aidplatform.work.models import Job
from members.people.models import User

PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%%|%[sd]")


def entries() -> polib.POFile:
    return polib.pofile(str(CATALOGUE))


def texts_of(entry: polib.POEntry) -> list[str]:
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


def test_every_message_of_the_project_is_in_the_catalogue() -> None:
    known = {(entry.msgid, entry.msgid_plural or "") for entry in entries()}
    missing = {message: files for message, files in messages_of_project().items() if message not in known}
    assert missing == {}


def test_catalogue_holds_nothing_that_is_not_used() -> None:
    used = set(messages_of_project())
    left_over = [
        entry.msgid
        for entry in entries()
        if (entry.msgid, entry.msgid_plural or "") not in used and not is_of_library(entry)
    ]
    assert left_over == []


def test_every_message_is_translated_with_its_placeholders() -> None:
    wrong = []
    for entry in entries():
        for text in texts_of(entry):
            wanted = sorted(PLACEHOLDER.findall(entry.msgid_plural or entry.msgid))
            if not text.strip() or sorted(PLACEHOLDER.findall(text)) != wanted or entry.fuzzy:
                wrong.append(entry.msgid)
    assert wrong == []


def test_compiling_writes_once_and_again_only_after_a_change(tmp_path: Path) -> None:
    target = tmp_path / "zh_Hans" / "LC_MESSAGES" / "django.mo"
    assert compile_catalogues(tmp_path) == [target]
    assert compile_catalogues(tmp_path) == []
    assert polib.mofile(str(target)).find("Pools").msgstr == "全部计划"
    made_of = target.with_suffix(".sha256")
    assert sorted(path.name for path in target.parent.iterdir()) == [target.name, made_of.name]
    # Made of the catalogue of another version, though later by the clock than this one.
    made_of.write_text("0" * 64)
    os.utime(target, (2**31, 2**31))
    assert compile_catalogues(tmp_path) == [target]
    assert compile_catalogues(tmp_path) == []


@contextmanager
def recorded_misses() -> Iterator[set[str]]:
    """Record each message that Chinese was asked for and did not have."""
    misses: set[str] = set()
    catalogue = trans_real.translation("zh-hans")
    plain, plural = catalogue.gettext, catalogue.ngettext

    def gettext(message: str) -> str:
        if message and catalogue._catalog.get(message) is None:  # type: ignore[attr-defined]
            misses.add(message)
        return plain(message)

    def ngettext(one: str, many: str, number: int) -> str:
        try:
            catalogue._catalog.plural(one, number)  # type: ignore[attr-defined]
        except KeyError:
            misses.add(one)
        return plural(one, many, number)

    catalogue.gettext, catalogue.ngettext = gettext, ngettext  # type: ignore[method-assign]
    try:
        yield misses
    finally:
        del catalogue.gettext, catalogue.ngettext


def test_recorder_notices_a_message_without_chinese() -> None:
    with translation.override("zh-hans"), recorded_misses() as misses:
        assert translation.gettext("Pools") == "全部计划"
        translation.gettext("no such sentence")
        translation.ngettext("%d thing", "%d things", 2)
    assert misses == {"no such sentence", "%d thing"}


@prepared
def full_world() -> World:
    """Give the test a pool with something on every page."""
    world = public_world()
    make_people()
    world.award(1_000_000)
    world.posted_period()
    enqueue(kind="test.kind", key="stuck", payload={}, actor="x")
    Job.objects.filter(kind="test.kind").update(state="stuck", last_error="E")
    return world


def page_addresses() -> list[str]:
    pool = "/pools/test-pool/"
    return [
        "/", "/demo/", "/demo/mail/", "/notices/", f"{pool}join/", f"{pool}me/",
        "/jobs/", "/nope/", *(f"/docs/{name}/" for name in PAGES),
        pool, f"{pool}periods/", f"{pool}periods/1/", f"{pool}plan/", f"{pool}log/", f"{pool}log/0/",
        f"{pool}ledger/", f"{pool}ledger/trial-balance/", f"{pool}ledger/accounts/120/",
        f"{pool}ledger/accounts/140/", f"{pool}ledger/entries/", f"{pool}ledger/entries/?kind=opening",
        f"{pool}ledger/entries/?since=x", f"{pool}ledger/entries/1/", f"{pool}ledger/accounts/120/?before=x",
    ]  # fmt: skip


ACCOUNT_PAGES = [
    "/accounts/login/", "/accounts/signup/", "/accounts/password/reset/",
    "/accounts/password/reset/done/", "/accounts/password/change/", "/accounts/email/",
    "/accounts/reauthenticate/", "/accounts/2fa/", "/accounts/2fa/totp/activate/",
    "/accounts/2fa/webauthn/", "/accounts/2fa/webauthn/add/", "/accounts/2fa/webauthn/reauthenticate/",
    "/accounts/2fa/recovery-codes/generate/", "/accounts/inactive/", "/accounts/confirm-email/", "/accounts/logout/",
]  # fmt: skip


def test_every_page_is_rendered_in_chinese_without_a_miss(full_world: World) -> None:
    people = [full_world.controller, full_world.admin, None]
    with recorded_misses() as misses:
        for person in people:
            client = client_of(person, language="zh-hans")
            for address in page_addresses():
                assert client.get(address).status_code in {200, 302, 404, 422}, address
        open_account_pages(full_world.auditor)
    assert misses == set()


def test_every_state_of_a_period_is_rendered_in_chinese_without_a_miss(db: None) -> None:
    steps = ("settled_period", "computed_period", "approved_period", "posted_period")
    with recorded_misses() as misses:
        for number, step in enumerate(steps):
            world = World.founded(code=f"pool-{number}", members=150)
            world.award(1_000_000)
            getattr(world, step)()
            for person in (world.admin, world.controller, world.auditor, None):
                client = client_of(person, language="zh-hans")
                for address in ("/", f"/pools/pool-{number}/", f"/pools/pool-{number}/periods/1/"):
                    assert client.get(address).status_code == 200
    assert misses == set()


def open_account_pages(person: User) -> None:
    """Open the pages of sign-in and account as a visitor, after signing in, and with a second factor."""
    person.set_password("right horse battery")
    person.save()
    EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    visitor, owner = client_of(None, language="zh-hans"), client_of(None, language="zh-hans")
    sign_in(owner, person)
    for client in (visitor, owner):
        for address in ACCOUNT_PAGES:
            assert client.get(address).status_code in {200, 302}, address
            assert client.post(address, {}).status_code in {200, 302, 405}, address
    sign_in(owner, person)
    owner.post("/accounts/reauthenticate/", {"password": "right horse battery"})
    assert owner.get("/accounts/2fa/totp/activate/").status_code == 200
    TOTP.activate(person, generate_totp_secret())
    RecoveryCodes.activate(person)
    for tail in (
        "",
        "webauthn/",
        "webauthn/add/",
        "totp/deactivate/",
        "recovery-codes/",
        "recovery-codes/generate/",
        "reauthenticate/",
    ):
        assert owner.get(f"/accounts/2fa/{tail}").status_code == 200, tail
    half_way = client_of(None, language="zh-hans")
    sign_in(half_way, person)
    assert half_way.get("/accounts/2fa/authenticate/").status_code == 200
    assert half_way.post("/accounts/2fa/authenticate/", {"code": "000000"}).status_code == 200


def sign_in(client: Client, person: User) -> None:
    body = {"login": person.email, "password": "right horse battery"}
    assert client.post("/accounts/login/", body).status_code == 302


FORBIDDEN = re.compile(
    r"\b(?:premiums?|polic(?:y|ies)|insur\w+|guaranteed)\b|保费|保单|保额|投保|理赔|赔付|保证", re.IGNORECASE
)
# Insurance may be named where the sentence says what this is not; "not insurance" needs the word.
SAYS_WHAT_IT_IS_NOT = [
    "A mutual-aid pool is not insurance: members share what was needed, afterwards, and nobody promises a payment.",
    "This is not insurance. There is no insurer, no premium, no policy, and nothing is guaranteed.",
    "这不是保险。没有保险人，没有保费，没有保单，也不作任何保证。",
    "Software for mutual-aid pools: exact shares, books anyone can check. Not insurance.",
    "> A mutual-aid pool is **not insurance**. There is no insurer, no premium and no policy; nobody is insured and"
    " nothing is\n> guaranteed.",
    "> 互助计划**不是保险**。这里没有保险人，没有保费，没有保单；没有人“被投保”，也不对任何给付作出保证。",
    "- **It does not replace medical insurance.**",
    "This is not insurance: nobody promises a sum, and members share afterwards what members needed.",
    "This is not insurance: nobody promises a sum, and members share what members needed, each from a wallet that"
    " they fill beforehand.",
    "Is this insurance?",
    "Does it replace medical insurance?",
    "It is not insurance, and these pages do not use its words.",
    "**This is not insurance.** There is no insurer and nobody promises a sum.",
]
COVENANTS = ROOT / "members" / "pools" / "covenants"


def test_no_word_of_insurance_outside_the_sentences_that_say_what_this_is_not() -> None:
    found = {}
    presets = sorted((ROOT / "members" / "pools" / "presets").glob("*.json"))
    # What is signed, and stands in the papers that members keep.
    covenants = [*sorted(COVENANTS.glob("*.md")), COVENANTS / "declaration.json"]
    assert len(covenants) == 3
    assert presets
    for path in [*template_files(), *sorted((ROOT / "templates").rglob("*.md")), *presets, *covenants]:
        if bad := forbidden_words(path.read_text(encoding="utf-8")):
            found[str(path.relative_to(ROOT))] = bad
    for entry in entries():
        for text in (entry.msgid, entry.msgid_plural or "", *texts_of(entry)):
            if bad := forbidden_words(text):
                found[text] = bad
    assert found == {}


def forbidden_words(text: str) -> list[str]:
    for sentence in SAYS_WHAT_IT_IS_NOT:
        text = text.replace(sentence, "")
    return FORBIDDEN.findall(text)


def test_sentences_that_say_what_this_is_not_are_still_said() -> None:
    """An allow-list that nobody uses any more would let the words back in unseen."""
    everything = "".join(path.read_text(encoding="utf-8") for path in template_files())
    everything += "".join(path.read_text(encoding="utf-8") for path in (ROOT / "templates").rglob("*.md"))
    everything += "".join(path.read_text(encoding="utf-8") for path in COVENANTS.glob("*.md"))
    everything += "".join(entry.msgid + "".join(texts_of(entry)) for entry in entries())
    assert [sentence for sentence in SAYS_WHAT_IT_IS_NOT if sentence not in everything] == []


@pytest.mark.parametrize("word", ["premium", "Policy", "insured", "guaranteed", "理赔", "保额", "insurance"])
def test_word_check_finds_each_word(word: str) -> None:
    assert forbidden_words(f"Your {word} here") == [word]


def test_both_languages_are_those_of_the_settings() -> None:
    assert [code for code, _name in settings.LANGUAGES] == ["en", "zh-hans"]
