"""The first step of joining: a document is looked at before anything else is asked.

That a document is taken cannot be kept from whoever enters it: two accounts never join with one. Kept from them is
where: whether its holder belongs to this pool or another, has an account or is somebody's child, and whether it is
taken at all or too many were tried, is one refusal, after the same reads.
"""

import datetime as dt

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock
from aidplatform.lib.errors import ConflictError
from aidplatform.work import audit
from members.joining import applications
from members.joining.again import is_over
from members.joining.family import JoinedAlreadyError, take_over
from members.joining.family_models import FamilyMember
from members.joining.limits import may_try_document
from members.joining.listed import document_index
from members.joining.models import JoinApplication, Membership
from members.people.identity import Paper
from members.people.models import Identity
from members.pools.models import Pool


class DocumentRefusedError(ConflictError):
    """The document is taken, somewhere, or too many were tried: which one is not said."""

    code = "document_refused"


def enter_identity(
    *, application: JoinApplication, paper: Paper, block: str, at: dt.datetime
) -> Membership | None:
    """Keep who joins by the application, unless the document is taken or one too many today.

    block: of addresses from which it is entered. Whoever was a guardian's child until now takes over with it, and their
    membership is returned.

    Raises: DocumentRefusedError, and what `applications.save_identity` raises.
    """
    known = applications.identity_of(application)
    is_new = known is None or known.index_text != paper.index_text
    day = clock.today(application.pool.time_zone)
    may_try = not is_new or may_try_document(person=application.person, block=block, day=day)
    is_taken = _is_taken_for_family if application.is_family else _is_taken
    taken = is_taken(application, paper)
    try:
        if may_try and not application.is_family:
            found = take_over(pool=application.pool, person=application.person, paper=paper, at=at)
            if found is not None:
                return found
    except JoinedAlreadyError:
        taken = True
    if taken or not may_try:
        if may_try:
            audit.record(
                actor=application.person.code, action="document_refused", subject=application.pool.code
            )
        raise DocumentRefusedError(
            _(
                "This document cannot be taken here. Check what you have typed. If it is right, it may be in use"
                " already, perhaps by another account of yours, or too many documents were tried today: sign in with"
                " that account, come back tomorrow, or write to whoever runs the pool."
            )
        )
    applications.save_identity(application=application, paper=paper, at=at)
    return None


def _is_taken(application: JoinApplication, paper: Paper) -> bool:
    """Tell whether another account holds the document, in whatever pool, or a child of this pool."""
    index = document_index(paper)
    held = Identity.objects.filter(document_index=index).exclude(person=application.person).exists()
    child = _added(application.pool, index).exclude(membership__person=application.person).exists()
    return held or child


def _is_taken_for_family(application: JoinApplication, paper: Paper) -> bool:
    """Tell whether the document has joined this pool and not left it, with an account or by a guardian."""
    index = document_index(paper)
    people = Identity.objects.filter(document_index=index).values("person")
    held = Membership.objects.filter(pool=application.pool, person__in=people).exists()
    today = clock.today(application.pool.time_zone)
    child = any(not is_over(one.membership, today) for one in _added(application.pool, index))
    return held or child


def _added(pool: Pool, index: bytes) -> QuerySet[FamilyMember]:
    """Return the last row of whoever was added to the pool with this document."""
    found = FamilyMember.objects.filter(pool=pool, document_index=index, membership__followed_by=None)
    return found.select_related("membership__end")
