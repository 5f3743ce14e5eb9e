from django.db import migrations

from ledger.sharing import shelves


class Migration(migrations.Migration):
    """Closing a shelf counts and sums its charges in several processes of the database."""

    dependencies = [
        ('ledger', '0018_shares_are_written_off'),
    ]

    operations = [
        migrations.RunSQL(shelves.CLOSE, migrations.RunSQL.noop),
    ]
