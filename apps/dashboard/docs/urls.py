"""The URLs of the docs, at /docs/."""

from __future__ import annotations

from django.urls import path

from apps.dashboard.docs import views

urlpatterns = [
    path("", views.start, name="docs"),
    path("search", views.search_docs, name="docs-search"),
    path("images/<str:name>", views.image, name="docs-image"),
    path("decisions/", views.decisions, name="docs-decisions"),
    path("decisions/<slug:name>", views.decision, name="docs-decision"),
    path("formats/", views.formats, name="docs-formats"),
    path("formats/<slug:name>", views.format_, name="docs-format"),
    path("<slug:name>", views.page, name="docs-page"),
]
