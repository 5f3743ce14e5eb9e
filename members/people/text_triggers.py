"""Guards of phones and text messages: a number is confirmed by the code it was sent, and only then written to."""

import pgtrigger

from aidplatform.lib.guards import Guard, refuse

# A code of six digits: this many tries find it once in two hundred thousand.
MOST_TRIES = 5

phone_is_confirmed_by_its_code = Guard(
    name="phone_is_confirmed_by_its_code",
    when=pgtrigger.Before,
    operation=pgtrigger.Insert | pgtrigger.Update,
    func=f"""
        IF TG_OP = 'INSERT' AND NEW.confirmed_at IS NOT NULL
           OR TG_OP = 'UPDATE' AND NEW.confirmed_at IS NOT NULL AND NEW.number_sealed <> OLD.number_sealed
           OR TG_OP = 'UPDATE' AND NEW.confirmed_at IS NOT NULL AND OLD.confirmed_at IS NULL
              AND (OLD.tries >= {MOST_TRIES} OR OLD.code_sha256 = '' OR OLD.code_until_at < aid_now()) THEN
            {refuse("phone_is_confirmed_by_its_code", "number of person %s was sent no code that holds", "NEW.person_id")}
        END IF;
        RETURN NEW;
    """,
)

text_goes_to_a_confirmed_number = Guard(
    name="text_goes_to_a_confirmed_number",
    when=pgtrigger.Before,
    operation=pgtrigger.Insert,
    condition=pgtrigger.Condition("NOT NEW.is_code"),
    func=f"""
        IF NOT EXISTS (SELECT 1 FROM members_phone WHERE person_id = NEW.person_id AND confirmed_at IS NOT NULL) THEN
            {refuse("text_goes_to_a_confirmed_number", "person %s has confirmed no number", "NEW.person_id")}
        END IF;
        RETURN NEW;
    """,
)
