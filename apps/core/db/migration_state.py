"""Whether the database and the code have the same migrations. Checked at the start and by the readiness probe."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db.migrations.executor import MigrationExecutor


def unknown_migrations(connection: Any) -> list[str]:
    """Migrations of our apps that the database has and this code lacks: a newer version applied them."""
    loader = MigrationExecutor(connection).loader
    known = set(loader.disk_migrations)
    for migration in loader.disk_migrations.values():
        known.update(migration.replaces)
    labels = {config.label for config in apps.get_app_configs()}
    applied = loader.applied_migrations
    return sorted(f"{app}.{name}" for app, name in applied if app in labels and (app, name) not in known)


def pending_migrations(connection: Any) -> bool:
    """Whether the code knows migrations that the database lacks."""
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
