"""The jobs of joining: telling members that their rules change, and what an import takes."""

from typing import Any

from celery import shared_task

from aidplatform.lib import clock
from aidplatform.work import jobs
from members.joining import (
    ages,
    certificates,
    giving_up,
    importing,
    looking,
    news,
    rule_figures,
    silence,
    transfers,
    waiting_news,
)
from members.joining.applications import JOINED_PAPERS
from members.people import mails
from members.pools.models import PlanVersion


@shared_task(name="joining.follow_ages")
def follow_ages() -> None:
    """Look where a day has begun on which members reach an age."""
    ages.order_due(clock.now())


@jobs.handles(ages.FOLLOW)
def follow(lease: jobs.Lease) -> dict[str, Any]:
    """Let the classes of a pool follow the ages of its members."""
    return ages.follow(lease)


@jobs.handles(ages.TELL)
def tell_classes(lease: jobs.Lease) -> dict[str, Any]:
    """Tell whoever was moved on one day."""
    return ages.tell_classes(lease)


@jobs.handles(ages.TELL_OUT)
def tell_ages_out(lease: jobs.Lease) -> dict[str, Any]:
    """Tell whose membership ends, or has ended, by age."""
    return ages.tell_ages_out(lease)


@jobs.handles(ages.TELL_OFFERS)
def tell_offers(lease: jobs.Lease) -> dict[str, Any]:
    """Tell who reaches the last age soon that another pool takes them over."""
    return ages.tell_offers(lease)


@jobs.handles(ages.TELL_OF_AGE)
def tell_of_age(lease: jobs.Lease) -> dict[str, Any]:
    """Tell guardians that a child is of age soon."""
    return ages.tell_of_age(lease)


@shared_task(name="joining.order_waiting_news")
def order_waiting_news() -> None:
    """Look where a day has begun before one on which waiting times end."""
    waiting_news.order_due(clock.now())


@shared_task(name="joining.forget_left_lying")
def forget_left_lying() -> None:
    """Empty the applications that nobody goes on with, and say so; some days before, say that it will be done."""
    giving_up.warn_left_lying(clock.now())
    giving_up.forget_left_lying(clock.now())


@jobs.handles(waiting_news.TELL)
def tell_waiting(lease: jobs.Lease) -> dict[str, Any]:
    """Tell whose waiting time ends."""
    return waiting_news.tell_waiting(lease)


@jobs.handles(news.TELL_RULES)
def tell_rules(lease: jobs.Lease) -> dict[str, Any]:
    """Tell each member with an account, once; and who has signed to come over, that other rules hold on their day."""
    told = news.tell_rules(lease)
    version = PlanVersion.objects.select_related("pool").get(pk=lease.payload["version"])
    told["told"] += transfers.tell_of_new_rules(version=version, actor=lease.actor)
    return told


@jobs.handles(rule_figures.REMIND)
def remind_of_rules(lease: jobs.Lease) -> dict[str, Any]:
    """Remind whoever has not answered to new rules, once."""
    return news.remind_of_rules(lease)


@jobs.handles(silence.TELL)
def tell_silent(lease: jobs.Lease) -> dict[str, Any]:
    """Tell whose membership has ended because nobody agreed to new rules."""
    return silence.tell_silent(lease)


@jobs.handles(looking.LOOK)
def look_at_list(lease: jobs.Lease) -> dict[str, Any]:
    """Look at an uploaded member list, without writing any member."""
    return looking.look(lease)


@jobs.handles(importing.WRITE)
def write_import(lease: jobs.Lease) -> dict[str, Any]:
    """Write the rows of a proposed import."""
    return importing.write(lease)


@jobs.handles(importing.INVITE)
def invite_imported(lease: jobs.Lease) -> dict[str, Any]:
    """Ask everybody of an approved import to confirm."""
    return importing.invite(lease)


@mails.makes_papers(JOINED_PAPERS)
def papers_of_joining(signature_id: int) -> list[mails.File]:
    """Make what the receipt of joining carries."""
    return certificates.receipt_files(signature_id)
