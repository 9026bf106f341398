"""What tells of the same money: the fields that one_money compares."""

from django.db import migrations, models


def _text(length, text=""):
    return models.CharField(blank=True, db_default="", max_length=length, help_text=text)


class Migration(migrations.Migration):
    dependencies = [("invoicing", "0012_report_runs")]

    operations = [
        migrations.AddField(
            "moneyfact",
            "telling",
            _text(32, "What told this amount with others: a transaction as it stood, a row."),
        ),
        migrations.AddField(
            "moneyfact",
            "twin_id",
            _text(120, "The deferred transaction that this one releases, or the one it became."),
        ),
        migrations.AddField("moneyfact", "status", _text(20, "Of the transaction, in Finances.")),
        migrations.AddField(
            "moneyfact",
            "told",
            _text(10, "The bucket its words say; blank: the bucket itself, it never is an echo."),
        ),
    ]
