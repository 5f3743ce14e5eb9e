"""All addresses: this file only gathers them."""

from django.urls import include, path

urlpatterns = [
    path("", include("aidplatform.site.urls")),
    path("", include("claims.urls")),
    path("", include("ledger.urls")),
    path("", include("members.urls")),
    path("api/v1/", include("aidplatform.api")),
    path("accounts/", include("allauth.urls")),
]

handler400 = "aidplatform.site.views.bad_request"
handler403 = "aidplatform.site.views.permission_denied"
handler404 = "aidplatform.site.views.page_not_found"
handler500 = "aidplatform.site.views.server_error"
