"""What members are told about going on in another pool at the last age of theirs."""

from django.utils.translation import gettext_noop

TRANSFER_OFFERED = "transfer_offered"
TRANSFER_SIGNED = "transfer_signed"
TRANSFER_ANEW = "transfer_anew"
TRANSFER_BEGUN = "transfer_begun"
TRANSFER_OFF = "transfer_off"

# kind → (subject, body)
TRANSFER_KINDS: dict[str, tuple[str, str]] = {
    TRANSFER_OFFERED: (
        gettext_noop("On %(until)s your membership of %(pool)s ends by age: you can go on in %(there)s"),
        gettext_noop(
            "From the age of %(age)s on there is no aid in %(pool)s. %(there)s takes you over on the same day, without"
            " a gap and without new health questions, if you sign its covenant before. The page says what it costs,"
            " what it covers, and what is different. Without a signature nothing happens: the membership just ends."
        ),
    ),
    TRANSFER_SIGNED: (
        gettext_noop("Signed: from %(from)s on you go on in %(there)s"),
        gettext_noop(
            "Your membership of %(pool)s lasts until the day before. In %(there)s you are covered from 00:00 of"
            " %(from)s on, and aid can be asked for an illness first established on %(eligible)s or later. You can take"
            " this back until then. Signature: %(sha256)s"
        ),
    ),
    TRANSFER_ANEW: (
        gettext_noop("%(there)s has new rules: sign once more to go on there"),
        gettext_noop(
            "On %(until)s, when your membership of %(pool)s ends by age, other rules hold in %(there)s than those that"
            " you have signed. Read them and sign until the day before, otherwise you do not go on there."
        ),
    ),
    TRANSFER_BEGUN: (
        gettext_noop("You go on in %(there)s"),
        gettext_noop(
            "Your membership of %(pool)s has ended by age, and that in %(there)s began at 00:00 of %(from)s. Aid can be"
            " asked for an illness first established on %(eligible)s or later. What was still owed in %(pool)s is paid"
            " there. Look at your place: how you pay your shares is set in %(there)s anew."
        ),
    ),
    TRANSFER_OFF: (
        gettext_noop("Your membership of %(pool)s has ended, and you do not go on in %(there)s"),
        gettext_noop(
            "You had signed to go on there, but nothing came of it. %(reason)s You are not covered from 00:00 of"
            " %(until)s on. A case of the time before can still be reported. If you think it is wrong, file a complaint"
            " on the pool's page."
        ),
    ),
}
# Why it did not begin, as `AgeTransfer.Reason` has it.
WHY_OFF: dict[str, str] = {
    "ended": gettext_noop("The membership ended before, for another reason."),
    "suspended": gettext_noop("There was no cover on the day before, so there is none to go on."),
    "rules": gettext_noop("The other pool has other rules on that day than those that were signed."),
    "closed": gettext_noop("The other pool takes nobody at the moment."),
    "terms": gettext_noop("The two pools do not agree any more that members go over."),
    "member": gettext_noop("A membership in the other pool is there already, or may not begin again."),
    "age": gettext_noop("The other pool has no aid for that age."),
    "document": gettext_noop("The other pool does not take a document of this kind."),
}
