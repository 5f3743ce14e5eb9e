"""No value of a higher layer is told to a lower one: every page, program, file and feed, by every kind of viewer.

Each layer has words that stand nowhere else in this world; whoever is told more than their layer finds one of them.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from django.core.cache import cache

from aidplatform.lib import clock
from aidplatform.testing.claim_cases import ClaimCases, photograph
from aidplatform.testing.jury_cases import JURY, JuryCases
from aidplatform.testing.world import World
from aidplatform.tests.pages_helpers import client_of
from aidplatform.tests.test_policies import _GROUP, _PARAMETER, patterns
from claims.filing import services as filing
from claims.filing.models import Claim
from claims.filing.selectors import paper_codes
from claims.review.selectors import public_ref
from ledger.openbooks.models import LogEntry
from members.joining.documents import Traits
from members.joining.services import admit_group
from members.people.models import User

# What stands nowhere but in the case, by the lowest layer that is told it; in code words and in both languages.
MEMBERS = ("thyroid_cancer", "Thyroid cancer", "甲状腺癌")
JURORS = ("tibet", "Tibet", "西藏", "30-39", "30–39")
REVIEWERS = ("The lump of the yearly check", "Zhuoma Payee", "62220000111199", "1990-02-28", "28 Feb 1990")


@pytest.fixture(autouse=True)
def no_limits(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the many requests of a walk through: limits have tests of their own."""
    from rest_framework.views import APIView

    cache.clear()
    monkeypatch.setattr(APIView, "throttle_classes", [])


def tibetan(world: World) -> World:
    """Admit a hundred members from the east, and six of the twenties from the southwest."""
    for count, born, traits in (
        (100, dt.date(1975, 5, 5), Traits("m", "jiangsu")),
        (6, dt.date(2001, 5, 5), Traits("f", "sichuan")),
    ):
        admit_group(
            pool=world.pool, count=count, class_no=0, from_at=clock.now(), joined_date=dt.date(2026, 1, 1),
            actor="test", known=[(born, traits)],
        )  # fmt: skip
    return world


class Tibetan:
    """Cases whose every layer has words of its own."""

    def draft(self: Any, spend_fen: int | None = None) -> Claim:
        """Tell it."""
        claim = filing.start_claim(membership=self.membership, claimant=self.claimant.code, at=clock.now())
        filing.save_draft(
            claim=claim,
            claimant=self.claimant.code,
            at=clock.now(),
            event_date=dt.date(2026, 5, 4),
            illness="thyroid_cancer",
            birth_date=dt.date(1990, 2, 28),
            story="The lump of the yearly check.",
            sex="f",
            region="tibet",
            payee_name="Zhuoma Payee",
            payee_account="6222 0000 1111 99",
        )
        for shade, kind in ((10, "identity"), (20, "diagnosis"), (30, "pathology")):
            filing.add_evidence(
                claim=claim, claimant=self.claimant.code, kind=kind, data=photograph(shade), at=clock.now()
            )
        claim.refresh_from_db()
        return claim


class PublicCases(Tibetan, ClaimCases):
    """Cases on their way into publicity."""


class JudgedCases(Tibetan, JuryCases):
    """Cases on their way before a jury."""


def known_of(cases: ClaimCases, claim: Claim, case: str = "none") -> dict[str, object]:
    """Return what stands in the addresses of this world."""
    return {
        "pool": cases.world.pool.code,
        "claim": claim.code,
        "case": case,
        "award": case,
        "ref": public_ref(claim),
        "paper": paper_codes(claim)[0],
        "language": "en",
        "step": "what",
        "stage": "jury",
    }


#: What says the same in every language.
_FOR_PROGRAMS = ("api/", "<int:seq>", ".csv", ".json", ".atom", ".pdf", "accounts/", "docs/")


def addresses(known: Mapping[str, object], language: str) -> Iterator[str]:
    """Yield each address that can be read, for what exists in this world; log entries one by one, in one language."""
    for route, _pattern in patterns():
        if route.startswith(("admin", "demo")):
            continue
        if language != "en" and any(part in route for part in _FOR_PROGRAMS):
            continue
        names = {**known, "code": known["pool" if "pools/" in route else "claim"]}
        for number in range(LogEntry.objects.count()) if "<int:seq>" in route else (1,):
            yield "/" + _filled(route, names | {"seq": number})


def _filled(route: str, names: Mapping[str, object]) -> str:
    def sample(name: str, converter: str | None) -> str:
        return str(names.get(name, 1 if converter == "int" else "none"))

    route = _GROUP.sub(lambda m: sample(m["name"], None), route)
    return (
        _PARAMETER.sub(lambda m: sample(m["name"], m["converter"]), route).replace("^", "").replace("$", "")
    )


def told(person: User | None, known: Mapping[str, object]) -> dict[str, str]:
    """Return what every address says to somebody, in both languages."""
    answers = {}
    for language in ("en", "zh-hans"):
        client = client_of(person, language=language)
        for address in addresses(known, language):
            response: Any = client.get(address, follow=False)
            if response.status_code == 200:
                body = b"".join(response.streaming_content) if response.streaming else response.content
                answers[f"{language} {address}"] = body.decode(errors="replace")
    return answers


def leaks(answers: Mapping[str, str], *words: str) -> list[str]:
    return [f"{address}: {word}" for address, text in answers.items() for word in words if word in text]


def test_public_case_is_told_to_each_layer_as_the_table_says(db: None) -> None:
    cases = PublicCases.founded(tibetan(World.founded(members=1)))
    claim = cases.published()
    known = known_of(cases, claim, cases.award(claim).code)
    everyone = told(None, known)
    assert leaks(everyone, *MEMBERS, *JURORS, *REVIEWERS) == []
    assert leaks(everyone, "20–39"), "everyone is told of the case"
    for person in (cases.neighbor, cases.world.treasurer):
        member = told(person, known)
        assert leaks(member, *JURORS, *REVIEWERS) == []
        assert leaks(member, "Thyroid cancer"), "members are told the illness"
    reviewer = told(cases.reviewer, known)
    assert leaks(reviewer, "The lump of the yearly check"), "reviewers are told the story"
    assert leaks(told(cases.claimant, known), "Tibet"), "the claimant sees what was told"


def test_jurors_are_told_their_layer_and_nobody_else_is(db: None) -> None:
    cases = JudgedCases.founded(tibetan(World.founded(members=1, appeal_days=30, jury=JURY)))
    draw = cases.drawn()
    known = known_of(cases, draw.claim)
    juror = told(cases.seated(draw)[0].person, known)
    assert leaks(juror, *REVIEWERS) == []
    assert leaks(juror, "Tibet"), "jurors are told the province as it is"
    assert leaks(juror, "Please read the report."), "and the words that were chosen for them"
    for person in (None, cases.neighbor):
        assert leaks(told(person, known), *MEMBERS, *JURORS, *REVIEWERS, "Please read the report.") == []
