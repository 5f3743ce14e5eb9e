"""An event reaches every subscriber once, and only with the transaction that publishes it."""

from typing import Any

import pytest
from django.conf import settings
from django.db import transaction

from aidplatform.celery import app
from aidplatform.work import events, jobs
from aidplatform.work.models import Job


def test_event_becomes_one_job_per_subscriber(db: None, settings: Any) -> None:
    settings.EVENT_SUBSCRIBERS = {"award.paid": ["one.hears", "two.hears"]}
    for _ in range(2):
        assert events.publish(event="award.paid", key="C-1", payload={"award": 1}, actor="service") == 2
    assert sorted(Job.objects.values_list("kind", "key")) == [("one.hears", "C-1"), ("two.hears", "C-1")]


def test_event_goes_with_its_transaction(db: None, settings: Any) -> None:
    settings.EVENT_SUBSCRIBERS = {"award.paid": ["one.hears"]}
    with pytest.raises(RuntimeError), transaction.atomic():
        events.publish(event="award.paid", key="C-1", payload={}, actor="service")
        raise RuntimeError("the business change fails")
    assert not Job.objects.filter(kind="one.hears").exists()


def test_unknown_event_is_an_error(db: None) -> None:
    with pytest.raises(KeyError):
        events.publish(event="award.payed", key="C-1", payload={}, actor="service")


def test_every_subscriber_has_a_handler() -> None:
    app.loader.import_default_modules()
    heard = {kind for kinds in settings.EVENT_SUBSCRIBERS.values() for kind in kinds}
    assert heard <= set(jobs.kinds())
