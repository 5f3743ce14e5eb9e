"""Guards of time stamps. Names are the guarantees listed in ARCHITECTURE.md."""

import pgtrigger

from aidplatform.lib.guards import Guard, permanent, refuse

# PostgreSQL reads no DER: that the hash stands in the answer keeps out the stamp of another checkpoint, and whoever
# checks the signature of the authority finds out whether it stands where it should.
stamp_guards = [
    *permanent("time_stamp_is_permanent"),
    Guard(
        name="time_stamp_is_of_its_checkpoint",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        func=f"""
            IF position((SELECT sha256(convert_to(note, 'UTF8')) FROM ledger_checkpoint WHERE id = NEW.checkpoint_id)
                        IN NEW.response) = 0 THEN
                {refuse("time_stamp_is_of_its_checkpoint", "%s has stamped something else", "NEW.authority")}
            END IF;
            RETURN NEW;
        """,
    ),
]
