"""Addresses of joining."""

from django.urls import path

from members.joining import (
    correction_views,
    deputy_link_views,
    deputy_views,
    family_views,
    guardian_views,
    import_views,
    invitation_views,
    last_age_views,
    paper_views,
    payer_views,
    rule_views,
    views,
)

_MOVE_IN = "pools/<slug:code>/move-in/"
_LIST = f"{_MOVE_IN}lists/<slug:sha256>/"
_IMPORT = f"{_MOVE_IN}<int:number>/"
_ANSWERS = "pools/<slug:code>/plan/<int:number>/answers"
_CORRECTIONS = "pools/<slug:code>/identity-corrections"
_CHILD = "pools/<slug:code>/me/family/<int:number>/"

urlpatterns = [
    path(_MOVE_IN, import_views.move_in, name="move_in"),
    path(f"{_MOVE_IN}template/<slug:kind>/", import_views.template, name="move_in_template"),
    path(f"{_MOVE_IN}lists/", import_views.upload, name="move_in_upload"),
    path(_LIST, import_views.look, name="move_in_look"),
    path(f"{_LIST}propose/", import_views.propose, name="move_in_propose"),
    path(f"{_LIST}discard/", import_views.discard, name="move_in_discard"),
    path(_IMPORT, import_views.import_page, name="move_in_import"),
    path(f"{_IMPORT}approve/", import_views.approve, name="move_in_approve"),
    path(f"{_IMPORT}withdraw/", import_views.withdraw, name="move_in_withdraw"),
    path(f"{_IMPORT}rows/<int:row_no>/take-back/", import_views.take_back, name="move_in_take_back"),
    path(
        "pools/<slug:code>/me/papers/<slug:kind>/<slug:language>.pdf", paper_views.my_paper, name="my_paper"
    ),
    path("pools/<slug:code>/me/payer/", payer_views.my_payer, name="my_payer"),
    path("pools/<slug:code>/me/payer/<int:link_id>/accept/", payer_views.accept_payer, name="accept_payer"),
    path("pools/<slug:code>/me/payer/<int:link_id>/end/", payer_views.end_payer, name="end_payer"),
    path("pools/<slug:code>/me/deputies/", deputy_views.my_deputies, name="my_deputies"),
    path("pools/<slug:code>/me/deputies/<int:deputy_id>/end/", deputy_views.end_named, name="end_named"),
    path("pools/<slug:code>/me/deputies/links/", deputy_link_views.make, name="make_deputy_link"),
    path(
        "pools/<slug:code>/me/deputies/links/<int:link_id>/take-back/",
        deputy_link_views.take_back,
        name="take_deputy_link_back",
    ),
    path("standing-by/by/<slug:token>/", deputy_link_views.opened, name="standing_by_link"),
    path("standing-by/", deputy_views.standing_by, name="standing_by"),
    path("standing-by/<int:deputy_id>/accept/", deputy_views.accept, name="accept_deputy"),
    path("standing-by/<int:deputy_id>/end/", deputy_views.end, name="end_deputy"),
    path(f"{_CHILD}identity/", correction_views.child_identity, name="child_identity"),
    path(
        f"{_CHILD}identity/<int:request_no>/take-back/",
        correction_views.take_child_back,
        name="take_back_child_correction",
    ),
    path(f"{_CHILD}payer/", payer_views.child_payer, name="child_payer"),
    path(f"{_CHILD}payer/<int:link_id>/end/", payer_views.end_child_payer, name="end_child_payer"),
    path("pools/<slug:code>/me/rules/<int:number>/", rule_views.my_rules, name="my_rules"),
    path(f"{_ANSWERS}/", rule_views.rule_answers, name="rule_answers"),
    path(f"{_ANSWERS}.csv", rule_views.rule_answers_csv, name="rule_answers_csv"),
    path(f"{_ANSWERS}/remind/", rule_views.remind_of_rules, name="remind_of_rules"),
    path("pools/<slug:code>/last-ages/", last_age_views.last_age_list, name="last_ages"),
    path("pools/<slug:code>/last-ages.csv", last_age_views.last_age_csv, name="last_ages_csv"),
    path("pools/<slug:code>/me/family/add/", family_views.family_add, name="family_add"),
    path("pools/<slug:code>/me/family/add/give-up/", family_views.family_give_up, name="family_give_up"),
    path("pools/<slug:code>/me/family/add/<slug:step>/", family_views.family_step, name="family_step"),
    path("pools/<slug:code>/me/guardianships/", guardian_views.my_guardianships, name="my_guardianships"),
    path(
        "pools/<slug:code>/me/guardianships/<int:number>/take-back/",
        guardian_views.take_back,
        name="take_back_guardianship",
    ),
    path("pools/<slug:code>/guardians/", guardian_views.guardians, name="guardians"),
    path(
        "pools/<slug:code>/guardians/<int:number>/propose/", guardian_views.propose, name="propose_guardian"
    ),
    path("pools/<slug:code>/guardians/<int:number>/grant/", guardian_views.grant, name="grant_guardian"),
    path(
        "pools/<slug:code>/guardians/<int:number>/decline/", guardian_views.decline, name="decline_guardian"
    ),
    path("pools/<slug:code>/me/identity/", correction_views.my_identity, name="my_identity"),
    path(
        "pools/<slug:code>/me/identity/<int:number>/take-back/",
        correction_views.take_back,
        name="take_back_correction",
    ),
    path(f"{_CORRECTIONS}/", correction_views.corrections, name="identity_corrections"),
    path(f"{_CORRECTIONS}/<int:number>/", correction_views.correction, name="identity_correction"),
    path(f"{_CORRECTIONS}/<int:number>/propose/", correction_views.propose, name="propose_correction"),
    path(f"{_CORRECTIONS}/<int:number>/grant/", correction_views.grant, name="grant_correction"),
    path(f"{_CORRECTIONS}/<int:number>/decline/", correction_views.decline, name="decline_correction"),
    path("pools/<slug:code>/me/invitations/", invitation_views.invitations, name="invitations"),
    path(
        "pools/<slug:code>/me/invitations/<int:invitation_id>/take-back/",
        invitation_views.take_back_invitation,
        name="take_back_invitation",
    ),
    path("pools/<slug:code>/join/by/<slug:token>/", invitation_views.join_invited, name="join_invited"),
    path("pools/<slug:code>/join/", views.join, name="join"),
    path("pools/<slug:code>/join/begin/", views.join_begin, name="join_begin"),
    path("pools/<slug:code>/join/give-up/", views.join_give_up, name="join_give_up"),
    path("pools/<slug:code>/join/<slug:step>/", views.join_step, name="join_step"),
]
