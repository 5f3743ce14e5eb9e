"""A person with an account, who they are on paper, what they were told, and the keys of their programs."""

import datetime as dt
from functools import reduce
from operator import or_
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import codes
from members.people.erasure_triggers import erased_account_stays_erased, nothing_of_the_erased
from members.people.events import EVENTS
from members.people.identity_triggers import identity_guards
from members.people.quiet import quiet_ends_at
from members.people.triggers import notice_is_read_once, token_ends_once, zone_of_notices_is_known


def new_code() -> str:
    """Return a public id for a person: P- and ten digits or letters without look-alikes."""
    return codes.new_code("P")


class UserManager(BaseUserManager["User"]):
    """Creates people by e-mail address."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a person; without a password the account opens only by a one-time link."""
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save()
        return user


class User(AbstractBaseUser):
    """A person who can sign in. What they may do follows from memberships and duties, never from a flag.

    language: in which they are written to. erased_at: since when nothing tells who it was; the code stays.
    """

    code = models.CharField(max_length=12, unique=True, default=new_code)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=80, blank=True)
    name_zh = models.CharField(max_length=80, blank=True)
    is_active = models.BooleanField(default=True)
    is_demo = models.BooleanField(default=False)
    language = models.CharField(max_length=10, default="en", db_default="en")
    date_joined = models.DateTimeField(auto_now_add=True)
    erased_at = models.DateTimeField(null=True)

    objects: ClassVar[UserManager] = UserManager()

    # What of an account may change, by people as by the database's grants.
    CHANGEABLE = ("password", "last_login", "email", "name", "name_zh", "is_active", "language")

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="one_account_per_email")]
        triggers = [erased_account_stays_erased]

    def __str__(self) -> str:
        if self.erased_at is not None:
            return gettext("a former member")
        return self.name or self.email

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write a new account whole, and of an existing one only what may change.

        Libraries save whole accounts, which the database would refuse: code and origin are fixed.
        """
        if not self._state.adding and kwargs.get("update_fields") is None:
            kwargs["update_fields"] = self.CHANGEABLE
        super().save(*args, **kwargs)


class Identity(models.Model):
    """Who a person is on paper: sealed, found only by the blind index of the document, changed by a correction alone.

    document_index: HMAC of what `document_index` makes of the document, so that nobody joins twice under two accounts.
    """

    class Kind(models.TextChoices):
        RESIDENT_ID = "resident_id"
        PASSPORT = "passport"
        OTHER = "other"

    person = models.OneToOneField(User, on_delete=models.PROTECT, related_name="identity")
    kind = models.CharField(max_length=12, choices=Kind)
    document_index = models.BinaryField()
    sealed = models.BinaryField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["document_index"], name="one_person_per_document"),
            models.CheckConstraint(
                condition=Q(kind__in=["resident_id", "passport", "other"]), name="identity_kind_is_known"
            ),
        ]
        triggers = [
            *identity_guards,
            nothing_of_the_erased("identity"),
        ]


class Way(models.TextChoices):
    """How a notice leaves the page on which it stands in any case."""

    AT_ONCE = "at_once", _("by e-mail at once")
    DIGEST = "digest", _("in a daily digest")
    PAGE = "page", _("only on the page")


class Notice(models.Model):
    """Something a person is told. params: codes and figures, never names or health data; read_at moves once.

    kind: which sentence, see `notices.KINDS`. key: what it is about, so that it is told once. way: as the person had
    chosen when it was told. digest_date: whose digest carried it; moves once.
    """

    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="notices", db_index=False)
    kind = models.CharField(max_length=40)
    key = models.CharField(max_length=80)
    params = models.JSONField(default=dict)
    link = models.CharField(max_length=200)
    at = models.DateTimeField()
    way = models.CharField(max_length=8, choices=Way, default=Way.AT_ONCE, db_default="at_once")
    digest_date = models.DateField(null=True)
    read_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person", "kind", "key"], name="one_notice_per_person_kind_and_key"
            ),
            models.CheckConstraint(condition=Q(way__in=Way.values), name="notice_way_is_known"),
            models.CheckConstraint(
                condition=Q(digest_date=None) | Q(way="digest"), name="digest_takes_what_waits_for_it"
            ),
        ]
        indexes = [
            models.Index(F("person"), F("id").desc(), name="notice_of_person"),
            models.Index(fields=["person"], condition=Q(read_at=None), name="notice_unread"),
            models.Index(
                fields=["person"], condition=Q(way="digest", digest_date=None), name="notice_awaits_digest"
            ),
        ]
        triggers = [notice_is_read_once, nothing_of_the_erased("notice")]


# What holds for its whole category holds for an event.
AS_CATEGORY = "category"
# An event stands with the category that it is of; without one the whole category is meant.
EVENT_IS_OF_ITS_CATEGORY = reduce(
    or_, [Q(category=code, event__in=sorted(events)) for code, events in EVENTS.items()], Q(event="")
)


class NoticeChoice(models.Model):
    """How a person wants the notices of a category to come, or of one event of it; without a row they come at once.

    event: a code of `events.EVENTS`; empty: all events of the category that have no choice of their own.
    way: of `Way`; for an event also AS_CATEGORY, which takes a choice of its own back.
    """

    class Category(models.TextChoices):
        MONEY = "money", _("Charges and payments")
        COVER = "cover", _("Suspension and end of a membership")
        POOL = "pool", _("Changed rules and the end of a pool")
        MEMBERSHIP = "membership", _("Joining and what changes in a membership")
        FAMILY = "family", _("Who pays for whom")
        CLAIMS = "claims", _("Steps of my claims")
        DUTIES = "duties", _("What waits for my duties")
        CASES = "cases", _("Announced cases")

    # What money or rights hang on is mailed in any case.
    ALWAYS_MAILED = (Category.MONEY, Category.COVER, Category.POOL, Category.CLAIMS)

    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="notice_choices", db_index=False)
    category = models.CharField(max_length=12, choices=Category)
    event = models.CharField(max_length=16, blank=True, default="", db_default="")
    way = models.CharField(max_length=8)
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person", "category", "event"], name="one_notice_choice_per_person_and_event"
            ),
            models.CheckConstraint(
                condition=EVENT_IS_OF_ITS_CATEGORY, name="notice_event_is_of_its_category"
            ),
            models.CheckConstraint(
                condition=Q(
                    category__in=[
                        "money",
                        "cover",
                        "pool",
                        "membership",
                        "family",
                        "claims",
                        "duties",
                        "cases",
                    ]
                ),
                name="notice_category_is_known",
            ),
            models.CheckConstraint(
                condition=Q(way__in=["at_once", "digest", "page"]) | (Q(way=AS_CATEGORY) & ~Q(event="")),
                name="notice_choice_is_known",
            ),
            models.CheckConstraint(
                condition=~Q(way="page") | ~Q(category__in=["money", "cover", "pool", "claims"]),
                name="money_and_rights_are_mailed",
            ),
        ]
        triggers = [nothing_of_the_erased("choice")]


class NoticeHours(models.Model):
    """When a person is mailed: the hour of the digest and the hours in which no mail comes, in a zone of theirs.

    quiet_from_hour, quiet_to_hour: both or neither; they may cross midnight.
    """

    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="notice_hours", db_index=False)
    time_zone = models.CharField(max_length=40, default="Asia/Shanghai")
    digest_hour = models.PositiveSmallIntegerField(default=8)
    quiet_from_hour = models.PositiveSmallIntegerField(null=True)
    quiet_to_hour = models.PositiveSmallIntegerField(null=True)
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person"], name="one_row_of_notice_hours_per_person"),
            models.CheckConstraint(
                condition=Q(digest_hour__lte=23)
                & (Q(quiet_from_hour=None) | Q(quiet_from_hour__lte=23))
                & (Q(quiet_to_hour=None) | Q(quiet_to_hour__lte=23)),
                name="notice_hours_are_hours",
            ),
            models.CheckConstraint(
                condition=Q(quiet_from_hour=None, quiet_to_hour=None)
                | (
                    Q(quiet_from_hour__isnull=False, quiet_to_hour__isnull=False)
                    & ~Q(quiet_from_hour=F("quiet_to_hour"))
                ),
                name="quiet_hours_have_two_ends",
            ),
        ]
        triggers = [zone_of_notices_is_known, nothing_of_the_erased("hours")]

    def quiet_until(self, at: dt.datetime) -> dt.datetime | None:
        """Return when the quiet hours end that hold at an instant; None: mail may come."""
        if self.quiet_from_hour is None or self.quiet_to_hour is None:
            return None
        return quiet_ends_at(at, self.time_zone, self.quiet_from_hour, self.quiet_to_hour)


class Mail(models.Model):
    """An e-mail to a person, written with the deed it tells of; sent_at is set when it has left.

    key: the Message-ID's left part; the same key is one mail, however often it is asked for. papers: the name of what
    it carries, with the row that is of; the files are made when it leaves. Empty: it carries nothing. not_before_at: in
    real time, the end of the quiet hours in which it was written.
    """

    key = models.CharField(max_length=120)
    person = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="mails")
    to_address = models.CharField(max_length=254)
    subject = models.CharField(max_length=200)
    body = models.TextField()
    papers = models.CharField(max_length=60, default="", db_default="")
    written_at = models.DateTimeField()
    not_before_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key"], name="one_mail_per_key")]
        indexes = [models.Index(fields=["id"], condition=Q(sent_at=None), name="mail_unsent")]
        triggers = [nothing_of_the_erased("mail")]


class ApiToken(models.Model):
    """A key with which a person's program speaks for them; only its hash is kept.

    is_strong: it was made in a session opened with a second factor; pages of a duty ask for that.
    """

    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="api_tokens")
    token_sha256 = models.CharField(max_length=64)
    is_strong = models.BooleanField()
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["token_sha256"], name="one_token_per_hash"),
            models.UniqueConstraint(
                fields=["person"], condition=Q(ended_at=None), name="one_live_token_per_person"
            ),
        ]
        triggers = [token_ends_once, nothing_of_the_erased("token")]
