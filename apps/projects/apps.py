from django.apps import AppConfig


class ProjectsConfig(AppConfig):
    name = "apps.projects"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Sign-up is open to people with an invitation: `accounts`, which is below this app, cannot import this check."""
        from apps.accounts.invitations import INVITATION_CHECKS
        from apps.projects.models import Invitation

        INVITATION_CHECKS.append(Invitation.objects.opens)
