"""The papers of joining: the signed covenant, a certificate, the secret for the rolls. Made alike each time."""

import datetime as dt
from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override

from aidplatform.lib import clock, crypto
from aidplatform.lib.dates import format_day, format_instant
from aidplatform.lib.errors import NotFoundError
from aidplatform.lib.pdf import Sheet
from aidplatform.lib.templating import in_language
from members.joining.applications import signature_context, signed_text
from members.joining.eligibility import covered_from, eligible_from
from members.joining.forms import PlainlyForm
from members.joining.member_secrets import secret_of, written_down
from members.joining.models import AwaitedCover, CovenantSignature, Membership, MembershipSpan
from members.joining.secret_models import MemberSecret
from members.people.identity import paper_of
from members.people.mails import File
from members.pools.models import Pool
from members.pools.plan_terms import ClassTerms

PDF = "application/pdf"
COVENANT, CERTIFICATE, SECRET = "covenant", "certificate", "secret"
KINDS = (COVENANT, CERTIFICATE, SECRET)


def signature_of(membership: Membership) -> CovenantSignature | None:
    """Return what a member signed; None for who has moved in and not confirmed."""
    found = CovenantSignature.objects.filter(membership=membership)
    return found.select_related("membership__pool", "membership__person", "plan_version").first()


@dataclass(frozen=True)
class JoiningPaper:
    """A paper that can be had: which one, in which language."""

    kind: str
    language: str


def papers_of(signature: CovenantSignature) -> list[JoiningPaper]:
    """Return the papers of a joining, each in every language; the secret only where there is one."""
    has_secret = MemberSecret.objects.filter(membership=signature.membership_id).exists()
    kinds = [kind for kind in KINDS if kind != SECRET or has_secret]
    return [JoiningPaper(kind, language) for language in dict(settings.LANGUAGES) for kind in kinds]


def paper_file(signature: CovenantSignature, kind: str, language: str) -> File:
    """Return one paper in one language. Raises: NotFoundError for what is no paper or no language of ours."""
    if kind not in KINDS or language not in dict(settings.LANGUAGES):
        raise NotFoundError(_("There is no such page, or it is not yours to see."))
    making = {COVENANT: _covenant, CERTIFICATE: _certificate, SECRET: _secret}
    with override(language):
        made = making[kind](signature, language)
    return File(f"{signature.membership.pool.code}-{kind}-{language}.pdf", made, PDF)


def receipt_files(signature_id: int) -> list[File]:
    """Return what the receipt of joining carries: the language that was signed first, then the others.

    The secret is not among it: a mail would leave it with whoever carries the mail.
    """
    signature = CovenantSignature.objects.select_related(
        "membership__pool", "membership__person", "plan_version"
    ).get(pk=signature_id)
    languages = sorted(dict(settings.LANGUAGES), key=lambda code: code != signature.language)
    covenants = [paper_file(signature, COVENANT, language) for language in languages]
    return [*covenants, paper_file(signature, CERTIFICATE, languages[0])]


def answers_hash(signature: CovenantSignature) -> str:
    """Return by which the answers are recognized without being told.

    It is keyed: of a few answers with yes or no anybody could try out a plain hash.
    """
    return crypto.blind_index(signed_text(signature), signature_context(signature.membership_id)).hex()


def _covenant(signature: CovenantSignature, language: str) -> bytes:
    version, pool = signature.plan_version, signature.membership.pool
    name = in_language(pool.name_en, pool.name_zh)
    sheet = Sheet(
        title=_("Covenant of %(pool)s") % {"pool": name},
        language=language,
        at=signature.signed_at,
        foot=_foot(signature),
    )
    sheet.heading(_("Four plain questions"), 2)
    for field, (_right, why) in PlainlyForm.RIGHT.items():
        sheet.paragraph(f"{PlainlyForm.base_fields[field].label} {why}")
    sheet.markdown(in_language(version.covenant_en, version.covenant_zh))
    sheet.heading(_("Signature"), 2)
    sheet.facts(
        [
            *_who(signature),
            (_("Plan"), _("Version %(number)s") % {"number": version.number}),
            (_("Language of the signature"), dict(settings.LANGUAGES)[signature.language]),
            (_("Consents"), _("to the use of health data, to the publication of an own case")),
            (_("Covenant"), signature.covenant_sha256),
            (_("Declaration"), signature.declaration_sha256),
            (_("Your answers"), answers_hash(signature)),
            (_("Signature"), signature.signature_sha256),
        ]
    )
    sheet.paragraph(
        _(
            "The covenant's fingerprint is SHA-256 over the English text, a line break, and the Chinese one. That of"
            " your answers is keyed, so that nobody can guess them from it."
        ),
        is_small=True,
    )
    return sheet.content()


def _certificate(signature: CovenantSignature, language: str) -> bytes:
    membership, plan = signature.membership, signature.plan_version.plan()
    pool = membership.pool
    name = in_language(pool.name_en, pool.name_zh)
    sheet = Sheet(
        title=_("Certificate of joining"), language=language, at=signature.signed_at, foot=_foot(signature)
    )
    cover_from, class_no = _first_cover(membership)
    place = next((row for row in plan.classes if row.class_no == class_no), None)
    accident = plan.waits(cause="accident", joined_age=signature.joined_age or 0)
    counts = max(eligible_from(membership.waits_from, accident), covered_from(membership.joined_date))
    sheet.facts(
        [
            (_("Pool"), name),
            *_who(signature),
            (_("You share from"), cover_from),
            (_("Aid can be asked for illnesses from"), _day_from(signature.eligible_date, pool)),
            *(
                [(_("Aid can be asked for accidents from"), _day_from(counts, pool))]
                if counts != signature.eligible_date
                else []
            ),
            *([(_("Your class"), _class_words(place))] if place and len(plan.classes) > 1 else []),
            (_("Covenant"), signature.covenant_sha256),
            (_("Signature"), signature.signature_sha256),
        ]
    )
    address = settings.PUBLIC_URL + reverse("pool", args=[pool.code])
    sheet.paragraph(
        _("The pool's public page, with its rules, its bills and its open books:") + f" {address}"
    )
    sheet.qr(address)
    sheet.paragraph(_("It says what held on the day of joining."), is_small=True)
    sheet.paragraph(
        _(
            "A mutual-aid pool is not insurance: members share what was needed, afterwards, and nobody promises a"
            " payment."
        ),
        is_small=True,
    )
    return sheet.content()


def _secret(signature: CovenantSignature, language: str) -> bytes:
    """Return the paper with the secret. Raises: NotFoundError for a membership that has none."""
    membership = signature.membership
    own = secret_of(membership)
    if own is None:
        raise NotFoundError(_("There is no such page, or it is not yours to see."))
    pool = membership.pool
    title, at = _("Your secret for the rolls"), signature.signed_at
    sheet = Sheet(title=title, language=language, at=at, foot=_foot(signature))
    sheet.facts([(_("Pool"), in_language(pool.name_en, pool.name_zh)), *_who(signature)])
    sheet.paragraph(
        _(
            "By it you find your own line in the roll of each period, on your own machine, and see that it is there"
            " once and with your amount. It is yours alone: whoever has it can find your line as well, so that it was"
            " not mailed to you. The verifier asks for it as “--secret”."
        )
    )
    sheet.facts([(_("Secret"), own.text)])
    sheet.qr(written_down(membership, own))
    return sheet.content()


def _who(signature: CovenantSignature) -> list[tuple[str, str]]:
    """Return who signed, and when, as other people may see it."""
    membership = signature.membership
    paper = paper_of(membership.person) if membership.person else None
    zone = membership.pool.time_zone
    return [
        (_("Member"), str(membership.number)),
        *([(_("Name"), paper.masked_name)] if paper else []),
        (_("Signed"), f"{format_instant(signature.signed_at, zone)} {zone}"),
    ]


def _first_cover(membership: Membership) -> tuple[str, int]:
    """Return from when the member shares, as it was told at joining, and in which class."""
    awaited = AwaitedCover.objects.filter(membership=membership).first()
    if awaited is not None:
        until = {"day": format_day(awaited.until_date)}
        return _("the day after your first payment, until %(day)s at the latest") % until, awaited.class_no
    spans = MembershipSpan.objects.filter(pool_id=membership.pool_id, membership_id=membership.pk)
    first = spans.earliest("from_at")
    zone = membership.pool.time_zone
    return f"{format_instant(first.from_at, zone)} {zone}", first.class_no


def _day_from(day: dt.date, pool: Pool) -> str:
    """Return the beginning of a day in the pool's zone."""
    return f"{format_instant(clock.start_of_day(day, pool.time_zone), pool.time_zone)} {pool.time_zone}"


def _class_words(place: ClassTerms) -> str:
    name = in_language(place.name_en, place.name_zh)
    return f"{name}, " + _("weight %(weight)s") % {"weight": place.weight}


def _foot(signature: CovenantSignature) -> str:
    return (
        f"{signature.membership.pool.code} #{signature.membership.number} · {signature.signature_sha256[:16]}"
    )
