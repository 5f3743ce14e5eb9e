"""Plans in templates."""

from django import template

from members.pools.aid_sense import Jump
from members.pools.aid_words import jump_words, severity_words
from members.pools.plan_terms import PlanTerms
from members.pools.plan_words import Line, cause_words, plan_lines

register = template.Library()


@register.filter
def in_words(plan: PlanTerms, currency: str) -> list[Line]:
    """Return the rules of a plan, line by line."""
    return plan_lines(plan, currency)


@register.filter
def severity(code: str) -> str:
    """Say a plan's severity in words."""
    return severity_words(code)


@register.filter
def cause(code: str) -> str:
    """Say the cause of an event in words."""
    return cause_words(code)


@register.filter
def jump(step: Jump, currency: str) -> str:
    """Say a step of aid at which the expected cost jumps."""
    return jump_words(step, currency)
