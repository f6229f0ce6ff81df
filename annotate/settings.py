"""Django's settings, all from the environment: see `annotate/env.py` for every name and default."""

from __future__ import annotations

import tomllib
from pathlib import Path

from csp.constants import NONE, SELF
from django.templatetags.static import static

from annotate.env import celery_url, database_settings, load

env = load()

# `manage.py` and `make run` start embedded servers where a URL is missing, and set it. Any other process gets these
# defaults, and an error that names the address at which no server answers.
DATABASE_URL = env.database_url or "postgresql://localhost/annotate"
REDIS_URL = env.redis_url or "redis://localhost:6379/0"

BASE_DIR = Path(__file__).resolve().parent.parent
VERSION = tomllib.loads((BASE_DIR / "pyproject.toml").read_text())["project"]["version"]

SECRET_KEY = env.secret_key_value()
DEBUG = env.debug
# Loopback too, for health checks from this machine.
ALLOWED_HOSTS = sorted({*env.allowed_hosts, "localhost", "127.0.0.1", "[::1]"})
CSRF_TRUSTED_ORIGINS = env.csrf_trusted_origins

INSTALLED_APPS = [
    "apps.core",
    "apps.accounts",
    "apps.projects",
    "apps.inference",
    "apps.corpus",
    "apps.runs",
    "apps.labeling",
    "apps.estimation",
    "apps.judging",
    "apps.scoring",
    "apps.quality",
    "apps.exports",
    "apps.evaluation",
    "apps.removal",
    "apps.api",
    "apps.dashboard",
    "apps.demo",
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "annotate.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "django_htmx",
    "drf_spectacular",
    "rest_framework",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "apps.core.http.compression.CompressionMiddleware",
    "apps.core.http.request_texts.RequestTextMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "apps.dashboard.middleware.DomainErrorMiddleware",
]

ROOT_URLCONF = "annotate.urls"
WSGI_APPLICATION = "annotate.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- data -------------------------------------------------------------------------------------------------

DATABASES = {"default": database_settings(DATABASE_URL)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "annotate",
    }
}

# --- people -----------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 8}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
ACCOUNT_ADAPTER = "apps.accounts.adapter.AccountAdapter"
# Who may create projects: see apps.projects.services.may_found.
PROJECT_FOUNDERS = env.project_founders
ACCOUNT_FORMS = {"login": "apps.accounts.forms.SignInForm", "signup": "apps.accounts.forms.SignUpForm"}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
# Accounts come from invitations or from the operator, who vouch for the address; no mail server is needed.
ACCOUNT_EMAIL_VERIFICATION = "optional"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_PREVENT_ENUMERATION = True
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
EMAIL_BACKEND = (
    "django.core.mail.backends.smtp.EmailBackend"
    if env.email_host
    else "django.core.mail.backends.console.EmailBackend"
)
EMAIL_HOST = env.email_host or "localhost"
DEFAULT_FROM_EMAIL = env.email_from

# --- security headers and uploads -------------------------------------------------------------------------

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.secure
SECURE_SSL_REDIRECT = env.secure
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz)$"]
SECURE_HSTS_SECONDS = 31_536_000 if env.secure else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.secure else None
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
FILE_UPLOAD_HANDLERS = ["apps.core.http.uploads.LimitedUploadHandler"]
UPLOAD_LIMIT = env.upload_limit_mb * 1024**2
# The length of a chunked body is known only once it is read: this much is read, to disk.
UNMEASURED_BODY_LIMIT = min(1024**3, UPLOAD_LIMIT + DATA_UPLOAD_MAX_MEMORY_SIZE)

# --- files ------------------------------------------------------------------------------------------------

DOCS_ROOT = BASE_DIR / "docs"  # Pages at /docs/ are rendered from its files.
STATIC_URL = "/static/"
STATIC_ROOT = env.home / "static"
STATICFILES_DIRS = [
    BASE_DIR / "static",
    ("vendor/highlight", BASE_DIR / "node_modules/@highlightjs/cdn-assets/es"),
    ("vendor/htmx", BASE_DIR / "node_modules/htmx.org/dist"),
    ("vendor/katex", BASE_DIR / "node_modules/katex/dist"),
    ("vendor/markdown-it", BASE_DIR / "node_modules/markdown-it/dist/browser"),
    ("vendor/swagger-ui", BASE_DIR / "node_modules/swagger-ui-dist"),
]
STATICFILES_FINDERS = [
    "annotate.static_files.Finder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
]
MEDIA_ROOT = env.home / "media"
MEDIA_URL = "/media/"  # Nothing serves it: files leave through views that check who asks.
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "annotate.static_files.Storage"},
}
# Pages refer to hashed names only, so copies under the plain names are neither kept nor compressed.
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
WHITENOISE_USE_FINDERS = DEBUG
WHITENOISE_AUTOREFRESH = DEBUG

# --- work -------------------------------------------------------------------------------------------------

CELERY_BROKER_URL = celery_url(REDIS_URL)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {
    "apps.corpus.tasks.*": {"queue": "imports"},
    "apps.exports.tasks.*": {"queue": "exports"},
    "apps.evaluation.tasks.*": {"queue": "exports"},
    "apps.removal.tasks.*": {"queue": "exports"},
    "apps.estimation.tasks.work_on_*": {"queue": "estimation"},
    "apps.scoring.tasks.work_on_*": {"queue": "estimation"},
    "apps.judging.tasks.work_on_*": {"queue": "judging"},
}
# A task that runs longer than this counts as lost and is sent to another worker.
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 6 * 3600}
CELERY_TASK_TIME_LIMIT = 5 * 3600
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# Beat stores here when it last sent each task.
CELERY_BEAT_SCHEDULE_FILENAME = str(env.home / "beat")
CELERY_BEAT_SCHEDULE = {
    "expire leases": {"task": "apps.labeling.tasks.expire_leases", "schedule": 30.0},
    "pick up abandoned imports": {"task": "apps.corpus.tasks.resume_abandoned", "schedule": 60.0},
    "pick up abandoned exports": {"task": "apps.exports.tasks.resume_abandoned", "schedule": 60.0},
    "pick up abandoned evaluations": {"task": "apps.evaluation.tasks.resume_abandoned", "schedule": 60.0},
    "pick up abandoned deletions": {"task": "apps.removal.tasks.resume_abandoned", "schedule": 60.0},
    "pick up abandoned runs": {"task": "apps.runs.tasks.resume_abandoned", "schedule": 10.0},
    "store scores of ended runs": {"task": "apps.scoring.tasks.apply_unapplied", "schedule": 60.0},
    "recompute stale labels": {"task": "apps.quality.tasks.recompute_stale", "schedule": 3.0},
    "refresh quality figures": {"task": "apps.quality.tasks.refresh_stale_figures", "schedule": 60.0},
    "discard left uploads": {"task": "apps.corpus.tasks.discard_left_uploads", "schedule": 3600.0},
}

# At most this many workers work on one run at a time.
RUN_FANOUT = 8
# The kinds of runs that share workers, fairly between projects.
RUN_KINDS = [
    "apps.estimation.worker.kinds.ESTIMATION_RUNS",
    "apps.estimation.worker.kinds.SAMPLING_RUNS",
    "apps.scoring.worker.run.SCORING_RUNS",
    "apps.judging.worker.run.JUDGE_RUNS",
]

# Apps above `corpus` that store their part of an imported row.
RECORD_IMPORTERS = [
    "apps.labeling.importers.labels.LabelImporter",
    "apps.labeling.importers.gold.GoldImporter",
    "apps.estimation.importers.EstimateImporter",
    "apps.judging.importers.VerdictImporter",
    "apps.scoring.importers.ScoreImporter",
    "apps.quality.consensus.invalidation.InvalidationImporter",
]
# Apps above `labeling` that are called with each submission and correction, within its transaction.
SUBMISSION_HOOKS = [
    "apps.quality.gold.screening.score_screening",
    "apps.quality.consensus.invalidation.mark_submission_stale",
    "apps.quality.fast_work.marks.mark_fast_comparison",
]
# Filters of a round's selection that apps beside or above `labeling` provide, by name.
SELECTION_TERMS = {
    "unsure": "apps.estimation.uncertainty.unsure_of",
    "dispute": "apps.quality.review.queues.disputed",
    "audit": "apps.exports.audits.services.audited",
    "blind": "apps.quality.trust.blind_rounds.sampled",
    "cascade": "apps.quality.cascade.services.left_to_people",
}
# Rules by which a round chooses its solutions that apps beside or above `labeling` provide, by name.
SELECTION_RULES = {
    "uncertainty": "apps.estimation.uncertainty.most_uncertain",
    "disagreement": "apps.quality.review.queues.most_disputed",
}
# Apps above `corpus` that are called when a problem's answer changes, or it is graded again, retired or brought back.
ANSWER_CHANGE_HOOKS = ["apps.quality.consensus.invalidation.mark_problem_stale"]
# Called with a round under way whose redundancy is raised.
REDUNDANCY_HOOKS = ["apps.quality.consensus.invalidation.mark_round_stale"]
# Called with solutions whose verifier scores a scoring run has stored.
SCORE_HOOKS = ["apps.quality.consensus.invalidation.mark_scored_stale"]
# Seconds between two fits over all labels of a project, at least.
QUALITY_REFIT_SECONDS = 30
# Addresses outside the public internet that endpoints may have.
ENDPOINT_ALLOWED_ADDRESSES = env.endpoint_allowed_addresses
# The Hub that exports are pushed to; empty for none. Users do not choose it.
HUB_URL = "" if env.hub_url == "none" else env.hub_url.rstrip("/")
IMPORT_CHUNK = 2000  # Records that are stored in one transaction.

# --- API --------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "apps.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["apps.api.permissions.IsSignedInWithScope"],
    "DEFAULT_PARSER_CLASSES": [
        "apps.api.parsers.JSONParser",
        "apps.api.parsers.FormParser",
        "apps.api.parsers.MultiPartParser",
    ],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": "apps.api.pagination.Pages",
    "DEFAULT_THROTTLE_CLASSES": ["apps.api.throttling.WindowThrottle"],
    "DEFAULT_THROTTLE_RATES": {"user": env.api_rate, "anon": "60/min"},
    # `format` is a filter of lists, not the format of the answer.
    "URL_FORMAT_OVERRIDE": None,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "apps.api.errors.handle",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Annotate",
    "DESCRIPTION": "Step, outcome and preference labels for reward models, from people, Monte Carlo and judges.",
    "VERSION": "1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "apps.api.docs.describe_operations",
    ],
    "ENUM_NAME_OVERRIDES": {
        "JobStatusEnum": "apps.core.jobs.model.JobStatus",
        "ExportFormatEnum": "apps.exports.formats.FORMAT_NAMES",
        "ImportFormatEnum": "apps.corpus.imports.readers.READER_NAMES",
        "EvaluationKindEnum": "apps.evaluation.models.EvaluationKind",
        "RewardModelKindEnum": "apps.scoring.models.KIND_CHOICES",
        "JudgeKindEnum": "apps.judging.kinds.KINDS",
        "RoundKindEnum": "apps.labeling.models.rounds.Round.Kind",
        "JudgedItemOutcomeEnum": "apps.judging.models.verdicts.ItemOutcome",
        "JudgeReplyOutcomeEnum": "apps.judging.models.replies.JudgeReply.Outcome",
        "CascadeStatusEnum": "apps.quality.models.cascades.Cascade.Status",
    },
}

# Lightness and chroma of unfold's own shades, at the hue of the pages' accent.
_SHADES = (
    (50, 97, 0.013),
    (100, 94, 0.027),
    (200, 89, 0.05),
    (300, 81, 0.09),
    (400, 70, 0.14),
    (500, 59, 0.18),
    (600, 49, 0.19),
    (700, 43, 0.17),
    (800, 37, 0.14),
    (900, 33, 0.11),
    (950, 25, 0.08),
)
_ICON = {"rel": "icon", "type": "image/svg+xml", "href": lambda _: static("img/icon.svg")}
UNFOLD = {
    "SITE_TITLE": "Annotate admin",
    "SITE_HEADER": "Annotate",
    "SITE_URL": "/",
    "SITE_ICON": lambda _: static("img/icon.svg"),
    "SITE_FAVICONS": [_ICON],
    "STYLES": [lambda _: static("css/admin.css")],
    "COLORS": {"primary": {str(shade): f"oklch({light}% {chroma} 272)" for shade, light, chroma in _SHADES}},
}

# --- the rest ---------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
TIME_ZONE = env.time_zone
USE_TZ = True
USE_I18N = False
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.log_level},
    # The clients of the Hub log every address, and those of uploads are signed.
    "loggers": {
        "django.request": {"level": "ERROR"},
        "httpx": {"level": "WARNING"},
        "httpx2": {"level": "WARNING"},
    },
}
