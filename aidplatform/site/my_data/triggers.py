"""Guards of exports: parts are written while it is put together, and an export that is over has none."""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, refuse

parts_are_of_a_running_export = Guard(
    name="parts_are_of_a_running_export",
    when=pgtrigger.Before,
    operation=pgtrigger.Insert | pgtrigger.Update,
    func=f"""
        {judged_now()}
        PERFORM 1 FROM site_dataexport WHERE id = NEW.export_id AND state = 'ordered' FOR SHARE;
        IF NOT FOUND OR TG_OP = 'UPDATE' THEN
            {refuse("parts_are_of_a_running_export", "export %s is written no more", "NEW.export_id")}
        END IF;
        RETURN NEW;
    """,
)

deleted_export_has_no_parts = Guard(
    name="deleted_export_has_no_parts",
    when=pgtrigger.Before,
    operation=pgtrigger.Update,
    func=f"""
        IF NEW.state = 'deleted' AND EXISTS (SELECT 1 FROM site_exportpart p WHERE p.export_id = NEW.id) THEN
            {refuse("deleted_export_has_no_parts", "export %s still has its parts", "NEW.id")}
        END IF;
        RETURN NEW;
    """,
)
