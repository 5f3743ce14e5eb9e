"""What tests of pages share: a browser that is somebody, a pool large enough to be public."""

from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from aidplatform.lib import clock
from aidplatform.site.catalogues import compile_catalogues
from aidplatform.testing.world import OPENED, World, set_clock
from ledger.sharing.models import Period
from members.joining.services import admit_group
from members.people.models import User
from members.people.services import make_token
from members.pools.rules import DEMO_MFA

# A fresh checkout holds no compiled translations, and a process reads them once.
compile_catalogues()


class PageClient(Client):
    """A client after whose requests the language of the process is the default again."""

    def request(self, **request: Any) -> Any:
        """Send the request; what it activated stays with it."""
        try:
            return super().request(**request)
        finally:
            translation.deactivate()


def client_of(
    person: User | None, *, language: str = "en", second_factor: bool = True, **options: Any
) -> PageClient:
    """Return a client signed in as that person; nobody: a visitor."""
    client = PageClient(headers={"accept-language": language}, **options)
    if person is not None:
        client.force_login(person)
        session = client.session
        session[DEMO_MFA] = second_factor
        session.save()
    return client


def session_of(person: User) -> str:
    """Return the cookie of a session of that person, for a browser."""
    return str(client_of(person).cookies["sessionid"].value)


def public_world(members: int = 150) -> World:
    """Return a pool whose single periods everybody may see."""
    return World.founded(members=members)


def wait_for_next_period(world: World) -> None:
    """Move the clock to the first day after the pool's newest period."""
    newest = world.pool.periods.order_by("-number")[0]
    set_clock(clock.start_of_day(newest.next_opening_date, world.pool.time_zone))


def post_another_period(world: World, case: str) -> Period:
    """Share one more case in the pool's next period."""
    wait_for_next_period(world)
    world.award(1_000_000, case)
    return world.posted_period()


def statements_of(client: Client, path: str) -> tuple[int, int]:
    """Open a page, read to its end; return how many statements that took, and the status."""
    with CaptureQueriesContext(connection) as queries:
        response = client.get(path)
        if response.streaming:
            b"".join(response.streaming_content)  # type: ignore[arg-type]
    return len(queries), response.status_code


def many_join(world: World, count: int) -> None:
    """Admit so many members without accounts, who were there from the first day."""
    admit_group(
        pool=world.pool,
        count=count,
        class_no=0,
        from_at=clock.start_of_day(OPENED, world.pool.time_zone),
        joined_date=OPENED,
        actor="test",
    )


def program_of(person: User, language: str = "en") -> PageClient:
    """Return a program that speaks for that person by a token."""
    token = make_token(person=person, is_strong=True, at=clock.now())
    return PageClient(headers={"accept-language": language, "Authorization": f"Bearer {token}"})
