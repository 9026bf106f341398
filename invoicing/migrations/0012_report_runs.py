"""Runs of every report are one table; runs of the settlement report keep their rows."""

from django.db import migrations, models

OLD = ("add", "change", "delete", "view")


def forget_old_permissions(apps, schema_editor):
    """The permissions of the old name; the roles get the new ones after migrate."""
    names = [f"{verb}_settlementrun" for verb in OLD] + ["run_settlement_report"]
    permissions = apps.get_model("auth", "Permission").objects.using(schema_editor.connection.alias)
    permissions.filter(content_type__app_label="invoicing", codename__in=names).delete()


class Migration(migrations.Migration):

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
        ('invoicing', '0011_ledger_and_lanes'),
    ]

    operations = [
        migrations.RenameModel(old_name='SettlementRun', new_name='ReportRun'),
        migrations.AlterModelOptions(
            name='reportrun',
            options={'ordering': ['-id'], 'permissions': [('run_report', "Run finance's reports")]},
        ),
        migrations.AddField(
            model_name='reportrun',
            name='kind',
            field=models.CharField(choices=[('settlement', 'Refund settlement'), ('journal', 'Journal'), ('datev', 'DATEV export'), ('vat', 'VAT corrections'), ('cost', 'Cost of returns')], db_default='settlement', default='settlement', max_length=12),
        ),
        migrations.AddField(
            model_name='reportrun',
            name='choices',
            field=models.JSONField(db_default=models.Value({}, models.JSONField()), default=dict),
        ),
        migrations.AlterField(
            model_name='reportrun',
            name='output_format',
            field=models.CharField(choices=[('csv', 'CSV'), ('xlsx', 'XLSX'), ('pdf', 'PDF')], max_length=4),
        ),
        migrations.RunSQL(
            "UPDATE core_job SET kind = 'report',"
            " params = params || '{\"kind\": \"settlement\", \"chosen\": {}}'"
            " WHERE kind = 'settlement_report'",
            migrations.RunSQL.noop,
        ),
        migrations.RunPython(forget_old_permissions, migrations.RunPython.noop),
    ]
