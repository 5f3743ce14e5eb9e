"""The papers of joining, to be had again from one's own page."""

from typing import cast

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from aidplatform.lib.errors import NotFoundError
from aidplatform.lib.http import policy, signed_in
from members.joining.certificates import paper_file, signature_of
from members.joining.selectors import access_membership
from members.people.models import User


@policy("member")
@signed_in
@require_safe
def my_paper(request: HttpRequest, code: str, kind: str, language: str) -> HttpResponse:
    """Download a paper of one's own joining; no such paper, none signed and not yours answer alike."""
    number = request.GET.get("member", "")
    signature = signature_of(access_membership(code=code, person=cast(User, request.user), number=number))
    if signature is None:
        raise NotFoundError(_("There is no such page, or it is not yours to see."))
    file = paper_file(signature, kind, language)
    disposition = {"Content-Disposition": f'attachment; filename="{file.name}"'}
    return HttpResponse(file.content, content_type=file.content_type, headers=disposition)
