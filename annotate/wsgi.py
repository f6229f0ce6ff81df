"""The web application."""

from __future__ import annotations

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotate.settings")

application = get_wsgi_application()
# What is loaded now stays: the collector need not walk it again and again while it serves.
gc.collect()
gc.freeze()
