"""What a start still has to do once web and worker run: make the demonstration, or ask for administrators."""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.utils import translation

from aidplatform.lib.errors import DomainError
from aidplatform.lib.money import format_money
from aidplatform.site.demo.start import prepare_demo
from ledger.sharing.models import Period
from ledger.sharing.selectors import progress
from members.people.models import User


class Command(BaseCommand):
    """Quick and idempotent: says nothing when there is nothing to do."""

    help = "Makes the demonstration the first time (AID_DEMO=1), or the first administrators (AID_DEMO=0)."
    requires_system_checks = []  # a start must not wait for what the tests have checked

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Run as aid_app, with the worker running."""
        if not settings.DEMO:
            if not User.objects.exists():
                call_command("first_run")
            return
        with translation.override("en"):
            try:
                period = prepare_demo()
            except DomainError as error:
                raise CommandError(str(error)) from error
        if period is not None:
            self.stdout.write(posted_line(period))


def posted_line(period: Period) -> str:
    """Return the main job's line: members, cases, aid, fee, share, seconds."""
    currency = period.pool.currency
    share_fen = period.classes[0]["share_fen"] if period.classes else 0
    return (
        f"Period {period.code} posted by the worker: {period.headcount:,} members, {period.cases} cases, "
        f"aid {format_money(period.aid_fen or 0, currency)}, "
        f"fee {format_money(period.fee_fen or 0, currency)}, "
        f"share {format_money(share_fen, currency)}, {progress(period).seconds:.2f} s"
    )
