"""What stands before the eyes of who signs: the covenant in both languages, in short, and what they have answered."""

from dataclasses import dataclass

from django.conf import settings
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, override
from markdown_it import MarkdownIt

from aidplatform.lib.templating import in_language
from members.joining.applications import answers_of
from members.joining.models import JoinApplication
from members.pools.covenants import Question
from members.pools.in_short import in_short
from members.pools.models import PlanVersion


@dataclass(frozen=True)
class Text:
    """A covenant in one language. name: of the language, in itself; short: six sentences, which nobody signs."""

    language: str
    name: str
    short: tuple[str, ...]
    covenant: SafeString


def signing_texts(version: PlanVersion, currency: str) -> tuple[Text, Text]:
    """Return the covenant of a version in the reader's language, and in the other one."""
    mine = get_language() or settings.LANGUAGE_CODE
    here, other = sorted(settings.LANGUAGES, key=lambda one: one[0] != mine)
    return _text(version, currency, *here), _text(version, currency, *other)


def _text(version: PlanVersion, currency: str, language: str, name: str) -> Text:
    with override(language):
        covenant = in_language(version.covenant_en, version.covenant_zh)
        return Text(language, name, in_short(version.plan(), currency), covenant_html(covenant))


def covenant_html(text: str) -> SafeString:
    """Return a covenant as HTML, its headings below the one of the page. Raw HTML in the text is shown, not run."""
    markdown = MarkdownIt("commonmark", {"html": False})
    tokens = markdown.parse(text)
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(6, int(token.tag[1:]) + 1)}"
    html: str = markdown.renderer.render(tokens, markdown.options, {})
    return mark_safe(html)  # noqa: S308


def answers_given(application: JoinApplication) -> list[tuple[Question, bool]]:
    """Return the questions of the declaration with the answers that are about to be signed."""
    answers = answers_of(application)
    return [(question, answers[question.code]) for question in application.plan_version.questions()]
