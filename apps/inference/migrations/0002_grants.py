"""Endpoints of the installation are granted by name. Those that are there keep working, as their operator made them."""

from urllib.parse import urlsplit

from django.db import migrations, models


def keep_working(apps, schema_editor):
    """What the operator added at the shell was for all projects, and its address is one that the operator named."""
    for endpoint in apps.get_model("inference", "Endpoint").objects.filter(project=None):
        endpoint.for_all = True
        try:
            parts = urlsplit(endpoint.url)
            host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
            endpoint.vouched_address = f"{host}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
        except ValueError:
            # A URL that leads nowhere: there is no address to vouch for.
            endpoint.vouched_address = ""
        endpoint.save(update_fields=["for_all", "vouched_address"])


class Migration(migrations.Migration):
    dependencies = [("inference", "0001_initial"), ("projects", "0001_initial")]

    operations = [
        migrations.AddField(
            "endpoint",
            "for_all",
            models.BooleanField(
                default=False, help_text="The operator lets every project use it, those of tomorrow too."
            ),
        ),
        migrations.AddField(
            "endpoint",
            "granted_to",
            models.ManyToManyField(
                blank=True,
                related_name="granted_endpoints",
                to="projects.project",
                help_text="Of one of the installation: projects that may use it.",
            ),
        ),
        migrations.AddField(
            "endpoint",
            "vouched_address",
            models.CharField(
                blank=True,
                default="",
                editable=False,
                max_length=300,
                help_text="Host and port that the operator named at the shell, wherever they are.",
            ),
        ),
        migrations.AlterField(
            "endpoint",
            "project",
            models.ForeignKey(
                blank=True,
                help_text="Empty: one of the installation.",
                null=True,
                on_delete=models.deletion.CASCADE,
                related_name="endpoints",
                to="projects.project",
            ),
        ),
        migrations.RunPython(keep_working, migrations.RunPython.noop),
    ]
