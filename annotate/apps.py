"""Django's admin as an app that hardly slows down the start of a command."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.apps import SimpleAdminConfig
from django.contrib.admin.checks import check_admin_app, check_dependencies
from django.core import checks


class AdminConfig(SimpleAdminConfig):
    """Registers no models at the start: annotate/urls.py does, as the admin modules load slower than all models."""

    default_site = "annotate.admin_site.AdminSite"

    def ready(self) -> None:
        checks.register(check_dependencies, checks.Tags.admin)
        checks.register(check_registered_admin, checks.Tags.admin)


def check_registered_admin(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """Django's own checks of the admin, with every model registered."""
    admin.autodiscover()
    return check_admin_app(app_configs, **kwargs)
