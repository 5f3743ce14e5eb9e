"""Links to somebody outside: mailed where who makes one says so, and due like every other step of a claim."""

import datetime as dt

from django.utils.translation import gettext as _
from django.utils.translation import override

from aidplatform.lib import clock
from aidplatform.lib.dates import format_instant
from aidplatform.lib.templating import in_language
from claims.filing.models import Claim
from claims.review.link_models import TakenOnByLink
from members.people.mails import Letter, write_mails
from members.people.models import User

# How long a pool takes to send somebody the link to whom two people have agreed.
DAYS_TO_SEND = 3


def day_to_send(claim: Claim, at: dt.datetime) -> dt.date:
    """Return the day by which a link is made and sent."""
    return clock.day_of(at, claim.pool.time_zone) + dt.timedelta(days=DAYS_TO_SEND)


def await_link(claim: Claim, at: dt.datetime) -> None:
    """Let a locked claim be due when its link should have been made."""
    due_on(claim, day_to_send(claim, at))


def await_taking_on(one: TakenOnByLink, claim: Claim, last: dt.date | None = None) -> None:
    """Let a locked claim be due when the link that was just made ends.

    last: the last day of the access that it gives, if that comes first.
    """
    assert one.link_until_at is not None
    ends = clock.day_of(one.link_until_at, claim.pool.time_zone)
    due_on(claim, min(ends, last or ends))


def due_on(claim: Claim, day: dt.date | None) -> None:
    """Let a locked claim be due on a day, within the state in which it is; None: on none."""
    claim.due_date = day
    claim.save(update_fields=["due_date"])


def mail_link(*, one: TakenOnByLink, claim: Claim, link: str, address: str, sender: str) -> None:
    """Mail a link to an address, without a word of the case; nothing where no address is given.

    In the language of whoever has the address, else of who sends it.
    """
    if not address:
        return
    assert one.link_until_at is not None
    pool, name = claim.pool, one._meta.model_name
    person = User.objects.filter(email__iexact=address, is_active=True).first()
    with override((person or User.objects.get(code=sender)).language):
        named = in_language(pool.name_en, pool.name_zh)
        body = "\n\n".join(
            [
                _(
                    "Two people of the mutual-aid pool “%(pool)s” ask you to help with one case, as somebody from"
                    " outside. What it takes is said on this page; you take it on there, with an account of your own"
                    " and a second factor, until %(until)s:\n%(link)s"
                )
                % {"pool": named, "until": format_instant(one.link_until_at, pool.time_zone), "link": link},
                _("The link is for you alone and can be used once. Do not pass it on."),
                _("If you do not know what this is about, you need not do anything."),
            ]
        )
        subject = _("%(pool)s asks you to help with a case") % {"pool": named}
    key = f"{name}-link/{one.pk}/{one.link_mark}"
    write_mails([Letter(key, person, subject[:200], body + "\n", address)], batch=key, actor=sender)
