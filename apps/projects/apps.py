from django.apps import AppConfig


class ProjectsConfig(AppConfig):
    name = "apps.projects"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Sign-up is open to those who hold an invitation: `accounts`, a floor below, cannot ask for itself."""
        from apps.accounts.invitations import INVITATION_CHECKS
        from apps.projects.models import Invitation

        INVITATION_CHECKS.append(Invitation.objects.opens)
