from django.db import migrations

from ledger.sharing import shelves


class Migration(migrations.Migration):
    """Closing a shelf leaves the planner a sample of its charges."""

    dependencies = [
        ('ledger', '0008_caps_and_reserve'),
    ]

    operations = [
        migrations.RunSQL(shelves.FUNCTIONS, migrations.RunSQL.noop),
    ]
