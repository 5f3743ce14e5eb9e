"""Accounts of people."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings
from django.contrib.auth.password_validation import password_validators_help_texts, validate_password
from django.core import mail
from django.core.exceptions import ValidationError
from django.test import Client, override_settings
from django.utils.translation import override

from aidplatform.testing.refusals import not_permitted, refused, run
from aidplatform.tests.pages_helpers import client_of
from members.people.models import User, new_code


def test_new_code_has_ten_characters_that_nobody_confuses() -> None:
    codes = {new_code() for _ in range(200)}
    assert len(codes) == 200
    assert all(re.fullmatch(r"P-[2-9A-HJ-NP-Z]{10}", code) for code in codes)


def test_one_account_per_email_whatever_its_capitals(db: None) -> None:
    User.objects.create_user("someone@example.org")
    with refused("one_account_per_email"):
        run(
            """INSERT INTO members_user (code, email, password, name, name_zh, is_active, is_demo, date_joined)
               VALUES ('P-X', 'Someone@Example.org', '', '', '', true, false, now())"""
        )


def test_account_without_a_password_lets_nobody_in(db: None) -> None:
    person = User.objects.create_user("someone@example.org")
    assert not person.has_usable_password()
    assert not person.check_password("")


@pytest.mark.parametrize("column", ["code", "is_demo", "date_joined"])
def test_account_gives_no_right_to_change_who_it_is(db: None, column: str) -> None:
    User.objects.create_user("someone@example.org")
    with not_permitted():
        run(f"UPDATE members_user SET {column} = {column}")


def test_account_is_called_by_its_name_or_address(db: None) -> None:
    assert str(User.objects.create_user("a@example.org")) == "a@example.org"
    assert str(User.objects.create_user("b@example.org", name="Lin")) == "Lin"


def test_password_rules_are_said_in_chinese_whatever_the_number(db: None) -> None:
    with override("zh-hans"):
        with pytest.raises(ValidationError) as refusal:
            validate_password("short")
        assert refusal.value.messages == ["密码太短：至少 12 个字符。"]
        assert all("您" in rule or "密码" in rule for rule in password_validators_help_texts())
        assert not any("你" in rule for rule in password_validators_help_texts())


def test_no_page_of_an_account_mixes_email_into_chinese(db: None) -> None:
    person = User.objects.create_user("a@example.org")
    client = client_of(person, language="zh-hans")
    page = client.get("/accounts/email/", follow=True).content.decode()
    assert "邮箱地址" in page
    shown = re.sub(r"<[^>]*>|a@example.org", " ", page[page.index("<main") :])
    assert not re.search(r"email", shown, re.IGNORECASE)


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_mails_of_accounts_speak_our_words_and_name_the_site_once(db: None, language: str) -> None:
    """No greeting by an address, no brackets in the subject: what looks like a fraud is taken for one."""
    User.objects.create_user("known@example.org", password="a long secret of somebody")
    client = client_of(None, language=language)
    for address in ("known@example.org", "unknown@example.org"):
        client.post("/accounts/password/reset/", {"email": address})
    assert len(mail.outbox) == 2
    for one in mail.outbox:
        text = f"{one.subject}\n{one.body}"
        assert not re.search(r"Hello|Thank you for using|感谢您使用|\[", text), text
        assert ("任何人都不会向您索取密码" if language == "zh-hans" else "Nobody will ever ask you") in text
        assert settings.PUBLIC_URL in text


@pytest.mark.parametrize(
    ("wanted", "leads_to"),
    [("/pools/demo/join/", "/accounts/login/?next=%2Fpools%2Fdemo%2Fjoin%2F"), ("https://else.example/", "")],
)
def test_link_of_a_mail_leads_on_within_this_site_alone(db: None, wanted: str, leads_to: str) -> None:
    with override_settings(ACCOUNT_EMAIL_VERIFICATION="mandatory"):
        account = {
            "email": "a@example.org",
            "password1": "right horse battery",
            "password2": "right horse battery",
        }
        Client().post("/accounts/signup/", account | {"next": wanted})
    link = re.search(r"/accounts/confirm-email/\S+", str(mail.outbox[-1].body))
    assert link
    assert parse_qs(urlsplit(link[0]).query).get("next", [""]) == [leads_to]
