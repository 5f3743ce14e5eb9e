"""Who speaks for a membership, and who is near to one."""

from collections.abc import Collection, Iterable

from django.db import connection
from django.db.models import Q

from aidplatform.lib.crypto import ERASED
from members.joining.child_papers import paper_of_family
from members.joining.family import ALIVE
from members.joining.family_models import FamilyMember
from members.joining.kin_triggers import near_sql, stands_by_sql
from members.joining.models import Membership
from members.people.about import names_members
from members.people.models import User


def spoken_for(person: User) -> list[int]:
    """Return the ids of the memberships that a person speaks for: their own, and children's without an account.

    The account of a guardian who has died speaks for no child.
    """
    own = Membership.objects.filter(person=person).values_list("pk")
    children = FamilyMember.objects.filter(ALIVE, guardian__person=person, membership__person=None)
    return [pk for (pk,) in own.union(children.values_list("membership_id"))]


def names_of(memberships: Iterable[Membership]) -> dict[int, str]:
    """Return the names of those that have no account, as a guardian gave them, by the id of the membership."""
    without = [one.pk for one in memberships if one.person_id is None]
    if not without:
        return {}
    members = FamilyMember.objects.filter(membership__in=without).exclude(sealed=ERASED)
    return {one.membership_id: paper_of_family(one).name for one in members.select_related("membership")}


@names_members
def names_for(person: User, ids: Collection[int]) -> dict[int, str]:
    """Return the names of children without an account among these memberships, for their guardian."""
    children = FamilyMember.objects.filter(ALIVE, guardian__person=person, membership__person=None)
    return names_of(Membership.objects.filter(pk__in=ids, family_member__in=children))


def near_memberships(person: User) -> set[int]:
    """Return the ids of the memberships near to a person's own, or for which they stand by: not theirs to judge."""
    return _near(Q(person=person)) | _standing("u.person_id = %s", person.pk, "u.membership_id")


def is_near(membership: Membership, person: User) -> bool:
    """Tell whether a person is near to a membership that is not their own, or stands by for it."""
    return membership.pk in _near(Q(person=person, pool=membership.pool_id)) or person.pk in _standing_by(
        membership
    )


def people_near(membership: Membership) -> set[int]:
    """Return the ids of the people with an account who are near to a membership."""
    near = Membership.objects.filter(pk__in=_near(Q(pk=membership.pk)), person__isnull=False)
    return set(near.values_list("person_id", flat=True)) | _standing_by(membership)


def _standing_by(membership: Membership) -> set[int]:
    """Return the ids of the people who stand by for a membership, or have not long ago."""
    return _standing("u.membership_id = %s", membership.pk, "u.person_id")


def _standing(of: str, pk: int, wanted: str) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {wanted} FROM members_deputy u WHERE {of} AND {stands_by_sql('u.membership_id', 'u.person_id')}",  # noqa: S608 - fixed names
            [pk],
        )
        return {one for (one,) in cursor.fetchall()}


def _near(own: Q) -> set[int]:
    ids = list(Membership.objects.filter(own).values_list("pk", flat=True))
    if not ids:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT near.id FROM unnest(%s::bigint[]) AS own (id) CROSS JOIN LATERAL {near_sql('own.id')} near",  # noqa: S608 - fixed names
            [ids],
        )
        return {pk for (pk,) in cursor.fetchall()} - set(ids)
