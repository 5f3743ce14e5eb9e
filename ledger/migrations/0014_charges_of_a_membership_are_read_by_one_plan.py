from django.db import migrations

from ledger.sharing import charge_sql


class Migration(migrations.Migration):
    """A membership's charges are read by a plan that each connection makes once."""

    dependencies = [
        ('ledger', '0013_prepaid_wallets'),
    ]

    operations = [
        migrations.RunSQL(charge_sql.INSTALL, charge_sql.UNINSTALL),
    ]
