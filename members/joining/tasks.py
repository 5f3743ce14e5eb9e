"""The jobs of joining: telling members that their rules change, and what an import takes."""

from typing import Any

from aidplatform.work import jobs
from members.joining import importing, looking, news


@jobs.handles(news.TELL_RULES)
def tell_rules(lease: jobs.Lease) -> dict[str, Any]:
    """Tell each member with an account, once."""
    return news.tell_rules(lease)


@jobs.handles(looking.LOOK)
def look_at_list(lease: jobs.Lease) -> dict[str, Any]:
    """Look at an uploaded member list, without writing any member."""
    return looking.look(lease)


@jobs.handles(importing.WRITE)
def write_import(lease: jobs.Lease) -> dict[str, Any]:
    """Write the rows of a proposed import."""
    return importing.write(lease)


@jobs.handles(importing.INVITE)
def invite_imported(lease: jobs.Lease) -> dict[str, Any]:
    """Ask everybody of an approved import to confirm."""
    return importing.invite(lease)
