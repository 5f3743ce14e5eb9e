"""What a person is mailed, when and in which form: read for a batch at once, and chosen by the person."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.db import transaction

from aidplatform.work import audit
from members.people.events import CATEGORY_OF, EVENT_OF
from members.people.models import AS_CATEGORY, NoticeChoice, NoticeHours, User, Way
from members.people.text_models import TextChoice
from members.people.texts import wanted_by


@dataclass(frozen=True)
class Wishes:
    """What one person wants. ways: category → way; a category without one comes at once.

    events: (category, event) → way, of those that were chosen by themselves.
    texts: of what a text message comes as well: categories, and events by their names.
    """

    ways: dict[str, str]
    hours: NoticeHours
    texts: frozenset[str] = frozenset()
    events: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def way_of(self, kind: str) -> str:
        """Return how the notices of a kind come: as was chosen for its event, or else for its category."""
        category = CATEGORY_OF[kind]
        return self.events.get((category, EVENT_OF[kind])) or self.ways.get(category, Way.AT_ONCE)

    def wants_text_of(self, kind: str) -> bool:
        """Tell whether a text message of a kind is wanted: of its event, or of its whole category."""
        category = CATEGORY_OF[kind]
        return not self.texts.isdisjoint({category, f"{category}.{EVENT_OF[kind]}"})


def zone_of(person: User) -> str:
    """Return the zone in which a person reads times that are of no pool."""
    return wishes_of([person])[person.pk].hours.time_zone


def wishes_of(people: Iterable[User]) -> dict[int, Wishes]:
    """Return what each of these people wants, by their ids, in three queries for all of them."""
    wanted = {person.pk: person for person in people}
    ways: dict[int, dict[str, str]] = defaultdict(dict)
    events: dict[int, dict[tuple[str, str], str]] = defaultdict(dict)
    for row in NoticeChoice.objects.filter(person__in=wanted):
        if not row.event:
            ways[row.person_id][row.category] = row.way
        elif row.way != AS_CATEGORY:
            events[row.person_id][row.category, row.event] = row.way
    hours = {row.person_id: row for row in NoticeHours.objects.filter(person__in=wanted)}
    texts = wanted_by(wanted.values())
    return {
        pk: Wishes(
            ways[pk], hours.get(pk) or NoticeHours(person=person), frozenset(texts.get(pk, ())), events[pk]
        )
        for pk, person in wanted.items()
    }


def choose_notices(
    *,
    person: User,
    ways: Mapping[str, str],
    hours: NoticeHours,
    at: dt.datetime,
    texts: set[str] | None = None,
    events: Mapping[tuple[str, str], str] | None = None,
) -> None:
    """Keep what the person wants; a category or an event that is not named stays as it was.

    events: (category, event) → way, or AS_CATEGORY for what holds for the whole category.
    texts: all categories and names of events of which they want a text message; None: as it was.
    hours: not saved yet; its zone and hours are taken over. What was told before goes as it was chosen then.

    Raises: IntegrityError money_and_rights_are_mailed, notice_event_is_of_its_category, quiet_hours_have_two_ends,
    text_event_is_of_its_category, zone_of_notices_is_known.
    """
    chosen = {
        "time_zone": hours.time_zone,
        "digest_hour": hours.digest_hour,
        "quiet_from_hour": hours.quiet_from_hour,
        "quiet_to_hour": hours.quiet_to_hour,
    }
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=person.pk)
        chosen_ways = {(category, ""): way for category, way in ways.items()} | dict(events or {})
        kept = {(row.category, row.event): row.way for row in NoticeChoice.objects.filter(person=person)}
        for (category, event), way in chosen_ways.items():
            # Nearly all events are as their category: of what was never chosen otherwise no row is needed.
            if kept.get((category, event), AS_CATEGORY) != way:
                NoticeChoice.objects.update_or_create(
                    person=person, category=category, event=event, defaults={"way": way, "changed_at": at}
                )
        NoticeHours.objects.update_or_create(person=person, defaults={**chosen, "changed_at": at})
        if texts is not None:
            _choose_texts(person, texts, at)
        audit.record(
            actor=person.code,
            action="choose_notices",
            subject=person.code,
            ways=dict(ways),
            events={f"{category}.{event}": way for (category, event), way in (events or {}).items()},
            **chosen,
        )


def _choose_texts(person: User, texts: set[str], at: dt.datetime) -> None:
    kept = {row.name: row for row in TextChoice.objects.filter(person=person)}
    TextChoice.objects.filter(pk__in=[row.pk for name, row in kept.items() if name not in texts]).delete()
    new = [name.partition(".") for name in sorted(texts - set(kept))]
    TextChoice.objects.bulk_create(
        TextChoice(person=person, category=category, event=event, chosen_at=at)
        for category, _dot, event in new
    )
    audit.record(actor=person.code, action="choose_texts", subject=person.code, texts=sorted(texts))
