"""The web application."""

from __future__ import annotations

import gc
import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from annotate.request_bodies import MeasuredBodies

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotate.settings")

application = MeasuredBodies(get_wsgi_application(), limit=settings.UNMEASURED_BODY_LIMIT)
# What is loaded now stays: the collector need not walk it again and again while it serves.
gc.collect()
gc.freeze()
