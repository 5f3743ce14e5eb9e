"""What jurors and the witnesses of a draw are told; nothing of the case, which its page shows to whom it may."""

from django.utils.translation import gettext_noop

JURY_WITNESS = "jury_witness"
JURY_WORDS = "jury_words"
JURY_SEAT = "jury_seat"
JURY_VERDICT = "jury_verdict"
JURY_OFF = "jury_off"
ARBITER_WANTED = "arbiter_wanted"
ARBITER_PROPOSED = "arbiter_proposed"
ARBITER_CASE = "arbiter_case"
ARBITER_OFF = "arbiter_off"
ARBITER_LATE = "arbiter_late"

# kind → (subject, body)
JURY_KINDS: dict[str, tuple[str, str]] = {
    JURY_WITNESS: (
        gettext_noop("You are asked to be a witness of a draw in %(pool)s"),
        gettext_noop(
            "Jurors are to be drawn. Think of words that nobody can guess and commit to them until %(until)s, before"
            " anybody knows them; later you tell them, and all words together decide the draw. The page says how."
        ),
    ),
    JURY_WORDS: (
        gettext_noop("Tell your words for the draw in %(pool)s until %(until)s"),
        gettext_noop(
            "The list of those who can be drawn is in the log. Now tell the words to which you have committed. Who does"
            " not is named in the log, and the draw goes on without them."
        ),
    ),
    JURY_SEAT: (
        gettext_noop("You are drawn as a juror in %(pool)s: vote until %(until)s"),
        gettext_noop(
            "A refusal was taken to the jury. The page shows what its claimant agreed to show you, and the rules in"
            " force. You may decline; then the next reserve takes your place. Nobody sees a count before the end."
        ),
    ),
    JURY_VERDICT: (
        gettext_noop("The verdict of a jury of %(pool)s on which you had a seat"),
        gettext_noop(
            "The voting is over. The page shows the count, and every ballot opened against what was published when it"
            " was cast: look whether yours is as you gave it."
        ),
    ),
    JURY_OFF: (
        gettext_noop("A jury of %(pool)s on which you have a seat is called off"),
        gettext_noop("The claimant has taken the claim back. No ballot is opened."),
    ),
    ARBITER_WANTED: (
        gettext_noop("A case of %(pool)s waits for an outside arbiter"),
        gettext_noop(
            "Too few members can be drawn for a jury. The page says what is next: whom the plan names gets a link;"
            " where it names nobody, a pool admin proposes somebody from outside and a controller agrees."
        ),
    ),
    ARBITER_PROPOSED: (
        gettext_noop("An outside arbiter is proposed for a case of %(pool)s"),
        gettext_noop(
            "A pool admin has proposed who decides. The page shows whom: agree, or ask for another."
        ),
    ),
    ARBITER_LATE: (
        gettext_noop("An outside arbiter of %(pool)s is overdue"),
        gettext_noop(
            "The next step was due on %(due)s: propose somebody, agree to them, make the link and send it; or, where"
            " the link or the arbiter's days are over, make another link or name somebody else."
        ),
    ),
    ARBITER_CASE: (
        gettext_noop("You decide a case of %(pool)s until %(until)s"),
        gettext_noop(
            "You have taken it on as an outside arbiter. The page shows what its claimant agreed to show you, and the"
            " rules in force. Decide in writing by that day; after it the case is not yours to see."
        ),
    ),
    ARBITER_OFF: (
        gettext_noop("A case of %(pool)s that you were to decide is taken back"),
        gettext_noop("The claimant has taken the claim back. There is nothing to decide any more."),
    ),
}
