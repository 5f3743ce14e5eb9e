"""What I am mailed, for programs."""

from typing import Any, cast

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.drf import PersonalEndpoint
from members.people.choices import choose_notices, wishes_of
from members.people.events import NAMES
from members.people.models import AS_CATEGORY, NoticeChoice, NoticeHours, User, Way


class NoticeChoicesBody(serializers.Serializer[Any]):
    """Category → way, what was chosen for single events, and the hours in the person's zone.

    Quiet hours: both or neither.
    """

    ways = serializers.DictField(child=serializers.ChoiceField(choices=Way.values))
    events = serializers.DictField(
        child=serializers.ChoiceField(choices=[*Way.values, AS_CATEGORY]),
        required=False,
        help_text="By category and event, as in money.debit; category: as its whole category. Left out, it stays.",
    )
    digest_hour = serializers.IntegerField(min_value=0, max_value=23)
    time_zone = serializers.CharField(max_length=40)
    quiet_from_hour = serializers.IntegerField(min_value=0, max_value=23, allow_null=True)
    quiet_to_hour = serializers.IntegerField(min_value=0, max_value=23, allow_null=True)
    texts = serializers.ListField(
        child=serializers.ChoiceField(choices=[*NoticeChoice.Category.values, *NAMES]),
        required=False,
        help_text=(
            "Categories, and events as in money.debit, of which a text message comes as well; left out, it stays."
        ),
    )

    def validate_ways(self, ways: dict[str, str]) -> dict[str, str]:
        """Return them. Raises: ValidationError for a category that there is not."""
        if not set(ways) <= set(NoticeChoice.Category.values):
            raise serializers.ValidationError(_("There is no such category of notices."))
        return ways

    def validate_events(self, events: dict[str, str]) -> dict[tuple[str, str], str]:
        """Return them by category and event. Raises: ValidationError for an event that there is not."""
        if not set(events) <= set(NAMES):
            raise serializers.ValidationError(_("There is no such event."))
        return {NAMES[name]: way for name, way in events.items()}


class MyNoticeChoices(PersonalEndpoint):
    """What I am mailed, when and in which form."""

    @extend_schema(operation_id="my_notice_choices", responses=NoticeChoicesBody)
    def get(self, request: Request) -> Response:
        """Return it, each category and each event with what was chosen for it."""
        return _answer(cast(User, request.user))

    @extend_schema(operation_id="choose_notices", request=NoticeChoicesBody, responses=NoticeChoicesBody)
    def put(self, request: Request) -> Response:
        """Keep it; a category that is not named stays as it was."""
        person = cast(User, request.user)
        given = NoticeChoicesBody(data=request.data)
        given.is_valid(raise_exception=True)
        hours = dict(given.validated_data)
        ways, texts, events = (hours.pop(name, None) for name in ("ways", "texts", "events"))
        choose_notices(
            person=person,
            ways=ways,
            hours=NoticeHours(**hours),
            at=clock.now(),
            texts=None if texts is None else set(texts),
            events=events,
        )
        return _answer(person)


def _answer(person: User) -> Response:
    wishes = wishes_of([person])[person.pk]
    ways = {c.value: wishes.ways.get(c, Way.AT_ONCE.value) for c in NoticeChoice.Category}
    hours = wishes.hours
    body = {
        "ways": ways,
        "events": {name: wishes.events.get(event, AS_CATEGORY) for name, event in NAMES.items()},
        "digest_hour": hours.digest_hour,
        "time_zone": hours.time_zone,
        "quiet_from_hour": hours.quiet_from_hour,
        "quiet_to_hour": hours.quiet_to_hour,
        "texts": sorted(wishes.texts),
    }
    return Response(NoticeChoicesBody(body).data)
