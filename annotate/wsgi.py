"""The web application."""

from __future__ import annotations

import gc
import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import reverse

from annotate.request_bodies import MeasuredBodies

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotate.settings")

application = MeasuredBodies(get_wsgi_application(), limit=settings.UNMEASURED_BODY_LIMIT)
# Django loads the views with the first request: a person would wait for some seconds after each start.
reverse("home")
# Loaded objects live as long as the process: freeze them, so that the garbage collector skips them.
gc.collect()
gc.freeze()
