"""All addresses of the API: this file only gathers them."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter
from drf_spectacular.views import SpectacularAPIView

from aidplatform.lib.http import public
from aidplatform.site import home_api
from aidplatform.site.ending import api as ending
from aidplatform.site.ending import settlement_api
from aidplatform.site.my_data import api as my_data
from claims.filing import api as filing
from claims.filing import paper_api as papers
from claims.jury import api as jury
from claims.jury import arbiter_api as arbiter
from claims.publicity import api as publicity
from claims.publicity import objection_api as objections
from claims.publicity import outside_answer_api as outside_answers
from claims.publicity import reader_api
from claims.review import api as review
from claims.review import investigation_api as investigating
from claims.review import judging_api as judging
from claims.review import opening_api as openings
from claims.review import outside_api as outside
from claims.review import signal_api
from claims.review import workspace_api as workspace
from ledger.books import api as books
from ledger.custody import api as custody
from ledger.custody import (
    arrears_api,
    charge_api,
    cost_api,
    explanation_api,
    interest_api,
    mandate_api,
    month_api,
    pay_api,
    payment_file_api,
    receipt_api,
    reconciled_api,
    release_limit_api,
    reversal_api,
    revocation_api,
    share_return_api,
    undoing_api,
    write_off_api,
)
from ledger.disclosure import api as disclosure
from ledger.disclosure import going_on_api, place_api, share_api
from ledger.founding import api as founding
from ledger.founding import opening_api
from ledger.leaving import api as leaving
from ledger.leaving import report_api
from ledger.openbooks import api as openbooks
from ledger.openbooks import stamp_api, witness_api
from ledger.sharing import api as sharing
from ledger.sharing import roll_api as rolls
from ledger.verification import api as verification
from ledger.verification import period_end_api
from members.joining import api as joining
from members.joining import application_api, invitation_api, last_age_api
from members.joining import correction_api as corrections
from members.joining import deputy_api as deputies
from members.joining import deputy_link_api as deputy_links
from members.joining import guardian_api as guardians
from members.joining import import_api as imports
from members.joining import payer_api as payers
from members.joining import rule_api as rules
from members.people import choice_api as choices
from members.people import notice_api, session_api
from members.people import phone_api as phones
from members.pools import api as pools
from members.pools import duty_api
from members.rights import api as rights


class CaseConverter(StringConverter):
    """The number of a case, a rest's with its running figure: no other point, so that no address has a suffix."""

    regex = r"[-a-zA-Z0-9_]+(?:\.[0-9]+)?"


register_converter(CaseConverter, "case")

_MY_CLAIM = "me/claims/<slug:claim>/"
_POOL = "pools/<slug:code>/"
_CHILD = f"{_POOL}my-family/<int:number>/"
_DESK_CLAIM = f"{_POOL}desk/<slug:claim>/"
_INVESTIGATION = f"{_DESK_CLAIM}investigations/<int:number>/"
_CASE = "me/investigations/<slug:investigation>/"
_ARBITRATION = f"{_POOL}arbitrations/<slug:ref>/"
_ARBITER_CASE = "me/arbitrations/<slug:arbitration>/"
_OUTSIDE = f"{_POOL}outside-reviews/<slug:claim>/"
_OUTSIDE_CASE = "me/outside-reviews/<slug:review>/"
_OBJECTION = f"{_POOL}cases/<case:award>/objections/<int:number>/"
_DRAW = f"{_POOL}draws/<slug:ref>/"
_PERIOD = f"{_POOL}periods/<int:number>/"
_STATEMENT = f"{_POOL}statements/<int:number>/"
_PAYMENT = f"{_POOL}payments/<int:number>/"
_LIMITS = f"{_POOL}release-limits/"
_EXPLANATIONS = f"{_POOL}debits-to-explain/"
_REVERSALS = f"{_POOL}reversals/"
_UNDOINGS = f"{_POOL}wrong-matches/"
_REVOCATIONS = f"{_POOL}aid-taken-back/"
_MONTHS = f"{_POOL}months/"
_ONE_MONTH = f"{_MONTHS}<int:number>/"
_INTERESTS = f"{_POOL}interests/"
_INCOME = f"{_INTERESTS}income/"
_WITNESSES = f"{_POOL}witness-policies/"
_COST = f"{_POOL}outside-costs/<int:number>/"
_WRITE_OFF = f"{_POOL}write-offs/<int:number>/"
_PAUSE = f"{_POOL}pauses/<int:number>/"
_REPORTED_END = f"{_POOL}reported-ends/<int:number>/"
_OPENING = f"{_POOL}opening-balances/<int:number>/"
_IMPORT = f"{_POOL}member-imports/<int:number>/"
_PROPOSAL = f"{_POOL}plan-proposals/<int:number>/"
_ENDING = f"{_POOL}ending/"
_CORRECTION = f"{_POOL}identity-corrections/<int:number>/"
_GUARDIAN = f"{_POOL}guardian-requests/<int:number>/"
_DUTY_CHANGE = f"{_POOL}duty-changes/<int:number>/"
_COMPLAINT = f"{_POOL}complaints/<int:year>/<int:number>/"
_MY_COMPLAINT = f"{_POOL}my-complaints/<int:year>/<int:number>/"
_ANSWERS = f"{_POOL}plan-versions/<int:number>/answers/"

urlpatterns = [
    path("schema/", public(SpectacularAPIView.as_view()), name="api_schema"),
    path("token/", pools.TokenEndpoint.as_view(), name="api_token"),
    path("me/data-exports/", my_data.MyExports.as_view(), name="api_my_exports"),
    path("me/erasure/", my_data.MyErasure.as_view(), name="api_my_erasure"),
    path("me/memberships/", joining.MyMemberships.as_view(), name="api_memberships"),
    path("me/next-charges/", home_api.MyNextCharges.as_view(), name="api_my_next_charges"),
    path("me/todos/", home_api.MyTodos.as_view(), name="api_my_todos"),
    path("me/applications/", application_api.MyApplications.as_view(), name="api_my_applications"),
    path("me/notices/", notice_api.MyNotices.as_view(), name="api_my_notices"),
    path("me/notices/reading/", notice_api.NoticesReading.as_view(), name="api_read_all_notices"),
    path("me/notices/<int:notice_id>/reading/", notice_api.NoticeReading.as_view(), name="api_read_notice"),
    path("me/readers/", reader_api.MyReaders.as_view(), name="api_my_readers"),
    path("me/sessions/", session_api.MySessions.as_view(), name="api_my_sessions"),
    path("me/sessions/others/end/", session_api.OtherSessionsEnd.as_view(), name="api_end_other_sessions"),
    path("me/sessions/<int:session_id>/end/", session_api.SessionEnd.as_view(), name="api_end_session"),
    path("me/proofs/<slug:code>/<int:number>/", rolls.MyProof.as_view(), name="api_my_proof"),
    path("me/claims/", filing.MyClaims.as_view(), name="api_my_claims"),
    path(_MY_CLAIM, publicity.MyClaim.as_view(), name="api_my_claim"),
    path(
        f"{_MY_CLAIM}letters/<int:number>/<slug:language>/",
        publicity.DecisionLetter.as_view(),
        name="api_decision_letter",
    ),
    path(f"{_MY_CLAIM}withdrawal/", publicity.ClaimWithdrawal.as_view(), name="api_withdraw_claim"),
    path(f"{_MY_CLAIM}appeal/", publicity.MakingAppeal.as_view(), name="api_appeal_claim"),
    path(f"{_MY_CLAIM}jury/", jury.TakingToJury.as_view(), name="api_take_to_jury"),
    path(f"{_MY_CLAIM}receipt/", publicity.ReceiptConfirmation.as_view(), name="api_confirm_receipt"),
    path(f"{_MY_CLAIM}papers/", papers.MyPapers.as_view(), name="api_my_papers"),
    path(f"{_MY_CLAIM}papers/<slug:paper>/", papers.MyPaper.as_view(), name="api_my_paper"),
    path("me/phone/", phones.MyPhone.as_view(), name="api_my_phone"),
    path("me/phone/confirmation/", phones.PhoneConfirmation.as_view(), name="api_phone_confirmation"),
    path("me/notice-choices/", choices.MyNoticeChoices.as_view(), name="api_notice_choices"),
    path("me/duty-invitations/", founding.MyInvitations.as_view(), name="api_my_duty_invitations"),
    path(
        "me/duty-invitations/<int:invitation_id>/answer/",
        founding.MyAnswer.as_view(),
        name="api_answer_duty_invitation",
    ),
    path("presets/", founding.PresetList.as_view(), name="api_presets"),
    path("presets/<slug:preset>/pools/", founding.Founding.as_view(), name="api_found_pool"),
    path("pools/", pools.PoolList.as_view(), name="api_pools"),
    path(_POOL, pools.PoolDetail.as_view(), name="api_pool"),
    path(f"{_POOL}readiness/", founding.ReadinessCard.as_view(), name="api_readiness"),
    path(f"{_POOL}plan-draft/", founding.Draft.as_view(), name="api_plan_draft"),
    path(f"{_POOL}duty-invitations/", founding.Inviting.as_view(), name="api_duty_invitations"),
    path(f"{_POOL}gathering/", founding.Gathering.as_view(), name="api_gather_pool"),
    path(f"{_POOL}giving-up/", founding.GivingUp.as_view(), name="api_give_up_pool"),
    path(f"{_POOL}opening/", founding.Opening.as_view(), name="api_open_pool"),
    path(f"{_POOL}member-lists/", imports.ListUpload.as_view(), name="api_member_lists"),
    path(f"{_POOL}member-lists/<slug:sha256>/", imports.Look.as_view(), name="api_member_list"),
    path(
        f"{_POOL}member-lists/<slug:sha256>/proposal/",
        imports.ListProposal.as_view(),
        name="api_propose_import",
    ),
    path(f"{_POOL}member-imports/", imports.ImportList.as_view(), name="api_member_imports"),
    path(f"{_IMPORT}approval/", imports.ImportApproval.as_view(), name="api_approve_import"),
    path(f"{_IMPORT}withdrawal/", imports.ImportWithdrawal.as_view(), name="api_withdraw_import"),
    path(f"{_POOL}opening-balances/", opening_api.OpeningList.as_view(), name="api_opening_balances"),
    path(
        f"{_POOL}opening-balances/proposal/",
        opening_api.OpeningProposal.as_view(),
        name="api_propose_opening",
    ),
    path(f"{_OPENING}approval/", opening_api.OpeningApproval.as_view(), name="api_approve_opening"),
    path(f"{_OPENING}withdrawal/", opening_api.OpeningWithdrawal.as_view(), name="api_withdraw_opening"),
    path(f"{_POOL}duties/", duty_api.HeldDuties.as_view(), name="api_held_duties"),
    path(f"{_POOL}duties/<int:grant_id>/end/", duty_api.DutyEnd.as_view(), name="api_propose_duty_end"),
    path(
        f"{_POOL}duties/<int:grant_id>/lay-down/", duty_api.DutyLaidDown.as_view(), name="api_lay_down_duty"
    ),
    path(f"{_POOL}duty-changes/", duty_api.DutyChangeList.as_view(), name="api_duty_changes"),
    path(f"{_POOL}duty-changes/new/", duty_api.DutyProposal.as_view(), name="api_propose_duty"),
    path(f"{_DUTY_CHANGE}confirmation/", duty_api.DutyConfirmation.as_view(), name="api_confirm_duty_change"),
    path(f"{_DUTY_CHANGE}refusal/", duty_api.DutyRefusal.as_view(), name="api_drop_duty_change"),
    path(f"{_POOL}plan-versions/", pools.PlanVersionList.as_view(), name="api_plan_versions"),
    path(f"{_POOL}plan-versions/<int:number>/changes/", pools.PlanChanges.as_view(), name="api_plan_changes"),
    path(f"{_ANSWERS}figures/", rules.RuleFigures.as_view(), name="api_rule_figures"),
    path(f"{_ANSWERS}unanswered/", rules.UnansweredList.as_view(), name="api_unanswered_rules"),
    path(f"{_ANSWERS}reminder/", rules.Reminding.as_view(), name="api_remind_of_rules"),
    path(f"{_POOL}plan-proposals/", pools.ProposalList.as_view(), name="api_plan_proposals"),
    path(f"{_POOL}plan-proposals/new/", pools.Proposing.as_view(), name="api_propose_plan"),
    path(f"{_PROPOSAL}publication/", pools.ProposalPublication.as_view(), name="api_publish_plan"),
    path(f"{_PROPOSAL}withdrawal/", pools.ProposalWithdrawal.as_view(), name="api_withdraw_plan"),
    path(_ENDING, ending.Ending.as_view(), name="api_ending"),
    path(f"{_ENDING}proposals/", ending.EndingProposalList.as_view(), name="api_ending_proposals"),
    path(f"{_ENDING}proposals/new/", ending.EndingProposing.as_view(), name="api_propose_ending"),
    path(
        f"{_ENDING}proposals/<int:number>/confirmation/",
        ending.EndingConfirmation.as_view(),
        name="api_confirm_ending",
    ),
    path(
        f"{_ENDING}proposals/<int:number>/withdrawal/",
        ending.EndingWithdrawal.as_view(),
        name="api_withdraw_ending",
    ),
    path(f"{_ENDING}settlements/", settlement_api.SettlementList.as_view(), name="api_settlements"),
    path(
        f"{_ENDING}settlements/order/", settlement_api.SettlementOrder.as_view(), name="api_order_settlement"
    ),
    path(
        f"{_ENDING}settlements/<int:number>/approval/",
        settlement_api.SettlementApproval.as_view(),
        name="api_approve_settlement",
    ),
    path(
        f"{_ENDING}settlements/<int:number>/withdrawal/",
        settlement_api.SettlementWithdrawal.as_view(),
        name="api_withdraw_settlement",
    ),
    path(f"{_ENDING}closing/", ending.Closing.as_view(), name="api_close_pool"),
    path(f"{_POOL}signals/", signal_api.SignalPrecision.as_view(), name="api_signals"),
    path(f"{_POOL}periods/", sharing.PeriodList.as_view(), name="api_periods"),
    path(_PERIOD, sharing.PeriodDetail.as_view(), name="api_period"),
    path(f"{_PERIOD}approval/", sharing.PeriodApproval.as_view(), name="api_approval"),
    path(f"{_PERIOD}posting/", sharing.PostingProgress.as_view(), name="api_posting"),
    path(f"{_PERIOD}posting/pause/", sharing.PostingPause.as_view(), name="api_pause_posting"),
    path(f"{_PERIOD}posting/resumption/", sharing.PostingResumption.as_view(), name="api_resume_posting"),
    path(f"{_PERIOD}posting/cancellation/", sharing.PostingCancellation.as_view(), name="api_cancel_posting"),
    path(f"{_POOL}cases/", sharing.CaseList.as_view(), name="api_cases"),
    path(f"{_POOL}cases/<case:award>/objections/", objections.Objections.as_view(), name="api_objections"),
    path(_OBJECTION, objections.DeskObjection.as_view(), name="api_objection"),
    path(f"{_OBJECTION}papers/", objections.ObjectionPapers.as_view(), name="api_objection_papers"),
    path(f"{_OBJECTION}answer/", objections.AnsweringObjection.as_view(), name="api_answer_objection"),
    path(f"{_OBJECTION}redactions/", objections.TakingWordsOut.as_view(), name="api_take_words_out"),
    path(f"{_OBJECTION}withholdings/", objections.WithholdingPaper.as_view(), name="api_withhold_paper"),
    path(
        f"{_OBJECTION}redactions/<int:redaction>/decision/",
        objections.DecidingRedaction.as_view(),
        name="api_decide_redaction",
    ),
    path(f"{_MY_CLAIM}objections/", objections.ObjectionsOfMyClaim.as_view(), name="api_my_claim_objections"),
    path(
        f"{_MY_CLAIM}objections/<int:number>/reply/",
        objections.ReplyToObjection.as_view(),
        name="api_reply_to_objection",
    ),
    path(
        f"{_MY_CLAIM}objections/<int:number>/papers/<slug:paper>/file/",
        objections.ToldPaperFile.as_view(),
        name="api_told_paper",
    ),
    path(f"{_POOL}review-times/", review.ReviewTimes.as_view(), name="api_review_times"),
    path(f"{_POOL}my-jury/", jury.MyJury.as_view(), name="api_my_jury"),
    path(f"{_POOL}my-jury/offer/", jury.JuryOffer.as_view(), name="api_offer_to_judge"),
    path(f"{_POOL}my-jury/step-back/", jury.JuryStepBack.as_view(), name="api_step_back_as_juror"),
    path(f"{_POOL}log/checkpoint/", openbooks.LastCheckpoint.as_view(), name="api_checkpoint"),
    path(f"{_POOL}log/<int:seq>/inclusion/", openbooks.Inclusion.as_view(), name="api_inclusion"),
    path(f"{_POOL}log/consistency/<int:old>/", openbooks.Consistency.as_view(), name="api_consistency"),
    path(f"{_POOL}log/witnesses/", witness_api.LogWitnesses.as_view(), name="api_log_witnesses"),
    path(f"{_POOL}log/time-stamps/", stamp_api.LogStamps.as_view(), name="api_log_stamps"),
    path(_WITNESSES, witness_api.WitnessPolicyList.as_view(), name="api_witness_policies"),
    path(f"{_WITNESSES}propose/", witness_api.WitnessPolicyProposal.as_view(), name="api_propose_witnesses"),
    path(
        f"{_WITNESSES}<int:number>/approval/",
        witness_api.WitnessPolicyApproval.as_view(),
        name="api_approve_witnesses",
    ),
    path(
        f"{_WITNESSES}<int:number>/withdrawal/",
        witness_api.WitnessPolicyWithdrawal.as_view(),
        name="api_withdraw_witnesses",
    ),
    path(f"{_POOL}draws/", jury.DrawList.as_view(), name="api_jury_draws"),
    path(_DRAW, jury.DrawDetail.as_view(), name="api_jury_draw"),
    path(f"{_DRAW}commitment/", jury.WitnessCommitment.as_view(), name="api_commit_to_words"),
    path(f"{_DRAW}words/", jury.WitnessTelling.as_view(), name="api_tell_words"),
    path(f"{_DRAW}seat/", jury.MySeat.as_view(), name="api_jury_seat"),
    path(f"{_DRAW}seat/ballot/", jury.SeatBallot.as_view(), name="api_cast_ballot"),
    path(f"{_DRAW}seat/decline/", jury.SeatDeclined.as_view(), name="api_decline_seat"),
    path(f"{_MY_CLAIM}arbitration/", arbiter.ArbitrationOfMyClaim.as_view(), name="api_my_claim_arbitration"),
    path(f"{_POOL}arbitrations/", arbiter.ArbitrationList.as_view(), name="api_arbitrations"),
    path(_ARBITRATION, arbiter.ArbitrationDetail.as_view(), name="api_arbitration"),
    path(f"{_ARBITRATION}arbiter/", arbiter.ArbiterAppointment.as_view(), name="api_arbiter_appointment"),
    path(f"{_ARBITRATION}proposal/", arbiter.ArbiterProposal.as_view(), name="api_propose_arbiter"),
    path(f"{_ARBITRATION}agreement/", arbiter.ArbiterAgreement.as_view(), name="api_agree_to_arbiter"),
    path(f"{_ARBITRATION}link/", arbiter.ArbiterLink.as_view(), name="api_link_arbiter"),
    path(f"{_ARBITRATION}replacement/", arbiter.ArbiterReplacement.as_view(), name="api_replace_arbiter"),
    path("me/arbitrations/", arbiter.MyArbitrations.as_view(), name="api_my_arbitrations"),
    path("me/arbitrations/acceptance/", arbiter.ArbiterAcceptance.as_view(), name="api_accept_arbitration"),
    path(_ARBITER_CASE, arbiter.MyArbitration.as_view(), name="api_my_arbitration"),
    path(f"{_ARBITER_CASE}decision/", arbiter.ArbiterDecision.as_view(), name="api_decide_as_arbiter"),
    path(f"{_ARBITER_CASE}decline/", arbiter.ArbiterDeclined.as_view(), name="api_decline_arbitration"),
    path(_OUTSIDE, outside.OutsideAppointment.as_view(), name="api_outside_appointment"),
    path(f"{_OUTSIDE}proposal/", outside.OutsideProposal.as_view(), name="api_propose_outside"),
    path(f"{_OUTSIDE}agreement/", outside.OutsideAgreement.as_view(), name="api_agree_to_outside"),
    path(f"{_OUTSIDE}link/", outside.OutsideLink.as_view(), name="api_link_outside"),
    path(f"{_OUTSIDE}end/", outside.OutsideEnd.as_view(), name="api_end_outside"),
    path("me/outside-reviews/", outside.MyOutsideReviews.as_view(), name="api_my_outside_reviews"),
    path("me/outside-reviews/acceptance/", outside.OutsideAcceptance.as_view(), name="api_accept_outside"),
    path(_OUTSIDE_CASE, outside.MyOutsideReview.as_view(), name="api_my_outside_review"),
    path(f"{_OUTSIDE_CASE}papers/", outside.OutsidePapers.as_view(), name="api_outside_papers"),
    path(
        f"{_OUTSIDE_CASE}papers/<slug:paper>/opening/",
        outside.OutsideOpening.as_view(),
        name="api_open_paper_outside",
    ),
    path(
        f"{_OUTSIDE_CASE}openings/<int:opening>/file/", outside.OutsideFile.as_view(), name="api_outside_file"
    ),
    path(
        f"{_OUTSIDE_CASE}recommendation/",
        outside.OutsideRecommendation.as_view(),
        name="api_recommend_outside",
    ),
    path(f"{_OUTSIDE_CASE}decision/", outside.OutsideDecision.as_view(), name="api_decide_outside"),
    path(
        f"{_OUTSIDE_CASE}objections/",
        outside_answers.OutsideObjections.as_view(),
        name="api_outside_objections",
    ),
    path(
        f"{_OUTSIDE_CASE}objections/<int:number>/answer/",
        outside_answers.OutsideAnswer.as_view(),
        name="api_outside_answer",
    ),
    path(f"{_OUTSIDE_CASE}decline/", outside.OutsideDeclined.as_view(), name="api_decline_outside"),
    path(
        f"{_MY_CLAIM}outside-reviews/", outside.OutsideReviewsOfMyClaim.as_view(), name="api_my_claim_outside"
    ),
    path("me/investigations/", investigating.MyInvestigations.as_view(), name="api_my_investigations"),
    path(
        "me/investigations/acceptance/",
        investigating.InvestigationAcceptance.as_view(),
        name="api_accept_investigation",
    ),
    path(_CASE, investigating.MyInvestigation.as_view(), name="api_my_investigation"),
    path(f"{_CASE}papers/", investigating.InvestigationPapers.as_view(), name="api_investigation_papers"),
    path(
        f"{_CASE}papers/<slug:paper>/openings/",
        investigating.InvestigationOpening.as_view(),
        name="api_investigation_opening",
    ),
    path(
        f"{_CASE}openings/<int:opening>/file/",
        investigating.InvestigationFile.as_view(),
        name="api_investigation_file",
    ),
    path(f"{_CASE}report/", investigating.InvestigationReport.as_view(), name="api_report_investigation"),
    path(
        f"{_MY_CLAIM}investigations/",
        investigating.InvestigationsOfMyClaim.as_view(),
        name="api_my_claim_investigations",
    ),
    path(
        f"{_MY_CLAIM}investigations/<int:number>/answer/",
        investigating.FindingsAnswer.as_view(),
        name="api_answer_findings",
    ),
    path(
        f"{_DESK_CLAIM}investigations/",
        investigating.DeskInvestigations.as_view(),
        name="api_desk_investigations",
    ),
    path(
        f"{_INVESTIGATION}agreement/",
        investigating.InvestigationAgreement.as_view(),
        name="api_agree_to_investigation",
    ),
    path(f"{_INVESTIGATION}link/", investigating.InvestigationLink.as_view(), name="api_link_investigation"),
    path(
        f"{_INVESTIGATION}extension/",
        investigating.InvestigationExtension.as_view(),
        name="api_extend_investigation",
    ),
    path(
        f"{_INVESTIGATION}revocation/",
        investigating.InvestigationRevocation.as_view(),
        name="api_revoke_investigation",
    ),
    path(f"{_POOL}desk/", review.Desk.as_view(), name="api_desk"),
    path(_DESK_CLAIM, judging.DeskClaim.as_view(), name="api_desk_claim"),
    path(f"{_DESK_CLAIM}recommendation/", judging.Recommending.as_view(), name="api_recommend_claim"),
    path(f"{_DESK_CLAIM}decision/", judging.Deciding.as_view(), name="api_decide_claim"),
    path(f"{_DESK_CLAIM}workspace/", workspace.DeskWorkspace.as_view(), name="api_desk_workspace"),
    path(f"{_DESK_CLAIM}assignment/", workspace.DeskAssignment.as_view(), name="api_take_up_claim"),
    path(f"{_DESK_CLAIM}hand-over/", workspace.DeskHandOver.as_view(), name="api_hand_over_claim"),
    path(f"{_DESK_CLAIM}notes/", workspace.DeskNotes.as_view(), name="api_review_notes"),
    path(f"{_DESK_CLAIM}paper-requests/", workspace.DeskPaperRequests.as_view(), name="api_request_papers"),
    path(f"{_DESK_CLAIM}papers/", openings.DeskPapers.as_view(), name="api_desk_papers"),
    path(f"{_DESK_CLAIM}papers/<slug:paper>/opening/", openings.DeskOpening.as_view(), name="api_open_paper"),
    path(
        f"{_DESK_CLAIM}openings/<int:opening>/file/",
        openings.DeskOpeningFile.as_view(),
        name="api_opening_file",
    ),
    path(f"{_POOL}my-guardianships/", guardians.MyGuardianships.as_view(), name="api_my_guardianships"),
    path(
        f"{_POOL}my-guardianships/<int:number>/take-back/",
        guardians.GuardianshipTakenBack.as_view(),
        name="api_take_back_guardianship",
    ),
    path(f"{_POOL}children-without-guardian/", guardians.ChildrenAlone.as_view(), name="api_children_alone"),
    path(f"{_POOL}guardian-requests/", guardians.GuardianRequestList.as_view(), name="api_guardian_requests"),
    path(f"{_GUARDIAN}propose/", guardians.GuardianProposal.as_view(), name="api_propose_guardian"),
    path(f"{_GUARDIAN}grant/", guardians.GuardianGrant.as_view(), name="api_grant_guardian"),
    path(f"{_GUARDIAN}decline/", guardians.GuardianRefusal.as_view(), name="api_decline_guardian"),
    path(f"{_POOL}my-identity/", corrections.MyIdentity.as_view(), name="api_my_identity"),
    path(
        f"{_POOL}my-identity/<int:number>/take-back/",
        corrections.CorrectionTakenBack.as_view(),
        name="api_take_back_correction",
    ),
    path(f"{_POOL}identity-corrections/", corrections.CorrectionList.as_view(), name="api_corrections"),
    path(_CORRECTION, corrections.CorrectionDetail.as_view(), name="api_correction"),
    path(f"{_CORRECTION}propose/", corrections.CorrectionProposal.as_view(), name="api_propose_correction"),
    path(f"{_CORRECTION}grant/", corrections.CorrectionGrant.as_view(), name="api_grant_correction"),
    path(f"{_CORRECTION}decline/", corrections.CorrectionRefusal.as_view(), name="api_decline_correction"),
    path(f"{_POOL}my-deputies/", deputies.MyDeputies.as_view(), name="api_my_deputies"),
    path(f"{_POOL}my-deputies/<int:deputy_id>/end/", deputies.NamedEnd.as_view(), name="api_end_named"),
    path(f"{_POOL}my-deputies/links/", deputy_links.MyDeputyLinks.as_view(), name="api_my_deputy_links"),
    path(
        f"{_POOL}my-deputies/links/<int:link_id>/take-back/",
        deputy_links.DeputyLinkTakenBack.as_view(),
        name="api_take_deputy_link_back",
    ),
    path(
        "me/standing-by/links/<slug:token>/",
        deputy_links.StandingByLink.as_view(),
        name="api_standing_by_link",
    ),
    path("me/standing-by/", deputies.StandingBy.as_view(), name="api_standing_by"),
    path(
        "me/standing-by/<int:deputy_id>/acceptance/",
        deputies.DeputyAcceptance.as_view(),
        name="api_accept_deputy",
    ),
    path("me/standing-by/<int:deputy_id>/end/", deputies.DeputyEnd.as_view(), name="api_end_deputy"),
    path(f"{_POOL}my-payer/", payers.MyPayer.as_view(), name="api_my_payer"),
    path(f"{_POOL}my-payer/request/", payers.PayerRequest.as_view(), name="api_ask_payer"),
    path(
        f"{_POOL}my-payer/<int:link_id>/acceptance/",
        payers.PayerAcceptance.as_view(),
        name="api_accept_payer",
    ),
    path(f"{_POOL}my-payer/<int:link_id>/end/", payers.PayerEnd.as_view(), name="api_end_payer"),
    path(f"{_POOL}my-rules/", rules.MyRules.as_view(), name="api_my_rules"),
    path(f"{_POOL}my-rules/<int:number>/consent/", rules.MyConsent.as_view(), name="api_agree_to_rules"),
    path(f"{_POOL}my-going-on/", going_on_api.MyGoingOn.as_view(), name="api_my_going_on"),
    path(f"{_POOL}my-going-on/take-back/", going_on_api.GoingOnBack.as_view(), name="api_take_back_going_on"),
    path(f"{_POOL}last-ages/", last_age_api.LeaverList.as_view(), name="api_last_ages"),
    path(f"{_POOL}my-place/", place_api.MyPlace.as_view(), name="api_my_place"),
    path(f"{_POOL}my-payment/", pay_api.MyPayment.as_view(), name="api_my_payment"),
    path(
        f"{_POOL}my-joining-papers/", application_api.MyJoiningPapers.as_view(), name="api_my_joining_papers"
    ),
    path(
        f"{_POOL}my-joining-papers/<slug:kind>/<slug:language>/",
        application_api.MyJoiningPaper.as_view(),
        name="api_my_joining_paper",
    ),
    path(f"{_POOL}my-charges/", share_api.MyCharges.as_view(), name="api_my_charges"),
    path(f"{_POOL}my-statements/", share_api.MyStatements.as_view(), name="api_my_statements"),
    path(f"{_POOL}my-statements/<int:year>/", share_api.MyStatement.as_view(), name="api_my_statement"),
    path(f"{_POOL}my-mandates/", mandate_api.MyMandates.as_view(), name="api_my_mandates"),
    path(f"{_POOL}my-debits/", charge_api.MyDebits.as_view(), name="api_my_debits"),
    path(f"{_POOL}my-debits/coming/", charge_api.MyComingDebits.as_view(), name="api_my_coming_debits"),
    path(f"{_POOL}my-memberships/", leaving.MyStays.as_view(), name="api_my_stays"),
    path(f"{_POOL}my-leaving/", leaving.MyLeaving.as_view(), name="api_my_leaving"),
    path(f"{_POOL}my-wallet/", disclosure.MyWallet.as_view(), name="api_my_wallet"),
    path(f"{_POOL}my-invitations/", invitation_api.MyInvitations.as_view(), name="api_my_invitations"),
    path(
        f"{_POOL}my-invitations/<int:invitation_id>/end/",
        invitation_api.InvitationTakenBack.as_view(),
        name="api_take_back_invitation",
    ),
    path(f"{_POOL}my-family/", disclosure.MyFamily.as_view(), name="api_my_family"),
    path(f"{_CHILD}leaving/", leaving.ChildLeaving.as_view(), name="api_child_leaving"),
    path(f"{_CHILD}identity/", corrections.ChildIdentity.as_view(), name="api_child_identity"),
    path(
        f"{_CHILD}identity/<int:request_no>/take-back/",
        corrections.ChildCorrectionTakenBack.as_view(),
        name="api_take_back_child_correction",
    ),
    path(f"{_CHILD}payer/", payers.ChildPayer.as_view(), name="api_child_payer"),
    path(f"{_CHILD}payer/request/", payers.ChildPayerRequest.as_view(), name="api_ask_child_payer"),
    path(f"{_CHILD}payer/<int:link_id>/end/", payers.ChildPayerEnd.as_view(), name="api_end_child_payer"),
    path(f"{_POOL}accounts/", books.AccountList.as_view(), name="api_accounts"),
    path(f"{_POOL}trial-balance/", books.TrialBalance.as_view(), name="api_trial_balance"),
    path(f"{_POOL}entries/", books.EntryList.as_view(), name="api_entries"),
    path(f"{_POOL}verifications/", verification.VerificationList.as_view(), name="api_verifications"),
    path(
        f"{_POOL}verifications/<int:number>/",
        verification.VerificationDetail.as_view(),
        name="api_verification",
    ),
    path(f"{_PERIOD}end/", period_end_api.PeriodEnd.as_view(), name="api_period_end"),
    path(f"{_POOL}entries/<int:number>/", books.EntryDetail.as_view(), name="api_entry"),
    path(f"{_POOL}bank/", custody.Bank.as_view(), name="api_bank"),
    path(f"{_POOL}statements/", custody.StatementList.as_view(), name="api_statements"),
    path(f"{_POOL}reconciliations/", reconciled_api.ReconciledDays.as_view(), name="api_reconciliations"),
    path(
        f"{_POOL}reconciliations/now/", reconciled_api.ReconciledNow.as_view(), name="api_reconciliation_now"
    ),
    path(_STATEMENT, custody.StatementDetail.as_view(), name="api_statement"),
    path(f"{_STATEMENT}lines/", custody.StatementLineList.as_view(), name="api_statement_lines"),
    path(f"{_POOL}unidentified/", receipt_api.UnidentifiedList.as_view(), name="api_unidentified"),
    path(
        f"{_STATEMENT}lines/<int:line_no>/identification/",
        receipt_api.ReceiptIdentification.as_view(),
        name="api_identify_receipt",
    ),
    path(
        f"{_STATEMENT}lines/<int:line_no>/undoing/",
        undoing_api.UndoingProposal.as_view(),
        name="api_propose_undoing",
    ),
    path(_UNDOINGS, undoing_api.UndoingList.as_view(), name="api_undoings"),
    path(
        f"{_UNDOINGS}<int:number>/agree/",
        undoing_api.UndoingAgreement.as_view(),
        name="api_agree_to_undoing",
    ),
    path(
        f"{_UNDOINGS}<int:number>/withdraw/",
        undoing_api.UndoingWithdrawal.as_view(),
        name="api_withdraw_undoing",
    ),
    path(f"{_POOL}payable/", custody.PayableList.as_view(), name="api_payable"),
    path(f"{_POOL}cash/", custody.CashBeforeRelease.as_view(), name="api_cash"),
    path(f"{_POOL}payments/", custody.PaymentList.as_view(), name="api_payments"),
    path(f"{_POOL}payments/aid/<case:award>/", custody.AidOrder.as_view(), name="api_order_aid"),
    path(f"{_POOL}payment-files/", payment_file_api.PaymentFileList.as_view(), name="api_payment_files"),
    path(
        f"{_POOL}payment-files/next/",
        payment_file_api.PaymentFileNext.as_view(),
        name="api_make_payment_file",
    ),
    path(_EXPLANATIONS, explanation_api.DebitsToExplain.as_view(), name="api_debits_to_explain"),
    path(f"{_EXPLANATIONS}found/", explanation_api.ExplanationList.as_view(), name="api_explanations"),
    path(
        f"{_EXPLANATIONS}<int:statement_no>/<int:line_no>/propose/",
        explanation_api.ExplanationProposal.as_view(),
        name="api_propose_explanation",
    ),
    path(
        f"{_EXPLANATIONS}<int:number>/agree/",
        explanation_api.ExplanationAgreement.as_view(),
        name="api_agree_to_explanation",
    ),
    path(
        f"{_EXPLANATIONS}<int:number>/withdraw/",
        explanation_api.ExplanationWithdrawal.as_view(),
        name="api_withdraw_explanation",
    ),
    path(
        f"{_POOL}entries/<int:number>/reversal/",
        reversal_api.ReversalProposal.as_view(),
        name="api_propose_reversal",
    ),
    path(_REVERSALS, reversal_api.ReversalList.as_view(), name="api_reversals"),
    path(
        f"{_REVERSALS}<int:number>/agree/",
        reversal_api.ReversalAgreement.as_view(),
        name="api_agree_to_reversal",
    ),
    path(
        f"{_REVERSALS}<int:number>/withdraw/",
        reversal_api.ReversalWithdrawal.as_view(),
        name="api_withdraw_reversal",
    ),
    path(_REVOCATIONS, revocation_api.RevocationList.as_view(), name="api_revocations"),
    path(
        f"{_REVOCATIONS}<case:award>/propose/",
        revocation_api.RevocationProposal.as_view(),
        name="api_propose_revocation",
    ),
    path(
        f"{_REVOCATIONS}<int:number>/agree/",
        revocation_api.RevocationAgreement.as_view(),
        name="api_agree_to_revocation",
    ),
    path(
        f"{_REVOCATIONS}<int:number>/withdraw/",
        revocation_api.RevocationWithdrawal.as_view(),
        name="api_withdraw_revocation",
    ),
    path(_MONTHS, month_api.MonthCloses.as_view(), name="api_months"),
    path(f"{_MONTHS}closed/", month_api.PublicMonths.as_view(), name="api_closed_months"),
    path(f"{_MONTHS}next/", month_api.MonthToClose.as_view(), name="api_month_to_close"),
    path(
        f"{_MONTHS}<slug:month>/propose/",
        month_api.MonthCloseProposal.as_view(),
        name="api_propose_month_close",
    ),
    path(f"{_ONE_MONTH}agree/", month_api.MonthCloseAgreement.as_view(), name="api_agree_to_month_close"),
    path(f"{_ONE_MONTH}withdraw/", month_api.MonthCloseWithdrawal.as_view(), name="api_withdraw_month_close"),
    path(
        f"{_ONE_MONTH}reopen/",
        month_api.MonthReopeningProposal.as_view(),
        name="api_propose_month_reopening",
    ),
    path(
        f"{_ONE_MONTH}reopen/agree/",
        month_api.MonthReopeningAgreement.as_view(),
        name="api_agree_to_month_reopening",
    ),
    path(
        f"{_ONE_MONTH}reopen/withdraw/",
        month_api.MonthReopeningWithdrawal.as_view(),
        name="api_withdraw_month_reopening",
    ),
    path(_INTERESTS, interest_api.InterestList.as_view(), name="api_interests"),
    path(f"{_INTERESTS}told/", interest_api.InterestsTold.as_view(), name="api_interests_told"),
    path(f"{_INTERESTS}propose/", interest_api.InterestProposal.as_view(), name="api_propose_interest"),
    path(
        f"{_INTERESTS}<int:number>/confirmation/",
        interest_api.InterestConfirmation.as_view(),
        name="api_confirm_interest",
    ),
    path(
        f"{_INTERESTS}<int:number>/withdrawal/",
        interest_api.InterestWithdrawal.as_view(),
        name="api_withdraw_interest",
    ),
    path(_INCOME, interest_api.IncomeList.as_view(), name="api_operator_income"),
    path(f"{_INCOME}reports/", interest_api.IncomeReports.as_view(), name="api_income_reports"),
    path(f"{_INCOME}report/", interest_api.IncomeProposal.as_view(), name="api_report_income"),
    path(
        f"{_INCOME}<int:number>/confirmation/",
        interest_api.IncomeConfirmation.as_view(),
        name="api_confirm_income",
    ),
    path(
        f"{_INCOME}<int:number>/withdrawal/",
        interest_api.IncomeWithdrawal.as_view(),
        name="api_withdraw_income",
    ),
    path(_LIMITS, release_limit_api.ReleaseLimitList.as_view(), name="api_release_limits"),
    path(f"{_LIMITS}now/", release_limit_api.ReleaseLimitsNow.as_view(), name="api_release_limits_now"),
    path(
        f"{_LIMITS}propose/",
        release_limit_api.ReleaseLimitProposal.as_view(),
        name="api_propose_release_limits",
    ),
    path(
        f"{_LIMITS}<int:number>/approval/",
        release_limit_api.ReleaseLimitApproval.as_view(),
        name="api_approve_release_limits",
    ),
    path(
        f"{_LIMITS}<int:number>/withdrawal/",
        release_limit_api.ReleaseLimitWithdrawal.as_view(),
        name="api_withdraw_release_limits",
    ),
    path(_PAYMENT, custody.PaymentDetail.as_view(), name="api_payment"),
    path(f"{_PAYMENT}release/", custody.PaymentRelease.as_view(), name="api_release_payment"),
    path(f"{_PAYMENT}cancellation/", custody.PaymentCancellation.as_view(), name="api_cancel_payment"),
    path(f"{_POOL}my-arrears/", arrears_api.MyArrears.as_view(), name="api_my_arrears"),
    path(f"{_POOL}late-members/", arrears_api.LateList.as_view(), name="api_late_members"),
    path(f"{_POOL}pauses/", arrears_api.PauseList.as_view(), name="api_pauses"),
    path(f"{_POOL}pauses/ask/", arrears_api.PauseRequest.as_view(), name="api_ask_pause"),
    path(f"{_PAUSE}proposal/", arrears_api.PauseProposal.as_view(), name="api_propose_pause"),
    path(f"{_PAUSE}grant/", arrears_api.PauseGrant.as_view(), name="api_grant_pause"),
    path(f"{_PAUSE}refusal/", arrears_api.PauseRefusal.as_view(), name="api_decline_pause"),
    path(f"{_POOL}shares-returned/", share_return_api.SharesReturnList.as_view(), name="api_shares_returned"),
    path(f"{_POOL}outside-costs/", cost_api.OutsideCostList.as_view(), name="api_costs"),
    path(f"{_COST}approval/", cost_api.OutsideCostApproval.as_view(), name="api_approve_cost"),
    path(f"{_COST}turned-down/", cost_api.OutsideCostTurnedDown.as_view(), name="api_turn_down_cost"),
    path(f"{_COST}order/", cost_api.OutsideCostOrder.as_view(), name="api_order_cost"),
    path(f"{_POOL}charge-files/", charge_api.ChargeFileList.as_view(), name="api_charge_files"),
    path(
        f"{_POOL}charge-files/<int:number>/instructions/",
        charge_api.InstructionList.as_view(),
        name="api_charge_instructions",
    ),
    path(
        f"{_POOL}periods/<int:number>/charge-files/",
        charge_api.ChargeFileMaking.as_view(),
        name="api_make_charge_files",
    ),
    path(f"{_POOL}debit-results/", charge_api.ResultFileList.as_view(), name="api_debit_results"),
    path(
        f"{_POOL}debit-results/import/", charge_api.ResultsImport.as_view(), name="api_import_debit_results"
    ),
    path(f"{_POOL}write-offs/", write_off_api.WriteOffList.as_view(), name="api_write_offs"),
    path(f"{_POOL}write-offs/order/", write_off_api.WriteOffOrder.as_view(), name="api_order_write_off"),
    path(f"{_WRITE_OFF}approval/", write_off_api.WriteOffApproval.as_view(), name="api_approve_write_off"),
    path(f"{_POOL}reported-ends/", report_api.ReportedEndList.as_view(), name="api_reported_ends"),
    path(f"{_POOL}reported-ends/report/", report_api.EndReport.as_view(), name="api_report_end"),
    path(f"{_REPORTED_END}confirmation/", report_api.EndConfirmation.as_view(), name="api_confirm_end"),
    path(f"{_REPORTED_END}withdrawal/", report_api.EndWithdrawal.as_view(), name="api_withdraw_end"),
    path(
        f"{_WRITE_OFF}withdrawal/", write_off_api.WriteOffWithdrawal.as_view(), name="api_withdraw_write_off"
    ),
    path(f"{_POOL}rights/", rights.Rights.as_view(), name="api_rights"),
    path(f"{_POOL}my-complaints/", rights.MyComplaints.as_view(), name="api_my_complaints"),
    path(_MY_COMPLAINT, rights.MyComplaint.as_view(), name="api_my_complaint"),
    path(f"{_MY_COMPLAINT}settlement/", rights.ComplaintSettled.as_view(), name="api_settle_complaint"),
    path(f"{_MY_COMPLAINT}second-look/", rights.ComplaintPassedOn.as_view(), name="api_pass_complaint_on"),
    path(f"{_POOL}complaints/", rights.ComplaintList.as_view(), name="api_complaints"),
    path(_COMPLAINT, rights.ComplaintDetail.as_view(), name="api_complaint"),
    path(f"{_COMPLAINT}answer/", rights.ComplaintAnswer.as_view(), name="api_answer_complaint"),
]
