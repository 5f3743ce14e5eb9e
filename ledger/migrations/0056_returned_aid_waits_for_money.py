from django.db import migrations

from ledger.custody import sql as custody


class Migration(migrations.Migration):
    """What can be ordered of a case is never more than what is there, also after a payment of it came back."""

    dependencies = [("ledger", "0055_months_are_closed")]

    operations = [migrations.RunSQL(custody.PAYABLE, migrations.RunSQL.noop)]
