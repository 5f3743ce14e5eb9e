"""Phone numbers that people have confirmed, and the text messages that went to them: both sealed."""

from django.db import models
from django.db.models import Q

from members.people.erasure_triggers import nothing_of_the_erased
from members.people.models import EVENT_IS_OF_ITS_CATEGORY, NoticeChoice, User
from members.people.text_triggers import (
    MOST_TRIES,
    phone_is_confirmed_by_its_code,
    text_goes_to_a_confirmed_number,
)


class Phone(models.Model):
    """A person's number; written to once it is confirmed. code_sha256: of the code that was sent last, with its end."""

    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="phones", db_index=False)
    number_sealed = models.BinaryField()
    code_sha256 = models.CharField(max_length=64, blank=True)
    code_until_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    told_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person"], name="one_phone_per_person"),
            models.CheckConstraint(condition=Q(tries__lte=MOST_TRIES), name="phone_code_is_tried_few_times"),
        ]
        triggers = [phone_is_confirmed_by_its_code, nothing_of_the_erased("phone")]


class TextChoice(models.Model):
    """A category of notices, or one event of it, of which a person wants a text message as well; without a row, none.

    event: a code of `events.EVENTS`; empty: the whole category.
    """

    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="text_choices", db_index=False)
    category = models.CharField(max_length=12, choices=NoticeChoice.Category)
    event = models.CharField(max_length=16, blank=True, default="", db_default="")
    chosen_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person", "category", "event"], name="one_text_choice_per_person_and_event"
            ),
            models.CheckConstraint(condition=EVENT_IS_OF_ITS_CATEGORY, name="text_event_is_of_its_category"),
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
                name="text_category_is_known",
            ),
        ]
        triggers = [nothing_of_the_erased("text_choice")]

    @property
    def name(self) -> str:
        """The category, or the name of the event: money, or money.debit."""
        return f"{self.category}.{self.event}" if self.event else self.category


class TextMessage(models.Model):
    """A text message, written with the deed it tells of; sent_at is set when the gateway has taken it.

    key: the same key is one message. sealed: number and words. is_code: it carries the code that confirms a number.
    not_before_at: in real time, the end of the quiet hours in which it was written.
    """

    key = models.CharField(max_length=120)
    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="texts")
    sealed = models.BinaryField()
    is_code = models.BooleanField(default=False)
    written_at = models.DateTimeField()
    not_before_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key"], name="one_text_per_key")]
        triggers = [text_goes_to_a_confirmed_number, nothing_of_the_erased("text")]
