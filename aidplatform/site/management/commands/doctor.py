"""Examine this installation."""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from aidplatform.site.doctor import Examination, examine


class Command(BaseCommand):
    """Exit code 0: nothing is wrong; 1: something is, and what to do about it was said."""

    help = "Examines services, migrations, rights, guards, secrets, clock, disk, schedule, mail and HTTPS."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the form of the answer."""
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run as aid_app; with AID_DATABASE_OWNER_URL in the environment the owner's address is tried too."""
        examinations = examine()
        is_healthy = all(one.examined and not one.faults for one in examinations)
        if options["json"]:
            self.stdout.write(json.dumps(_as_json(examinations, is_healthy), ensure_ascii=False))
        else:
            self._print(examinations, is_healthy)
        sys.exit(0 if is_healthy else 1)

    def _print(self, examinations: list[Examination], is_healthy: bool) -> None:
        for one in examinations:
            if not one.examined:
                self.stdout.write(f"  -    {one.name}: not examined without the database")
            elif not one.faults:
                self.stdout.write(f"  ok   {one.name}: {one.healthy}")
            for fault in one.faults:
                self.stdout.write(f"FAULT  {one.name}: {fault.sentence}\n       → {fault.remedy}")
        count = sum(len(one.faults) for one in examinations)
        self.stdout.write("Healthy." if is_healthy else f"Faults: {count}.")


def _as_json(examinations: list[Examination], is_healthy: bool) -> dict[str, Any]:
    return {
        "healthy": is_healthy,
        "checks": [
            {
                "name": one.name,
                "examined": one.examined,
                "faults": [vars(fault) for fault in one.faults],
            }
            for one in examinations
        ],
    }
