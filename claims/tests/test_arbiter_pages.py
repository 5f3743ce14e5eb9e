"""An outside arbiter by the pages and by programs: who may, what is shown, what is refused."""

import re
import uuid
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from aidplatform.site.todo import todos_of
from aidplatform.testing.jury_cases import JuryCases
from aidplatform.testing.prepared import prepared
from aidplatform.tests.pages_helpers import client_of
from claims.filing.models import Claim
from claims.jury.arbiter_models import Arbitration
from claims.jury.tests.test_arbiters import REASON, appointed, outsider, proposed, running, take, token_of
from claims.review.selectors import public_ref
from members.people.models import User

POOL, API = "/pools/test-pool/", "/api/v1/pools/test-pool/"
KEY = {"Idempotency-Key": "0b6c6a1e-7c54-4b5e-8a27-6f1c2f9d0002"}


@pytest.fixture(autouse=True)
def no_counts_left_over(db: None) -> None:
    """Begin with empty throttle counts: the table is rolled back, but the clock of a window is not."""
    cache.clear()


@prepared
def cases() -> JuryCases:
    """Return a pool of which five members have offered to judge."""
    return JuryCases.founded(offering=5)


def read(person: User | None, address: str, status: int = 200) -> str:
    answer = client_of(person).get(address)
    assert answer.status_code == status, answer.content[:400]
    return str(answer.content.decode())


def post(person: User | None, address: str, **given: object) -> Any:
    return client_of(person).post(address, given)


def program(person: User | None, address: str, **given: object) -> Any:
    return client_of(person).post(address, given, "application/json", headers=KEY)


def page_of(one: Arbitration) -> str:
    return f"{POOL}arbitrations/{public_ref(one.claim)}/"


def links_of(person: User) -> set[str]:
    return {todo.address for todo in todos_of(person)}


def written(**given: object) -> dict[str, object]:
    return {"outcome": "for", "reason": REASON, "key": str(uuid.uuid4()), **given}


def test_claimant_is_led_to_the_arbiter(cases: JuryCases) -> None:
    claim = cases.refused()
    told = {"statement": "Please read the report.", "key": str(uuid.uuid4())}
    answer = post(cases.claimant, f"/claims/{claim.code}/jury/", **told)
    assert answer.status_code == 302
    assert "/arbitrations/" in answer["Location"]
    public = read(None, answer["Location"])
    assert "Only 5 members could be drawn" in public
    assert "it takes 30" in public
    assert claim.code not in public
    own = read(cases.claimant, f"/claims/{claim.code}/")
    assert "An outside arbiter decides" in own
    assert "Only 5 members could be drawn as jurors" in own
    assert answer["Location"] in read(None, f"{POOL}draws/")


def test_two_people_appoint_by_the_pages(cases: JuryCases) -> None:
    one = take(cases)
    page, admin, controller = page_of(one), cases.world.admin, cases.world.controller
    assert page in links_of(admin)
    assert page not in links_of(controller)
    assert 'name="name"' in read(admin, page)
    for person in (None, cases.neighbor, cases.claimant, controller):
        assert 'name="name"' not in read(person, page)
    bad = post(admin, f"{page}propose/", name="")
    assert bad.status_code == 422
    for person, status in ((controller, 403), (cases.world.stranger, 404), (cases.claimant, 404)):
        assert post(person, f"{page}propose/", name="Zhao Min").status_code == status
    assert post(admin, f"{page}propose/", name="Zhao <b>Min</b>").status_code == 302
    again = post(admin, f"{page}propose/", name="Qian Li")
    assert again.status_code == 409
    assert "Zhao &lt;b&gt;Min&lt;/b&gt;" in read(controller, page)
    assert "Zhao" not in read(cases.neighbor, page)
    assert page in links_of(controller)
    assert post(admin, f"{page}agree/", agree="yes").status_code == 403
    assert post(controller, f"{page}agree/", agree="yes").status_code == 302
    assert post(controller, f"{page}agree/", agree="yes").status_code == 409
    assert page in links_of(admin)
    made = post(admin, f"{page}link/").content.decode()
    assert "/arbitrations/by/" in made
    assert "/arbitrations/by/" not in read(admin, page)
    assert post(admin, f"{page}link/").status_code == 409
    [mark] = re.findall(r'name="instead_of" value="([0-9a-f]+)"', read(admin, page))
    assert "/arbitrations/by/" in post(admin, f"{page}link/", instead_of=mark).content.decode()
    assert post(admin, f"{page}replace/").status_code == 409
    assert "Zhao" in read(cases.claimant, f"/claims/{one.claim.code}/")


def test_controller_wants_somebody_else(cases: JuryCases) -> None:
    one = proposed(cases)
    assert post(cases.world.controller, f"{page_of(one)}agree/", drop="yes").status_code == 302
    assert 'name="name"' in read(cases.world.admin, page_of(one))


def test_arbiter_takes_it_on_and_decides(cases: JuryCases) -> None:
    one = appointed(cases)
    link = f"/arbitrations/by/{token_of(cases, one)}/"
    shown = read(outsider(), link)
    assert "You are asked to decide a case" in shown
    assert "Please read the report." not in shown
    assert "This link is over" in read(outsider(), "/arbitrations/by/none/", 410)
    assert post(cases.neighbor, link).status_code == 403
    answer = post(outsider(), link)
    page = answer["Location"]
    assert page == f"/arbitrations/{one.code}/"
    assert page in links_of(outsider())
    assert one.code in read(outsider(), "/arbitrations/")
    case = read(outsider(), page)
    assert "Please read the report." in case
    assert one.claim.code not in case
    assert cases.claimant.name not in case
    for person in (cases.world.admin, cases.claimant, cases.reviewer):
        read(person, page, 404)
        assert post(person, f"{page}decide/", **written()).status_code == 404
    bad = post(outsider(), f"{page}decide/", **written(reason="Too short."))
    assert bad.status_code == 422
    assert "Too short." in bad.content.decode()
    told = written()
    for _click in range(2):
        assert post(outsider(), f"{page}decide/", **told).status_code == 200
    assert Claim.objects.get(pk=one.claim_id).state == "in_publicity"
    read(outsider(), page, 404)
    assert REASON in read(cases.claimant, f"/claims/{one.claim.code}/")
    public = read(None, page_of(one))
    assert "granted" in public
    assert REASON not in public
    opened = read(cases.claimant, f"/claims/{one.claim.code}/")
    assert "arbiter" in opened


def test_arbiter_gives_it_back(cases: JuryCases) -> None:
    one = running(cases)
    assert post(outsider(), f"/arbitrations/{one.code}/decline/").status_code == 302
    read(outsider(), f"/arbitrations/{one.code}/", 404)
    assert page_of(one) in links_of(cases.world.admin)


def test_all_of_it_by_programs(cases: JuryCases) -> None:
    claim, admin, controller = cases.refused(), cases.world.admin, cases.world.controller
    told = {"statement": "Please read the report.", "shows_reasons": True, "shows_appeal": False}
    answer = program(cases.claimant, f"/api/v1/me/claims/{claim.code}/jury/", **told)
    assert (answer.status_code, answer.json()["eligible"], answer.json()["state"]) == (201, 5, "wanted")
    at = f"{API}arbitrations/{answer.json()['ref']}/"
    assert client_of(None).get(at).json() == client_of(None).get(f"{API}arbitrations/").json()[0]
    assert "name" not in client_of(None).get(at).json()
    assert program(controller, f"{at}proposal/", name="Zhao Min").status_code == 403
    assert program(admin, f"{at}proposal/", name="Zhao Min").json()["name"] == "Zhao Min"
    assert client_of(controller).get(f"{at}arbiter/").json()["name"] == "Zhao Min"
    assert client_of(cases.reviewer).get(f"{at}arbiter/").status_code == 403
    assert program(controller, f"{at}agreement/", agrees=True).json()["state"] == "appointed"
    link = program(admin, f"{at}link/").json()["link"]
    assert program(admin, f"{at}replacement/").status_code == 409
    token = link.rstrip("/").rpartition("/")[2]
    mine = "/api/v1/me/arbitrations/"
    assert program(cases.neighbor, f"{mine}acceptance/", token=token).status_code == 403
    taken = program(outsider(), f"{mine}acceptance/", token=token).json()
    assert client_of(outsider()).get(mine).json() == [taken]
    brief = client_of(outsider()).get(f"{mine}{taken['code']}/").json()
    assert (brief["statement"], brief["appeal"], len(brief["reasons"])) == ("Please read the report.", "", 2)
    assert client_of(cases.claimant).get(f"{mine}{taken['code']}/").status_code == 404
    for _time in range(2):
        done = program(outsider(), f"{mine}{taken['code']}/decision/", outcome="refused", reason=REASON)
        assert done.status_code == 204
    own = client_of(cases.claimant).get(f"/api/v1/me/claims/{claim.code}/arbitration/").json()
    assert (own["outcome"], own["reason"], own["name"]) == ("refused", REASON, "Zhao Min")
    assert client_of(cases.neighbor).get(f"/api/v1/me/claims/{claim.code}/arbitration/").status_code == 404
    assert client_of(None).get(at).json()["outcome"] == "refused"


def test_program_gives_a_case_back(cases: JuryCases) -> None:
    one = running(cases)
    assert program(outsider(), f"/api/v1/me/arbitrations/{one.code}/decline/").status_code == 204
    assert client_of(outsider()).get("/api/v1/me/arbitrations/").json() == []


def test_list_asks_no_more_for_more_cases(cases: JuryCases) -> None:
    take(cases)

    def asked() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            read(None, f"{POOL}draws/")
        return len(queries)

    asked()
    first = asked()
    for _case in range(2):
        take(cases)
    assert asked() == first
