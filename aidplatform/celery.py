"""The Celery application and its one static timetable.

The timetable only ticks: what is due is decided by row state in PostgreSQL, so a doubled, late or lost tick
changes nothing and no schedule can be switched off by hand.
"""

import os
from typing import Any

from celery import Celery
from celery.signals import task_postrun, task_prerun
from django.conf import settings
from django.db import close_old_connections

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aidplatform.settings")
# Celery would run Django's checks at every start of a worker, and for these import every page, form and the API: a
# third of its memory for nothing. The tests and the doctor run them.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

app = Celery("aidplatform")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["aidplatform.work", "members", "ledger", "claims", "aidplatform.site"])
# Left alone, Celery signs in to the database anew for every task and finds every cache there cold.
app.conf["CELERY_DB_REUSE_MAX"] = 1_000_000_000
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
    "openbooks.ask_witnesses": {
        "task": "openbooks.ask_witnesses",
        "schedule": float(settings.TICK_SECONDS),
        "options": {"expires": 60},
    },
    "openbooks.state_changes_of_keys": {
        "task": "openbooks.state_changes_of_keys",
        "schedule": float(settings.TICK_SECONDS),
        "options": {"expires": 60},
    },
    "openbooks.stamp_checkpoints": {
        "task": "openbooks.stamp_checkpoints",
        "schedule": 600.0,
        "options": {"expires": 300},
    },
    "custody.remind_due": {
        "task": "custody.remind_due",
        "schedule": float(settings.TICK_SECONDS),
        "options": {"expires": 300},
    },
    "custody.reconcile_due": {
        "task": "custody.reconcile_due",
        "schedule": float(settings.TICK_SECONDS),
        "options": {"expires": 300},
    },
    "claims.follow_overdue": {
        "task": "claims.follow_overdue",
        "schedule": float(settings.TICK_SECONDS),
        "options": {"expires": 300},
    },
    "claims.follow_juries": {
        "task": "claims.follow_juries",
        "schedule": float(settings.TICK_SECONDS),
        "options": {"expires": 300},
    },
    "people.order_digests": {
        "task": "people.order_digests",
        "schedule": float(settings.TICK_SECONDS),
        "options": {"expires": 300},
    },
    "joining.follow_ages": {
        "task": "joining.follow_ages",
        "schedule": float(settings.TICK_SECONDS),
        "options": {"expires": 300},
    },
    "joining.order_waiting_news": {
        "task": "joining.order_waiting_news",
        "schedule": float(settings.TICK_SECONDS),
        "options": {"expires": 300},
    },
    "joining.forget_left_lying": {
        "task": "joining.forget_left_lying",
        "schedule": float(settings.TICK_SECONDS),
        "options": {"expires": 300},
    },
    "rights.tell_late_complaints": {
        "task": "rights.tell_late_complaints",
        "schedule": float(settings.TICK_SECONDS),
        "options": {"expires": 300},
    },
    "rights.delete_contact_files": {
        "task": "rights.delete_contact_files",
        "schedule": float(settings.TICK_SECONDS),
        "options": {"expires": 300},
    },
    "site.order_erasures": {
        "task": "site.order_erasures",
        "schedule": float(settings.TICK_SECONDS),
        "options": {"expires": 300},
    },
    "site.delete_exports": {
        "task": "site.delete_exports",
        "schedule": float(settings.TICK_SECONDS),
        "options": {"expires": 300},
    },
}


@task_prerun.connect
@task_postrun.connect
def keep_sound_connections(**_signal: Any) -> None:
    """Keep the database connection from task to task, unless it is broken or older than CONN_MAX_AGE."""
    close_old_connections()
