"""The clock's tables, which come with django-celery-beat, in the admin's look."""

from __future__ import annotations

from django.contrib import admin
from django_celery_beat.admin import (
    ClockedScheduleAdmin,
    CrontabScheduleAdmin,
    PeriodicTaskAdmin,
    PeriodicTaskForm,
)
from django_celery_beat.admin import TaskSelectWidget as BeatTaskSelectWidget
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from apps.core.admin import BaseAdmin


class TaskSelectWidget(UnfoldAdminSelectWidget, BeatTaskSelectWidget):  # type: ignore[misc]
    pass


class PeriodicForm(PeriodicTaskForm):  # type: ignore[misc]
    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["task"].widget = UnfoldAdminTextInputWidget()
        self.fields["regtask"].widget = TaskSelectWidget()


admin.site.unregister([ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule])


@admin.register(PeriodicTask)
class PeriodicAdmin(PeriodicTaskAdmin, BaseAdmin):  # type: ignore[misc]
    form = PeriodicForm
    date_hierarchy = None


@admin.register(CrontabSchedule)
class CrontabAdmin(CrontabScheduleAdmin, BaseAdmin):  # type: ignore[misc]
    inlines = ()


@admin.register(ClockedSchedule)
class ClockedAdmin(ClockedScheduleAdmin, BaseAdmin):  # type: ignore[misc]
    inlines = ()


@admin.register(IntervalSchedule)
class IntervalAdmin(BaseAdmin):
    list_display = ["every", "period"]


@admin.register(SolarSchedule)
class SolarAdmin(BaseAdmin):
    list_display = ["event", "latitude", "longitude"]
