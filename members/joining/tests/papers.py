"""Documents no real person can hold, and applications filled in as far as a test needs them."""

import datetime as dt

from stdnum.cn import ric

from aidplatform.lib import clock
from members.joining import applications
from members.joining.models import JoinApplication
from members.people.identity import Paper
from members.people.models import User
from members.pools.models import Pool

BORN = dt.date(1990, 5, 15)


def resident_id(born: dt.date = BORN, region: str = "110105") -> str:
    """Return a number that passes every check and has order code 000, which is never given out."""
    head = f"{region}{born:%Y%m%d}000"
    return head + ric.calc_check_digit(head + "0")


def paper(number: str | None = None, born: dt.date = BORN) -> Paper:
    """Return a paper with such a number."""
    return Paper("林小雨", born, "resident_id", "CN", number or resident_id(born))


def passport(number: str, born: dt.date = BORN) -> Paper:
    """Return a paper that is a passport of a country that does not exist."""
    return Paper("Ana Example", born, "passport", "XX", number)


def filled(pool: Pool, person: User, on_paper: Paper | None = None, **answers: bool) -> JoinApplication:
    """Return an application in which only the signature is missing."""
    at = clock.now()
    application = applications.start_application(pool=pool, person=person, at=at)
    applications.save_identity(application=application, paper=on_paper or paper(), at=at)
    applications.save_consents(application=application, health=True, publication=True, at=at)
    for question in application.plan_version.questions():
        answer = answers.get(question.code, False)
        applications.save_answer(application=application, code=question.code, answer=answer, at=at)
    applications.save_understood(application=application, at=at)
    applications.save_covenant_read(application=application, at=at)
    return application
