"""Read sex and province of members who joined before they were kept, off the sealed identity card."""

from collections.abc import Iterator

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from aidplatform.lib.crypto import ERASED
from aidplatform.work import audit
from members.joining.child_papers import paper_of_family
from members.joining.documents import traits_of
from members.joining.models import Membership
from members.people.identity import Paper, opened
from members.people.models import Identity
from members.pools.models import Pool

BATCH = 500


def read_traits(*, actor: str) -> Iterator[int]:
    """Write sex and province where nobody knows them and an identity card says them; yield how many, batch by batch.

    They count from the next day on. Of whoever has another document they stay unknown. Stopped halfway it goes on the
    next time.

    Raises: lib.crypto.UnreadableError for a key that this installation does not have.
    """
    for pool_id in list(Pool.objects.order_by("pk").values_list("pk", flat=True)):
        last = 0
        while True:
            with transaction.atomic():
                # A correction of an identity takes the pool as well: what is read here stands until it is written.
                pool = Pool.objects.select_for_update(no_key=True).get(pk=pool_id)
                some = list(_unknown(pool).filter(pk__gt=last)[:BATCH])
                done = _write(some)
                if done:
                    audit.record(actor=actor, action="read_traits", subject=pool.code, members=done)
            if not some:
                break
            last = some[-1].pk
            yield done


def _unknown(pool: Pool) -> QuerySet[Membership]:
    """Return the memberships of which an identity card is kept and neither sex nor province is known."""
    own = Q(person__identity__kind=Identity.Kind.RESIDENT_ID)
    child = Q(person=None, family_member__isnull=False) & ~Q(family_member__sealed=ERASED)
    found = Membership.objects.filter(own | child, pool=pool, sex="", region="")
    return found.select_related("person__identity", "family_member").order_by("pk")


def _write(memberships: list[Membership]) -> int:
    read = [(one.pk, traits_of(paper.kind, paper.number)) for one in memberships for paper in [_paper(one)]]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT members_read_traits(%s::bigint[], %s::text[], %s::text[])",
            [
                [pk for pk, _traits in read],
                [traits.sex for _pk, traits in read],
                [traits.region for _pk, traits in read],
            ],
        )
        return int(cursor.fetchone()[0])


def _paper(membership: Membership) -> Paper:
    if membership.person is None:
        # Its context names the membership, which is at hand.
        membership.family_member.membership = membership
        return paper_of_family(membership.family_member)
    return opened(membership.person, bytes(membership.person.identity.sealed))
