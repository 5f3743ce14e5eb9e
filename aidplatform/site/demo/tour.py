"""What the first page of a demonstration shows: one bill, one case, an attempt to take a fen, the bank, size.

Each part is None where its rows are not there, so that the page stands in a demonstration half made.
"""

from dataclasses import dataclass
from typing import Any

from aidplatform.lib import clock
from aidplatform.site.demo import case, tricks
from aidplatform.site.demo.clock import ZONE
from aidplatform.site.demo.history import TOWN
from aidplatform.site.demo.people import CAST, Role
from aidplatform.site.demo.pools import DEMO, MAKE_MILLION, MILLION
from aidplatform.site.demo.start import is_being_made, played_percent
from aidplatform.work.models import Job
from claims.filing.models import Claim
from claims.filing.selectors import history_of
from claims.publicity.views import stages
from ledger.custody.reconciliation import bank_line
from ledger.disclosure.plots import size_plot
from ledger.sharing.faces import DISEASES
from ledger.sharing.figures import bill_lines, share_parts
from ledger.sharing.models import Period
from ledger.sharing.views import figures_of, recompute_data
from members.pools.models import DutyGrant, Pool

ROLES: dict[str, Role] = {role.key: role for role in CAST}


@dataclass(frozen=True)
class Actor:
    """Somebody of the cast, as the page names them."""

    role: Role

    @property
    def name(self) -> str:
        """Return the name in English."""
        return self.role.name

    @property
    def name_zh(self) -> str:
        """Return the name in Chinese."""
        return self.role.name_zh

    @property
    def duty(self) -> object:
        """Return the duty in words; empty for a member."""
        return DutyGrant.Duty(self.role.duty).label if self.role.duty else ""


def tour(last: dict[str, str] | None = None) -> dict[str, Any]:
    """Return every part of the tour. last: the step taken before this page, as the session keeps it."""
    period = Period.objects.filter(pool__code=DEMO, number=1, state="posted").select_related("pool").first()
    if period is None:
        return {"tour": None}
    if is_being_made():
        return {"tour": {"bill": _bill(period)}, **making()}
    town = Pool.objects.get(code=TOWN)
    return {
        "tour": {
            "bill": _bill(period),
            "case": case_part(last),
            "tricks": trick_groups(),
            "trick_count": len(tricks.TRICKS),
            "town": town,
            "bank": bank_line(town),
            "sizes": size_plot(period.headcount),
        },
        **million(),
    }


def _bill(period: Period) -> dict[str, Any]:
    figures = figures_of(period)
    assert figures is not None
    base = figures.base_class
    return {
        "period": period,
        "pool": period.pool,
        "figures": figures,
        "base": base,
        "parts": share_parts(figures, base) if base else [],
        "lines": bill_lines(figures),
        "recompute": recompute_data(period, figures),
    }


def making() -> dict[str, Any]:
    """Return how far the history has been played."""
    return {"played_percent": played_percent()}


def case_part(last: dict[str, str] | None) -> dict[str, Any] | None:
    """Return the guided case: its strip, who has done what, who comes next."""
    claim = case.guided_claim()
    if claim is None:
        return None
    step = case.next_step(claim)
    done = last if last and last.get("kind") in case.TEXTS and last.get("role") in ROLES else None
    return {
        "claim": claim,
        "illness": DISEASES.get(claim.illness, ""),
        "stages": stages(claim, history_of(claim)),
        "step": step,
        "actor": Actor(ROLES[step.role]) if step else None,
        "done": {"actor": Actor(ROLES[done["role"]]), "text": case.TEXTS[done["kind"]], "page": done["page"]}
        if done
        else None,
        "is_paid": claim.state in {Claim.State.PAID, Claim.State.CLOSED},
        "can_begin_again": step is None and case.can_begin_again(claim),
    }


def trick_groups() -> list[tuple[Actor | None, list[tricks.Trick]]]:
    """Return the tricks by who tries them; None stands for whoever holds the application's password."""
    groups: dict[str, list[tricks.Trick]] = {}
    for trick in tricks.TRICKS.values():
        groups.setdefault(trick.role, []).append(trick)
    return [(Actor(ROLES[role]) if role in ROLES else None, found) for role, found in groups.items()]


def million() -> dict[str, object]:
    """Return how far the pool of a million is: its job, its newest period, and whether its cases are public."""
    pool = Pool.objects.filter(code=MILLION).first()
    period = pool.periods.order_by("-number").first() if pool else None
    job = Job.objects.filter(kind=MAKE_MILLION, key=MILLION).first()
    is_public = period is not None and period.state == Period.State.ANNOUNCED
    is_ready = period is not None and period.state not in {"opened", "frozen", "announced"}
    is_coming = job is not None and job.state != Job.State.STUCK and not is_ready and not is_public
    wait = (period.publicity_end_date - clock.today(ZONE)).days if period and is_public else 0
    return {
        "million": pool,
        "million_wait": max(wait, 1),
        "million_period": period,
        "million_job": job,
        "is_public": is_public,
        "is_ready": is_ready,
        "is_coming": is_coming,
    }
