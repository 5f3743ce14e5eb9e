"""A member's place in a pool for their programs: what the page of it says beside what has addresses of its own."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.drf import PersonalEndpoint
from ledger.disclosure import selectors
from ledger.disclosure.next_charges import next_dates
from ledger.leaving.again import stays_of
from ledger.leaving.api import ComingRow
from ledger.leaving.selectors import coming_of
from members.ending.models import PoolEnding
from members.ending.selectors import bears_run_off, live_ending
from members.joining.models import ImportedMember, Membership
from members.joining.own import WHICH, own_membership
from members.joining.selectors import covers_of


class PlaceBody(serializers.Serializer[Any]):
    """My place in a pool; amounts in minor units, dates in the pool's zone.

    is_signed: whether I have signed the covenant here. waiting_proof: by what waiting time served elsewhere was shown.
    owed_before_fen, prepaid_before_fen: from before the pool moved in. accident_date: from when an accident counts,
    where that is another day than for an illness. weight: of my class, where the rules have several. next_charge_date:
    of the first period that counts me. year_fen, year_cap_fen: what this calendar year has charged me, and the most
    that it may; before_fen: what the cap counts besides, charged before I joined again. bears_run_off: whether I share
    the run-off of a pool that ends, null where it does not end.
    """

    pool = serializers.CharField()
    currency = serializers.CharField()
    number = serializers.IntegerField()
    is_signed = serializers.BooleanField()
    waiting_proof = serializers.CharField(allow_null=True)
    owed_before_fen = serializers.IntegerField()
    prepaid_before_fen = serializers.IntegerField()
    accident_date = serializers.DateField(allow_null=True)
    class_no = serializers.IntegerField(allow_null=True)
    weight = serializers.IntegerField(allow_null=True)
    next_publicity_date = serializers.DateField(allow_null=True)
    next_charge_date = serializers.DateField(allow_null=True)
    year = serializers.IntegerField()
    year_fen = serializers.IntegerField()
    before_fen = serializers.IntegerField()
    year_cap_fen = serializers.IntegerField(allow_null=True)
    periods = serializers.IntegerField()
    all_fen = serializers.IntegerField()
    coming = ComingRow(many=True)
    bears_run_off = serializers.BooleanField(allow_null=True)
    run_off_cap_fen = serializers.IntegerField(allow_null=True)


class MyPlace(PersonalEndpoint):
    """My place in a pool."""

    policy = "member"

    @extend_schema(operation_id="my_place", parameters=[WHICH], responses=PlaceBody)
    def get(self, request: Request, code: str) -> Response:
        """Return it; no pool and none of mine answer alike."""
        membership = own_membership(request, code)
        ending = live_ending(membership.pool)
        return Response(PlaceBody(_cover(membership, ending) | _shares(membership, ending)).data)


def _cover(membership: Membership, ending: PoolEnding | None) -> dict[str, Any]:
    """Return since when and from when; what the pool was told of the time before; what its end asks."""
    cover = covers_of([membership], clock.now()).get(membership.pk)
    listed = ImportedMember.objects.filter(membership=membership).first()
    bears = bears_run_off(ending, membership) if ending else None
    place = cover.place if cover else None
    return {
        "pool": membership.pool.code,
        "currency": membership.pool.currency,
        "number": membership.number,
        "is_signed": bool(cover and cover.is_signed),
        "waiting_proof": listed.proof if listed and membership.waiting_since_date else None,
        "owed_before_fen": listed.owed_fen if listed else 0,
        "prepaid_before_fen": listed.prepaid_fen if listed else 0,
        "accident_date": cover.accident_date if cover else None,
        "class_no": place.class_no if place else None,
        "weight": place.weight if place else None,
        "bears_run_off": bears,
        "run_off_cap_fen": ending.run_off_cap_fen if ending and bears else None,
    }


def _shares(membership: Membership, ending: PoolEnding | None) -> dict[str, Any]:
    """Return what was shared so far, and what comes."""
    now = clock.now()
    today = clock.day_of(now, membership.pool.time_zone)
    rules = selectors.rules_on(membership.pool, today)
    dates = next_dates(membership, rules, today, ending)
    past = selectors.past_shares_of(membership)
    return {
        "next_publicity_date": dates.publicity_date if dates else None,
        "next_charge_date": dates.charge_date if dates else None,
        "year": today.year,
        "year_fen": selectors.year_to_date_fen(past, today.year),
        "before_fen": selectors.charged_before_fen(membership, stays_of(membership, now), today.year),
        "year_cap_fen": rules.year_cap_fen if rules else None,
        "periods": len(past),
        "all_fen": sum(one.share_fen for one in past),
        "coming": coming_of(membership, now),
    }
