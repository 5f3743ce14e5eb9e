"""The Celery application and its one static timetable.

The timetable only ticks: what is due is decided by row state in PostgreSQL, so a doubled, late or lost tick
changes nothing and no schedule can be switched off by hand.
"""

import os

from celery import Celery
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aidplatform.settings")

app = Celery("aidplatform")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["aidplatform.work", "members", "ledger", "claims", "aidplatform.site"])
app.conf.beat_schedule = {
    "work.sweep": {
        "task": "work.sweep",
        "schedule": float(settings.SWEEP_SECONDS),
        "options": {"expires": 60},
    },
    "sharing.open_due": {
        "task": "sharing.open_due",
        "schedule": float(settings.TICK_SECONDS),
        "options": {"expires": 300},
    },
}
