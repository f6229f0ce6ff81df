from django.apps import AppConfig


class RemovalConfig(AppConfig):
    name = "apps.removal"
    default_auto_field = "django.db.models.BigAutoField"
