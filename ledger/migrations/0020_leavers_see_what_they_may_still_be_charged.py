from django.db import migrations

from ledger.leaving import sql


class Migration(migrations.Migration):
    """Whoever leaves sees what periods under way will charge at most."""

    dependencies = [
        ('ledger', '0019_closing_counts_in_several_processes'),
        ('members', '0020_ends_of_memberships_have_a_reason'),
    ]

    operations = [
        migrations.RunSQL(sql.INSTALL, sql.UNINSTALL),
    ]
