"""Solutions in which no answer was found were called wrong; that they state none nobody knows."""

from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("corpus", "0003_comparisons")]

    operations = [
        migrations.RunSQL(
            "UPDATE corpus_solution SET verdict = 'unparsed', is_correct = NULL "
            "WHERE graded_by = 'no answer' AND verdict = 'no_match'",
            migrations.RunSQL.noop,
        )
    ]
