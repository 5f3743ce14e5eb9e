"""Writes of a pool's beginning: found it from a preset, let members join, open it."""

import datetime as dt

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from aidplatform.lib import clock
from aidplatform.lib.errors import ConflictError, guarantee_name
from ledger.disclosure.readiness import Item, readiness
from ledger.sharing.services import log_version, open_pool_books
from members.people.models import User
from members.pools.founding import begin_draft, publish_draft
from members.pools.models import PlanDraft, Pool
from members.pools.presets import Preset
from members.pools.services import found_pool, gather_pool, open_pool


class CodeTakenError(ConflictError):
    """Another pool has this code already."""

    code = "code_taken"


class NotReadyError(ConflictError):
    """The readiness card has lines that are not met."""

    code = "not_ready"


def found(
    *,
    preset: Preset,
    code: str,
    name_en: str,
    name_zh: str,
    currency: str,
    time_zone: str,
    expected_members: int,
    founder: User,
    at: dt.datetime,
) -> PlanDraft:
    """Create a draft pool with books, an empty log, and the rules of a preset to begin with.

    Raises: CodeTakenError.
    """
    try:
        with transaction.atomic():
            pool = found_pool(
                code=code,
                name_en=name_en,
                name_zh=name_zh,
                currency=currency,
                time_zone=time_zone,
                expected_members=expected_members,
                founder=founder.code,
            )
            open_pool_books(pool=pool)
            return begin_draft(
                pool=pool,
                preset=preset.code,
                terms=preset.terms,
                expected_members=expected_members,
                founder=founder,
                at=at,
            )
    except IntegrityError as error:
        if guarantee_name(error) == "members_pool_code_key":
            raise CodeTakenError(_("There is a pool with this address already. Choose another.")) from None
        raise


def start_gathering(*, pool: Pool, changes: int, starter: str, at: dt.datetime) -> Pool:
    """Publish the draft as version 1, in force from today, state it in the log, and let members join.

    changes: the number of edits of the draft that was shown.
    Raises: NotReadyError naming what is missing; DraftMovedOnError; NotFoundError where there is no draft.
    """
    with transaction.atomic():
        pool = Pool.objects.select_for_update().get(pk=pool.pk)
        card = readiness(pool)
        if not card.may_gather:
            raise NotReadyError(_still_missing([item for item in card.missing if item.code != "members"]))
        version = publish_draft(
            pool=pool, changes=changes, effective_date=clock.today(pool.time_zone), publisher=starter, at=at
        )
        log_version(pool, version)
        return gather_pool(pool=pool, starter=starter)


def open_for_sharing(*, pool: Pool, opener: str) -> Pool:
    """Open a gathering pool from today on: its periods run, its members share. Raises: NotReadyError."""
    with transaction.atomic():
        pool = Pool.objects.select_for_update().get(pk=pool.pk)
        card = readiness(pool)
        if not card.may_open:
            raise NotReadyError(_still_missing(card.missing))
        return open_pool(pool=pool, opener=opener, on=clock.today(pool.time_zone))


def _still_missing(items: list[Item]) -> str:
    names = "; ".join(str(item.name) for item in items)
    return _("Still missing: %(names)s.") % {"names": names}
