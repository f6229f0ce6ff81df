from django.apps import AppConfig


class EstimationConfig(AppConfig):
    name = "apps.estimation"
    default_auto_field = "django.db.models.BigAutoField"
