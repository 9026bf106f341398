"""Who said by hand what money means; the rows of lesser sources found by their order."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("invoicing", "0019_datev_client"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            "moneyfact",
            "assigned_by",
            models.ForeignKey(
                db_index=False,
                help_text="Who said by hand which line or refund it means.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField("moneyfact", "assigned_at", models.DateTimeField(null=True)),
        migrations.AddField(
            "moneyfact",
            "assigned_reason",
            models.CharField(blank=True, db_default="", max_length=500),
        ),
        migrations.AddIndex(
            "moneyfact",
            models.Index(
                condition=models.Q(("source", "settlement"), _negated=True),
                fields=["order"],
                name="money_of_lesser_source",
            ),
        ),
    ]
