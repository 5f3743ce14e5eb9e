"""What the members' tables hold of one person, in clear, for that person.

Numbers, names and addresses of others are left out, also where a sentence told to the person holds them.
"""

from collections.abc import Iterator

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from aidplatform.lib.my_data import Exporter, Row, Table, fields_of
from aidplatform.work.models import AuditEntry
from members.joining.applications import answers_of, identity_of, signed_answers
from members.joining.correction_models import IdentityCorrection
from members.joining.corrections import former_paper, own_corrections, reason_of, right_paper
from members.joining.corrections import proof_of as correction_proof_of
from members.joining.deputy_link_models import DeputyLink
from members.joining.deputy_models import Deputy
from members.joining.end_models import MembershipEnd, ReportedEnd
from members.joining.family_models import FamilyMember
from members.joining.guardian_models import GuardianRequest
from members.joining.guardians import proof_of
from members.joining.invitation_models import Invitation
from members.joining.listed import particulars_of
from members.joining.member_secrets import secret_of
from members.joining.models import (
    AwaitedCover,
    CovenantSignature,
    ImportedMember,
    JoinApplication,
    Membership,
    MembershipSpan,
)
from members.joining.payer_models import PayerLink
from members.joining.rule_models import RuleConsent
from members.joining.trait_models import LateTraits
from members.joining.transfer_data import transfers_of
from members.people import about, notices
from members.people.correction_words import CORRECTED_ELSEWHERE
from members.people.erasure_models import Erasure
from members.people.guardian_words import GUARDIAN_KINDS
from members.people.identity import Paper, paper_of
from members.people.models import ApiToken, Identity, Mail, Notice, NoticeChoice, NoticeHours, User
from members.people.selectors import addresses_of
from members.people.text_rows import phone_rows, text_choice_rows, text_rows
from members.pools.duty_models import DutyChange
from members.pools.models import DutyGrant, DutyInvitation
from members.rights.models import Complaint
from members.rights.selectors import answer_of, remark_of, second_of, text_of

# Kinds of notice that hold the number of another member; the key of a mail begins with its kind.
NAMES_ANOTHER = {
    notices.PAYER_ASKED,
    notices.PAYER_DECLINED,
    notices.PAID_FOR,
    notices.PAYS_FOR,
    notices.PAID_FOR_NO_MORE,
    notices.PAYS_NO_MORE,
    notices.PAYER_GONE,
    notices.PAYER_ASKS,
    notices.FAMILY_JOINED,
    notices.FAMILY_JOINED_EARLY,
    notices.FAMILY_JOINED_AHEAD,
    notices.FAMILY_OF_AGE,
    notices.FAMILY_TOOK_OVER,
    notices.INVITED_JOINED,
    notices.PAYS_FOR_INVITED,
    notices.PAID_FOR_ENDED,
    notices.SHARE_UNPAID_FOR,
    notices.UNPAID_SUSPENDED_FOR,
    *GUARDIAN_KINDS,
    CORRECTED_ELSEWHERE,
}
_CONSENTS = ("consent_health", "consent_publication")


def memberships_of(person: User) -> list[Membership]:
    """Return the person's memberships with their pools."""
    return list(Membership.objects.filter(person=person).select_related("pool").order_by("pk"))


def _account(person: User) -> Iterator[Row]:
    yield fields_of(
        person,
        "code",
        "email",
        "name",
        "name_zh",
        "language",
        "date_joined",
        "last_login",
        "is_active",
        "is_demo",
    )


def _addresses(person: User) -> Iterator[Row]:
    for address in EmailAddress.objects.filter(user=person).order_by("pk"):
        yield fields_of(address, "email", "verified", "primary")


def _second_factors(person: User) -> Iterator[Row]:
    for factor in Authenticator.objects.filter(user=person).order_by("pk"):
        yield fields_of(factor, "type", "created_at", "last_used_at")


def _sessions(person: User) -> Iterator[Row]:
    for session in UserSession.objects.filter(user=person).order_by("pk"):
        yield fields_of(session, "created_at", "last_seen_at", "ip", "user_agent")


def _identity(person: User) -> Iterator[Row]:
    paper = paper_of(person)
    if paper is not None:
        yield _paper(paper) | {"recorded_at": Identity.objects.get(person=person).recorded_at}


def _paper(paper: Paper) -> Row:
    return fields_of(paper, "name", "birth_date", "kind", "country", "number")


def _notices(person: User) -> Iterator[Row]:
    with override(person.language):
        for notice in Notice.objects.filter(person=person).order_by("pk").iterator():
            row = fields_of(notice, "kind", "at", "read_at")
            if notice.kind not in NAMES_ANOTHER and not about.members_in(notice.params):
                row["subject"] = notices.subject_of(notice.kind, notice.params)
                row["body"] = notices.body_of(notice.kind, notice.params)
            yield row


def _mails(person: User) -> Iterator[Row]:
    for mail in Mail.objects.filter(person=person).order_by("pk").iterator():
        row = fields_of(mail, "to_address", "written_at", "sent_at")
        if mail.key.partition("/")[0] not in NAMES_ANOTHER | {about.OF_MEMBER}:
            row |= fields_of(mail, "subject", "body")
        yield row


def _tokens(person: User) -> Iterator[Row]:
    for token in ApiToken.objects.filter(person=person).order_by("pk"):
        yield fields_of(token, "is_strong", "created_at", "ended_at")


def _duties(person: User) -> Iterator[Row]:
    for grant in DutyGrant.objects.filter(person=person).select_related("pool").order_by("pk"):
        pool = grant.pool.code if grant.pool else None
        yield {"pool": pool} | fields_of(grant, "duty", "is_founding", "granted_at", "ended_at")


def _duty_changes(person: User) -> Iterator[Row]:
    for one in DutyChange.objects.filter(person=person).select_related("pool").order_by("pk"):
        row = fields_of(one, "number", "kind", "duty", "reason", "proposed_at", "state", "decided_at")
        yield {"pool": one.pool.code} | row


def _duty_invitations(person: User) -> Iterator[Row]:
    found = DutyInvitation.objects.filter(Q(person=person) | Q(email__in=addresses_of(person)))
    for one in found.select_related("pool").order_by("pk"):
        row = fields_of(one, "duty", "email", "state", "invited_at", "decided_at")
        yield {"pool": one.pool.code} | row


def _memberships(person: User) -> Iterator[Row]:
    late = dict(LateTraits.objects.filter(membership__person=person).values_list("pk", "effective_date"))
    numbers: dict[int | None, int] = {one.pk: one.number for one in memberships_of(person)}
    for one in memberships_of(person):
        row = fields_of(one, "number", "joined_date", "waiting_since_date", "birth_date", "sex", "region")
        row["follows"] = numbers.get(one.follows_id)
        yield {"pool": one.pool.code, **row, "sex_and_region_known_from": late.get(one.pk)}


def _spans(person: User) -> Iterator[Row]:
    for one in memberships_of(person):
        spans = MembershipSpan.objects.filter(pool_id=one.pool_id, membership_id=one.pk).order_by("from_at")
        for span in spans:
            row = fields_of(span, "class_no", "from_at", "to_at", "recorded_at", "ended_recorded_at")
            yield {"pool": one.pool.code} | row


def _awaited(person: User) -> Iterator[Row]:
    for one in AwaitedCover.objects.filter(membership__person=person).select_related("membership__pool"):
        yield {"pool": one.membership.pool.code} | fields_of(one, "class_no", "until_date")


def _applications(person: User) -> Iterator[Row]:
    found = JoinApplication.objects.filter(person=person).select_related("pool", "plan_version", "person")
    for one in found.order_by("pk"):
        paper = identity_of(one) if one.identity_sealed is not None else None
        row = fields_of(
            one, "state", "understood", "has_read_covenant", *_CONSENTS, "started_at", "changed_at"
        )
        yield {
            "pool": one.pool.code,
            "plan_version": one.plan_version.number,
            **row,
            "identity": _paper(paper) if paper else None,
            "answers": answers_of(one),
        }


def _signatures(person: User) -> Iterator[Row]:
    found = CovenantSignature.objects.filter(membership__person=person)
    for one in found.select_related("membership__pool", "plan_version").order_by("pk"):
        yield {
            "pool": one.membership.pool.code,
            "plan_version": one.plan_version.number,
            **fields_of(one, "covenant_sha256", "declaration_sha256", *_CONSENTS, "language", "joined_age"),
            **fields_of(one, "eligible_date", "signed_at", "signature_sha256"),
            "answers": signed_answers(one),
        }


def _payer_links(person: User) -> Iterator[Row]:
    found = PayerLink.objects.filter(Q(membership__person=person) | Q(payer__person=person))
    for link in found.select_related("pool", "membership").order_by("pk"):
        yield {
            "pool": link.pool.code,
            "role": "covered" if link.membership.person_id == person.pk else "payer",
            **fields_of(link, "state", "asked_at", "begun_at", "ended_at"),
            **_by_you(link, person, "asked", "accepted", "ended"),
        }


def _by_you(row: PayerLink | Deputy, person: User, *deeds: str) -> Row:
    return {f"{deed}_by_you": getattr(row, f"{deed}_by") == person.code for deed in deeds}


def _deputies(person: User) -> Iterator[Row]:
    """Yield whom the person has named, and for whom they stand by; who the other one is stays out."""
    found = Deputy.objects.filter(Q(membership__person=person) | Q(person=person))
    for one in found.select_related("membership__pool").order_by("pk"):
        yield {
            "pool": one.membership.pool.code,
            "role": "member" if one.membership.person_id == person.pk else "deputy",
            **fields_of(one, "kind", "state", "named_at", "accepted_at", "ended_at"),
            **_by_you(one, person, "named", "accepted", "ended"),
        }


def _deputy_links(person: User) -> Iterator[Row]:
    """Yield the links that the person made, and those by which they agreed to claim for somebody."""
    found = DeputyLink.objects.filter(Q(membership__person=person) | Q(deputy__person=person))
    for one in found.select_related("membership__pool").order_by("pk"):
        row = fields_of(one, "kind", "state", "made_at", "expires_at", "ended_at")
        yield {"pool": one.membership.pool.code, "made_by_you": one.made_by == person.code, **row}


def _rule_consents(person: User) -> Iterator[Row]:
    """Yield what was agreed to for the person, and what they agreed to for children, whose numbers stay out."""
    found = RuleConsent.objects.filter(Q(membership__person=person) | Q(given_by=person.code))
    for one in found.select_related("membership__pool", "plan_version").order_by("pk"):
        row = fields_of(one, "shown_sha256", "capacity", "language", "given_at")
        yield {"pool": one.membership.pool.code, "plan_version": one.plan_version.number, **row}


def _family(person: User) -> Iterator[Row]:
    """Yield whom the person has signed for, and that somebody signed for them; who the other one is stays out."""
    found = FamilyMember.objects.filter(Q(guardian__person=person) | Q(membership__person=person))
    for one in found.select_related("pool", "guardian").order_by("added_at", "pk"):
        role = "guardian" if one.guardian.person_id == person.pk else "child"
        yield {"pool": one.pool.code, "role": role, **fields_of(one, "relation", "added_at")}


def _guardian_requests(person: User) -> Iterator[Row]:
    """Yield where the person asked to speak for a child, or was the child or its guardian; who else stays out."""
    ours = Q(asker__person=person) | Q(membership__person=person) | Q(previous__person=person)
    for one in (
        GuardianRequest.objects.filter(ours).select_related("pool", "asker", "membership").order_by("pk")
    ):
        row = fields_of(one, "relation", "state", "asked_at", "decided_at")
        if one.asker.person_id == person.pk:
            row |= {"role": "guardian", "proof": proof_of(one)}
            row |= fields_of(one, "capacity", "covenant_sha256", "consent_health", "consent_publication")
        else:
            row |= {"role": "child" if one.membership.person_id == person.pk else "guardian before"}
        yield {"pool": one.pool.code, **row}


def _identity_corrections(person: User) -> Iterator[Row]:
    """Yield what the person asked to be corrected, also of their children, and what stood before; not who decided."""
    of_children = IdentityCorrection.objects.filter(person=None, membership__in=_children_of(person))
    for one in (*own_corrections(person).order_by("pk"), *of_children.order_by("pk")):
        row = fields_of(
            one, "state", "asked_at", "proposed_at", "decided_at", "effective_date", "was_recorded_at"
        )
        row |= {"reason": reason_of(one), "proof": correction_proof_of(one)}
        row["right"] = _paper(right_paper(one))
        was = former_paper(one)
        row["was"] = _paper(was) if was else None
        yield {"pool": one.pool.code, "of": "you" if one.person_id else "a child", **row}


def _children_of(person: User) -> QuerySet[Membership]:
    """Return the memberships that a guardian has added: the person's own once, or those they speak for now."""
    own = Q(family_member__isnull=False, person=person)
    return Membership.objects.filter(own | Q(family_member__guardian__person=person, person=None))


def _roll_secrets(person: User) -> Iterator[Row]:
    """Yield the secrets of the person's own memberships, and of children for whom they speak."""
    ours = Membership.objects.filter(Q(person=person) | Q(pk__in=_children_of(person)))
    for membership in ours.select_related("pool").order_by("pk"):
        own = secret_of(membership)
        if own is not None:
            row = {"secret": own.text, "commits_to": own.whose}
            yield {"pool": membership.pool.code, "number": membership.number, **row}


def _invitations(person: User) -> Iterator[Row]:
    """Yield the links that the person made, and the one by which they joined."""
    found = Invitation.objects.filter(Q(inviter__person=person) | Q(used_by__person=person))
    for one in found.select_related("pool", "inviter").order_by("pk"):
        role = "inviter" if one.inviter.person_id == person.pk else "invited"
        row = fields_of(one, "state", "pays", "made_at", "expires_at", "ended_at")
        yield {"pool": one.pool.code, "role": role, **row}


def _notice_choices(person: User) -> Iterator[Row]:
    for choice in NoticeChoice.objects.filter(person=person).order_by("category", "event"):
        yield fields_of(choice, "category", "event", "way", "changed_at")


def _notice_hours(person: User) -> Iterator[Row]:
    for hours in NoticeHours.objects.filter(person=person):
        yield fields_of(hours, "time_zone", "digest_hour", "quiet_from_hour", "quiet_to_hour", "changed_at")


def _listed(person: User) -> Iterator[Row]:
    """Yield the person's rows in lists; one that only names their address may be of somebody else in the family."""
    document = Identity.objects.filter(person=person).values_list("document_index", flat=True).first()
    ours = Q(membership__person=person) | Q(document_index=document) | Q(email__in=addresses_of(person))
    for row in ImportedMember.objects.filter(ours).select_related("pool", "membership").order_by("pk"):
        found: Row = {"pool": row.pool.code, "email": row.email, "state": row.state}
        is_theirs = row.membership.person_id == person.pk if row.membership else False
        if is_theirs or (document is not None and bytes(row.document_index) == bytes(document)):
            found |= fields_of(row, "class_no", "since_date", "proof", "owed_fen", "prepaid_fen")
            found["is_paid_for_by_another"] = bool(row.payer)
            found["identity"] = _paper(particulars_of(row).paper)
        yield found


def _ends(person: User) -> Iterator[Row]:
    for end in MembershipEnd.objects.filter(membership__person=person).select_related("membership__pool"):
        row = fields_of(end, "reason", "end_date", "reference", "recorded_at")
        yield {"pool": end.membership.pool.code} | row


def _reported_ends(person: User) -> Iterator[Row]:
    for one in ReportedEnd.objects.filter(membership__person=person).select_related("pool").order_by("pk"):
        row = fields_of(one, "reason", "event_date", "reference", "statement", "state")
        yield {"pool": one.pool.code, **row, **fields_of(one, "reported_at", "decided_at")}


def _erasures(person: User) -> Iterator[Row]:
    for one in Erasure.objects.filter(person=person).order_by("number"):
        yield fields_of(one, "number", "state", "asked_at", "due_at", "ended_at")


def _complaints(person: User) -> Iterator[Row]:
    """Yield what the person complained about and what they were answered; by whom stays out."""
    for one in Complaint.objects.filter(person=person).select_related("pool").order_by("pk"):
        row = fields_of(
            one, "year", "number", "about", "reference", "state", "filed_at", "due_date", "answered_at"
        )
        row |= fields_of(one, "judged_at", "second_due_date", "second_at")
        row |= {
            "text": text_of(one),
            "answer": answer_of(one),
            "remark": remark_of(one),
            "second": second_of(one),
        }
        yield {"pool": one.pool.code} | row


def _deeds(person: User) -> Iterator[Row]:
    """Yield what the person did. On whom or what is told only of the person's own: members have numbers."""
    own = {person.code} | {str(one) for one in memberships_of(person)}
    for line in AuditEntry.objects.filter(actor=person.code).order_by("pk").iterator():
        subject = line.subject if line.subject in own else None
        yield {"at": line.at, "action": line.action, "subject": subject}


EXPORTER = Exporter(
    tables=(
        Table("account", _("Your account."), _account),
        Table("email_addresses", _("Addresses of your account, and whether they are proven."), _addresses),
        Table("second_factors", _("Passkeys and authenticator apps, without their secrets."), _second_factors),
        Table("sessions", _("Where you are signed in."), _sessions),
        Table("identity", _("Your identity document, as recorded when you first joined a pool."), _identity),
        Table(
            "identity_corrections",
            _("What you asked to be corrected of it, and what stood before, with its dates."),
            _identity_corrections,
        ),
        Table("notices", _("What you were told. Sentences that name another member are left out."), _notices),
        Table("mails", _("E-mails to you. Texts that name another member are left out."), _mails),
        Table("phone", _("Your phone number, and since when it is confirmed."), phone_rows),
        Table("text_choices", _("Of which notices you want text messages."), text_choice_rows),
        Table("text_messages", _("Text messages to you, without the codes that confirmed a number."), text_rows),
        Table("api_tokens", _("Keys of your programs. Only a hash is kept, which is left out."), _tokens),
        Table("duties", _("Duties you hold or held."), _duties),
        Table("duty_changes", _("That you are to hold a duty in a pool, or not any more."), _duty_changes),
        Table("duty_invitations", _("Duties you were asked to take."), _duty_invitations),
        Table("memberships", _("The pools you belong or belonged to."), _memberships),
        Table("spans", _("When you were covered, and in which class."), _spans),
        Table("awaited_covers", _("Covers that wait for a first payment."), _awaited),
        Table(
            "applications",
            _("Applications to join, with what was entered so far, consents among it."),
            _applications,
        ),
        Table(
            "signatures",
            _("What you signed: hashes of covenant and declaration, your answers, your consents."),
            _signatures,
        ),
        Table("rule_consents", _("New rules to which you agreed, also for children."), _rule_consents),
        Table("transfers", _("What you have signed ahead to go on in another pool at the last age."), transfers_of),
        Table("payer_links", _("Who pays for whom, without who the other one is."), _payer_links),
        Table("deputies", _("Who may claim for whom, where you are one of the two."), _deputies),
        Table("deputy_links", _("Links by which somebody was named to claim for whom."), _deputy_links),
        Table(
            "roll_secrets",
            _("The secrets by which you find yourself and your children in the rolls; show them to nobody."),
            _roll_secrets,
        ),
        Table("family", _("Children you have signed for, and that somebody signed for you."), _family),
        Table("guardian_requests", _("Who was to speak for a child, where you were one of them."), _guardian_requests),
        Table("invitations", _("Links by which you invited, and the one by which you joined."), _invitations),
        Table("notice_choices", _("How you want to be told."), _notice_choices),
        Table("notice_hours", _("When you want to be mailed."), _notice_hours),
        Table("listed", _("Your row in the member list of a pool that moved in."), _listed),
        Table("ends", _("Why a membership of yours is over."), _ends),
        Table("reported_ends", _("Deaths and removals that were reported of a membership of yours."), _reported_ends),
        Table("complaints", _("Your complaints, with their answers."), _complaints),
        Table("erasures", _("When you asked to be erased, and whether you took it back."), _erasures),
        Table("deeds", _("What you did here, as the audit trail has it; on whom is told only of yourself."), _deeds),
    ),
    exported={
        "account.EmailAddress.user": "email_addresses",
        "mfa.Authenticator.user": "second_factors",
        "usersessions.UserSession.user": "sessions",
        "members.Identity.person": "identity",
        "members.Notice.person": "notices",
        "members.Mail.person": "mails",
        "members.Phone.person": "phone",
        "members.TextChoice.person": "text_choices",
        "members.TextMessage.person": "text_messages",
        "members.ApiToken.person": "api_tokens",
        "members.DutyGrant.person": "duties",
        "members.DutyChange.person": "duty_changes",
        "members.DutyInvitation.person": "duty_invitations",
        "members.Membership.person": "memberships",
        "members.Membership.follows": "memberships",
        "members.LateTraits.membership": "memberships",
        "members.MembershipSpan.membership_id": "spans",
        "members.AwaitedCover.membership": "awaited_covers",
        "members.JoinApplication.person": "applications",
        "members.CovenantSignature.membership": "signatures",
        "members.RuleConsent.membership": "rule_consents",
        "members.AgeTransfer.membership": "transfers",
        "members.AgeTransfer.begun": "transfers",
        "members.PayerLink.membership": "payer_links",
        "members.PayerLink.payer": "payer_links",
        "members.Deputy.membership": "deputies",
        "members.Deputy.person": "deputies",
        "members.DeputyLink.membership": "deputy_links",
        "members.FamilyMember.membership": "family",
        "members.MemberSecret.membership": "roll_secrets",
        "members.FamilyMember.guardian": "family",
        "members.AccountAddress.user": "email_addresses",
        "members.AccountFactor.user": "second_factors",
        "members.AccountSession.user": "sessions",
        "members.IdentityCorrection.person": "identity_corrections",
        "members.IdentityCorrection.membership": "identity_corrections",
        "members.GuardianRequest.membership": "guardian_requests",
        "members.GuardianRequest.previous": "guardian_requests",
        "members.GuardianRequest.asker": "guardian_requests",
        "members.Invitation.inviter": "invitations",
        "members.Invitation.used_by": "invitations",
        "members.NoticeChoice.person": "notice_choices",
        "members.NoticeHours.person": "notice_hours",
        "members.ImportedMember.membership": "listed",
        "members.MembershipEnd.membership": "ends",
        "members.ReportedEnd.membership": "reported_ends",
        "members.Erasure.person": "erasures",
        "members.Complaint.person": "complaints",
    },
    left_out={
        "members.DutyGrant.proposed_by": "the grant is about whoever holds it; the deed is among the deeds",
        "members.DutyGrant.confirmed_by": "the grant is about whoever holds it; the deed is among the deeds",
        "members.DutyInvitation.invited_by": "it holds another person's address; the deed is among the deeds",
    },
)  # fmt: skip
