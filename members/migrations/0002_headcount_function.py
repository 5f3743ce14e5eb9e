from django.db import migrations

from members.joining.sql import DROP_HEADCOUNT, HEADCOUNT


class Migration(migrations.Migration):
    dependencies = [("members", "0001_people_pools_and_spans")]

    operations = [migrations.RunSQL(HEADCOUNT, DROP_HEADCOUNT)]
