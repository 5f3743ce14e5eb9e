"""Who opened my file: one list for all of a person's claims, and the same as a table."""

from typing import cast

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from aidplatform.lib.csv_files import Text, csv_response
from aidplatform.lib.http import signed_in
from claims.filing.words import DEEDS, EVERY_KIND
from claims.review.file_readers import file_readers_of
from claims.review.openings import reader_words
from members.people.models import User

SHOWN = 200


@signed_in
@require_safe
def my_readers(request: HttpRequest) -> HttpResponse:
    """List who else read papers and words of the person's claims, newest first."""
    found = file_readers_of(cast(User, request.user))
    context = {
        "section": "claims",
        "rows": [
            (one.claim, one.reader, DEEDS[one.reader.deed], EVERY_KIND.get(one.reader.kind, ""), words)
            for one in found[:SHOWN]
            for words in (reader_words(one.reader),)
        ],
        "all": len(found),
        "shown": SHOWN,
        "crumbs": [(_("My data"), reverse("my_data")), (_("Who opened my file"), "")],
    }
    return render(request, "claims/publicity/my_readers.html", context)


@signed_in
@require_safe
def my_readers_csv(request: HttpRequest) -> HttpResponseBase:
    """Download all of it."""
    header = ("at", "claim", "pool", "deed", "paper_kind", "by", "duty", "purpose", "note")
    rows = (
        (
            one.reader.at.isoformat(),
            one.claim.code,
            one.claim.pool.code,
            one.reader.deed,
            one.reader.kind,
            one.reader.by,
            one.reader.duty,
            one.reader.purpose,
            Text(one.reader.note),
        )
        for one in file_readers_of(cast(User, request.user))
    )
    return csv_response("who-opened-my-file.csv", header, rows)
