from django.db import migrations

from ledger.custody import sql as custody
from ledger.sharing import headcount, shelves


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0001_books_log_and_sharing"),
        ("members", "0002_headcount_function"),
    ]

    operations = [
        migrations.RunSQL(shelves.INSTALL, shelves.UNINSTALL),
        migrations.RunSQL(headcount.INSTALL, headcount.UNINSTALL),
        # Its text names columns of later migrations.
        migrations.RunSQL(["SET LOCAL check_function_bodies = off", *custody.INSTALL], custody.UNINSTALL),
    ]
