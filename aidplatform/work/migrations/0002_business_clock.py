from django.db import migrations

from aidplatform.work.sql import CLOCK, DROP_CLOCK


class Migration(migrations.Migration):
    dependencies = [("work", "0001_jobs_outbox_and_audit")]

    operations = [migrations.RunSQL(CLOCK, DROP_CLOCK)]
