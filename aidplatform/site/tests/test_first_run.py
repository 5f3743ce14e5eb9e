"""The first two administrators come in by one-time links, and by nothing else."""

import re
from io import StringIO

import pytest
from allauth.account.models import EmailAddress
from django.core.management import CommandError, call_command
from django.http import HttpResponse
from django.test import Client, RequestFactory

from aidplatform.site.founding import administrators
from aidplatform.site.tests.conftest import real_environment
from aidplatform.testing.operator import run_manage
from aidplatform.work.models import AuditEntry
from members.people.models import User
from members.pools.models import DutyGrant
from members.pools.rules import duty_anywhere

ONE, TWO = "one@example.org", "two@example.org"
LINK = re.compile(r"https://aid\.example\.org(/\S+)")
PASSWORD = "quiet-Harbour-71-lantern"


def first_run(*arguments: str) -> str:
    out = StringIO()
    call_command("first_run", *arguments, stdout=out)
    return out.getvalue()


def links_in(text: str) -> list[str]:
    return LINK.findall(text)


def use_link(path: str, password: str = PASSWORD) -> HttpResponse:
    """Open the link in a fresh browser and set a password."""
    client = Client(headers={"host": "aid.example.org"})
    form = client.get(path, secure=True, follow=True)
    if "token_fail" in (form.context or {}) and form.context["token_fail"]:
        return form
    return client.post(form.request["PATH_INFO"], {"password1": password, "password2": password}, secure=True)


def test_first_run_makes_two_administrators_without_passwords(real_db):
    said = first_run("--email", ONE, "--email", "Two@Example.org")

    people = administrators()
    assert [person.email for person in people] == [ONE, TWO]
    assert not any(person.has_usable_password() for person in people)
    assert EmailAddress.objects.filter(verified=True, primary=True).count() == 2
    grants = DutyGrant.objects.filter(pool=None, duty="pool_admin", is_founding=True, ended_at=None)
    assert grants.count() == 2
    assert len(links_in(said)) == 2
    assert "within 3 days" in said
    assert AuditEntry.objects.filter(action="first_run", subject="installation").count() == 1


def test_a_link_sets_a_password_once(real_db):
    path = links_in(first_run("--email", ONE, "--email", TWO))[0]

    assert use_link(path).status_code == 302
    assert User.objects.get(email=ONE).check_password(PASSWORD)
    again = use_link(path, "another-Password-99-x")
    assert again.context["token_fail"]
    assert User.objects.get(email=ONE).check_password(PASSWORD)


def test_a_person_signed_in_by_password_is_sent_to_set_up_a_second_factor(real_db):
    use_link(links_in(first_run("--email", ONE, "--email", TWO))[0])
    client = Client(headers={"host": "aid.example.org"})
    signed_in = client.post("/accounts/login/", {"login": ONE, "password": PASSWORD}, secure=True)
    assert signed_in.status_code == 302

    request = RequestFactory().get("/anything/")
    request.user, request.session = User.objects.get(email=ONE), client.session
    answer = duty_anywhere("pool_admin")(lambda _request: HttpResponse("the page"))(request)

    assert answer.status_code == 302
    assert answer.url == "/accounts/2fa/"


def test_first_run_happens_once(real_db):
    first_run("--email", ONE, "--email", TWO)
    with pytest.raises(CommandError, match="exist already"):
        first_run("--email", "three@example.org", "--email", "four@example.org")
    with pytest.raises(CommandError, match="--renew"):
        first_run()
    assert User.objects.count() == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--email", ONE], "1 addresses were given; 2 are needed"),
        (["--email", ONE, "--email", "ONE@example.org"], "was given twice"),
        (["--email", ONE, "--email", "two"], "“two” is not an e-mail address"),
    ],
)
def test_first_run_wants_two_people(real_db, arguments, said):
    with pytest.raises(CommandError, match=re.escape(said)):
        first_run(*arguments)
    assert not User.objects.exists()


def test_renewing_gives_a_new_link_and_ends_the_old_one(real_db):
    lost = links_in(first_run("--email", ONE, "--email", TWO))[0]
    found = links_in(first_run("--renew", ONE))[0]

    assert use_link(lost).context["token_fail"]
    assert use_link(found).status_code == 302
    assert User.objects.get(email=ONE).check_password(PASSWORD)
    code = User.objects.get(email=ONE).code
    assert AuditEntry.objects.filter(action="renew_link", subject=code).count() == 1


def test_renewing_leaves_a_chosen_password_until_the_link_is_used(real_db):
    use_link(links_in(first_run("--email", ONE, "--email", TWO))[0])
    first_run("--renew", ONE)
    assert User.objects.get(email=ONE).check_password(PASSWORD)


def test_renewing_is_for_administrators(real_db):
    first_run("--email", ONE, "--email", TWO)
    User.objects.create_user("member@example.org")
    with pytest.raises(CommandError, match="no administrator"):
        first_run("--renew", "member@example.org")


def test_a_demonstration_has_no_first_run(committed_db):
    with pytest.raises(CommandError, match="This is a demonstration"):
        first_run("--email", ONE, "--email", TWO)
    assert not User.objects.exists()


def test_a_demonstration_stays_one_under_the_settings_of_a_real_one(committed_db, settings):
    settings.DEMO = False
    with pytest.raises(CommandError, match="This is a demonstration"):
        first_run("--email", ONE, "--email", TWO)


def test_without_a_terminal_it_says_what_to_run_and_the_start_goes_on(real_db):
    done = run_manage("first_run", environment=real_environment(*real_db))
    assert done.returncode == 0, done.stderr
    assert "first_run --email first@example.org --email second@example.org" in done.stdout
    assert not User.objects.exists()
