from django.db import migrations

from ledger.sharing import shelves


class Migration(migrations.Migration):
    """Closing a shelf counts and sums its charges in several processes of the database."""

    dependencies = [
        ('ledger', '0014_charges_of_a_membership_are_read_by_one_plan'),
    ]

    operations = [
        migrations.RunSQL(shelves.CLOSE, migrations.RunSQL.noop),
    ]
