from django.db import migrations

from ledger.sharing import charge_sql


class Migration(migrations.Migration):
    """A membership's charges are read by a plan that each connection makes once."""

    dependencies = [
        ('ledger', '0014_caps_count_earlier_charges'),
    ]

    operations = [
        migrations.RunSQL(charge_sql.INSTALL, charge_sql.UNINSTALL),
    ]
