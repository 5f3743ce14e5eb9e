from django.db import migrations

from ledger.sharing.shelves import INSTALL, UNINSTALL


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0001_books_log_and_sharing"),
        ("members", "0002_headcount_function"),
    ]

    operations = [migrations.RunSQL(INSTALL, UNINSTALL)]
