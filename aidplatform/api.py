"""All addresses of the API: this file only gathers them."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView

from aidplatform.lib.http import public
from ledger.books import api as books
from ledger.disclosure import api as disclosure
from ledger.sharing import api as sharing
from members.joining import api as joining
from members.pools import api as pools

_POOL = "pools/<slug:code>/"

urlpatterns = [
    path("schema/", public(SpectacularAPIView.as_view()), name="api_schema"),
    path("token/", pools.TokenEndpoint.as_view(), name="api_token"),
    path("me/memberships/", joining.MyMemberships.as_view(), name="api_memberships"),
    path("pools/", pools.PoolList.as_view(), name="api_pools"),
    path(_POOL, pools.PoolDetail.as_view(), name="api_pool"),
    path(f"{_POOL}plan-versions/", pools.PlanVersionList.as_view(), name="api_plan_versions"),
    path(f"{_POOL}periods/", sharing.PeriodList.as_view(), name="api_periods"),
    path(f"{_POOL}periods/<int:number>/", sharing.PeriodDetail.as_view(), name="api_period"),
    path(f"{_POOL}periods/<int:number>/approval/", sharing.PeriodApproval.as_view(), name="api_approval"),
    path(f"{_POOL}cases/", sharing.CaseList.as_view(), name="api_cases"),
    path(f"{_POOL}my-charges/", disclosure.MyCharges.as_view(), name="api_my_charges"),
    path(f"{_POOL}accounts/", books.AccountList.as_view(), name="api_accounts"),
    path(f"{_POOL}trial-balance/", books.TrialBalance.as_view(), name="api_trial_balance"),
    path(f"{_POOL}entries/", books.EntryList.as_view(), name="api_entries"),
    path(f"{_POOL}entries/<int:number>/", books.EntryDetail.as_view(), name="api_entry"),
]
