"""Every setting, read from the environment and nowhere else.

With no DATABASE_URL the embedded PostgreSQL of this checkout is used, which is a demo by
definition. What each variable means is said beside it; README lists them for operators.
"""

import re
import secrets
from pathlib import Path

import environ
import pghistory
import structlog
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.utils.translation import gettext_lazy as _

from config import embedded, programs

env = environ.Env()
BASE_DIR = Path(__file__).resolve().parent.parent
RUN_DIR = programs.RUN_DIR  # RETOUR_RUN_DIR: what a running checkout keeps (default .run)
DATA_DIR = Path(env("DATA_DIR", default=str(RUN_DIR / "data")))  # uploads, photos, documents
RULES_DIR = env("RULES_DIR", default="")  # e-invoice rules that no installed package brings
VIES_URL = env("VIES_URL", default="")  # base of the EU's VIES REST API; empty: ids are not asked
# Amazon's Selling Partner API; without them the feed lane and the finances pull are not offered.
AMAZON_CLIENT_ID = env("AMAZON_CLIENT_ID", default="")
AMAZON_CLIENT_SECRET = env("AMAZON_CLIENT_SECRET", default="")
AMAZON_REFRESH_TOKENS = env.json("AMAZON_REFRESH_TOKENS", default={})  # {"seller code": "token"}
AMAZON_ENDPOINT = env("AMAZON_ENDPOINT", default="")  # empty: Amazon's address of the region
AMAZON_TOKEN_URL = env("AMAZON_TOKEN_URL", default="")  # empty: Amazon's
AMAZON_TIMEOUT = env.int("AMAZON_TIMEOUT", default=30)  # seconds to wait for an answer

DEBUG = env.bool("DEBUG", default=False)
DATABASE_URL = env("DATABASE_URL", default="")
# RETOUR_DEMO: pages say so, mail goes to the console. The embedded database is always a demo.
RETOUR_DEMO = env.bool("RETOUR_DEMO", default=not DATABASE_URL)
# What inspecting a unit costs, "EUR=2.50 GBP=2.10"; empty: labour is left out. Made up in the demo.
_DEMO_COST = "EUR=2.50 GBP=2.10 USD=2.80 CAD=3.60 JPY=400 SEK=28 PLN=11"
INSPECTION_COST = env("INSPECTION_COST", default=_DEMO_COST if RETOUR_DEMO else "")
# RETOUR_HTTPS: off only where nothing but loopback can reach the desk.
HTTPS = env.bool("RETOUR_HTTPS", default=not RETOUR_DEMO)


def secret_key() -> str:
    """SECRET_KEY of the environment; in the demo one made once and kept in the run folder."""
    if given := env("SECRET_KEY", default=""):
        return given
    if not RETOUR_DEMO:
        raise ImproperlyConfigured("Set SECRET_KEY: outside the demo there is no generated one.")
    RUN_DIR.mkdir(parents=True, exist_ok=True)
    kept = RUN_DIR / "secret-key"
    try:
        with kept.open("x") as file:
            kept.chmod(0o600)
            file.write(secrets.token_urlsafe(50))
    except FileExistsError:
        pass
    return kept.read_text()


SECRET_KEY = secret_key()
ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"] if RETOUR_DEMO else []
)
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

# --- Database: one, in two roles ---------------------------------------------------------------
TEST_DATABASE_NAME = env("TEST_DATABASE_NAME", default="test_retour")


def database(url: str, role: str, timeouts: dict[str, str], test: dict) -> dict:
    """Connection of one role; without a URL to the embedded server of this checkout."""
    parsed = env.db_url_config(url) if url else embedded.connection(role)
    if parsed["ENGINE"] != "django.db.backends.postgresql":
        raise ImproperlyConfigured(
            "Retour runs on PostgreSQL 15 or newer only: its locks, triggers and COPY are the "
            "design. Set DATABASE_URL to postgres://…, or leave it empty for the embedded one."
        )
    options = " ".join(f"-c {name}={value}" for name, value in timeouts.items())
    return parsed | {
        "CONN_MAX_AGE": 300,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": parsed.get("OPTIONS", {}) | {"options": options},
        "TEST": test,
    }


DATABASES = {
    # The app: owns nothing. The web process sets DATABASE_STATEMENT_TIMEOUT shorter (wsgi.py).
    "default": database(
        DATABASE_URL,
        "retour_app",
        {
            "lock_timeout": "10s",
            "temp_buffers": "64MB",  # imports stage their rows in temporary tables
            "statement_timeout": env("DATABASE_STATEMENT_TIMEOUT", default="230s"),
            "idle_in_transaction_session_timeout": "240s",
        },
        {"MIRROR": "owner"},
    ),
    # The owner: migrations, flush of tests, ANALYZE, retention. A migration that cannot get its
    # lock gives up instead of queueing everybody behind it.
    "owner": database(
        env("DATABASE_OWNER_URL", default=""),
        "retour_owner",
        {"lock_timeout": "30s", "idle_in_transaction_session_timeout": "600s"},
        {"NAME": TEST_DATABASE_NAME},
    ),
}
if bool(DATABASE_URL) != bool(env("DATABASE_OWNER_URL", default="")):
    raise ImproperlyConfigured("Set DATABASE_URL and DATABASE_OWNER_URL both, or neither.")
DATABASE_ROUTERS = ["config.core.routers.Roles"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Rooms -------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "pgtrigger",
    "pghistory",
    "django_tables2",
    "django_filters",
    "django_htmx",
    "csp",
    "config.core.apps.CoreConfig",
    "orders.apps.OrdersConfig",
    "invoicing.apps.InvoicingConfig",
    "returns.apps.ReturnsConfig",
]
MIDDLEWARE = [
    "config.core.middleware.RequestId",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "config.core.middleware.NoCopies",
    "config.core.middleware.PlainText",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "config.core.middleware.ExplainButtons",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
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
                "config.core.context.page",
            ]
        },
    },
    {  # compiled rows of the long lists; same autoescape, found by templates/jinja/<name>
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "DIRS": [BASE_DIR / "templates" / "jinja"],
        "APP_DIRS": False,
        "OPTIONS": {"environment": "config.core.jinja.environment"},
    },
]

# --- The trail (row-level triggers, append-only, context as JSON on the row) -------------------
PGHISTORY_CONTEXT_FIELD = pghistory.ContextJSONField()
PGHISTORY_CONTEXT_ID_FIELD = pghistory.ContextUUIDField()
PGHISTORY_APPEND_ONLY = True
PGHISTORY_ADMIN_ALL_EVENTS = False

# --- People ------------------------------------------------------------------------------------
AUTH_USER_MODEL = "core.User"
AUTHENTICATION_BACKENDS = ["config.core.auth.RoleBackend"]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "returns:start"
LOGOUT_REDIRECT_URL = "login"
_VALIDATION = "django.contrib.auth.password_validation."
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": _VALIDATION + "UserAttributeSimilarityValidator"},
    {"NAME": _VALIDATION + "MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": _VALIDATION + "CommonPasswordValidator"},
]
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = HTTPS
if HTTPS:  # browsers take a __Host- cookie only when it is secure
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-session", "__Host-csrf"

# --- Answers to the browser --------------------------------------------------------------------
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz)$"]
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("TRUST_PROXY", default=False) else None
)
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "SAMEORIGIN"
SILENCED_SYSTEM_CHECKS = ["security.W019"]  # asks for DENY; our document pages frame our own PDFs
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],  # blob: a photo shown before it is uploaded
        "object-src": [NONE],
        "frame-ancestors": [SELF],  # a document's PDF is previewed in a frame of its own page
        "base-uri": [NONE],
        "form-action": [SELF],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700

# --- Languages ---------------------------------------------------------------------------------
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
LANGUAGES = [
    ("en", _("English")),
    ("de", _("German")),
    ("fr", _("French")),
    ("it", _("Italian")),
    ("es", _("Spanish")),
    ("ja", _("Japanese")),
]
LOCALE_PATHS = [BASE_DIR / "config" / "locale"]

# --- Files -------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = Path(env("STATIC_ROOT", default=str(RUN_DIR / "static")))
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = DATA_DIR  # no MEDIA_URL: files leave through views that ask for permission
# RETOUR_STATIC=finders: straight from the source folders (tests, development).
WHITENOISE_USE_FINDERS = env("RETOUR_STATIC", default="finders" if DEBUG else "") == "finders"
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if WHITENOISE_USE_FINDERS
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# --- Mail --------------------------------------------------------------------------------------
EMAIL_CONFIG = env.email_url("EMAIL_URL", default="consolemail://" if RETOUR_DEMO else "smtp://")
vars().update(EMAIL_CONFIG)
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", default="returns@retour.example")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
EMAIL_TIMEOUT = 10

# --- Celery (queues and schedule: celery.py) ---------------------------------------------------
CELERY_BROKER_URL = env("CELERY_BROKER_URL", default="") or embedded.broker_url()
CELERY_TASK_ALWAYS_EAGER = env.bool("CELERY_TASK_ALWAYS_EAGER", default=False)

# --- Sending refunds through Amazon's feed (seconds) --------------------------------------------
SENDING_HOLD = env.int("SENDING_HOLD", default=10)  # after approval; a change of mind costs nothing
SENDING_WINDOW = env.int("SENDING_WINDOW", default=120)  # one feed a window: Amazon's own quota
SENDING_LEASE = env.int("SENDING_LEASE", default=120)  # then a call without an answer is lost
SENDING_POLL = env.int("SENDING_POLL", default=30)  # until the first look at what Amazon made of it
SENDING_SILENCE = env.int("SENDING_SILENCE", default=3 * 86400)  # without a report: then a person

# --- Logs: one line of key=value (or JSON) per event, no personal data -------------------------
LOG_LEVEL = env("LOG_LEVEL", default="INFO")
_QUOTED_ROW = re.compile(r"^(DETAIL|CONTEXT):.*?(?=\n\n|\Z)", re.MULTILINE | re.DOTALL)
_PERSONAL = {"address", "body", "email", "name", "password", "phone", "recipient", "username"}


def _without_personal_data(logger: object, method: str, event: dict) -> dict:
    """Drop what a person could be known by, whoever logged it."""
    return {key: value for key, value in event.items() if key.lower() not in _PERSONAL}


def _refusals_need_no_trace(logger: object, method: str, event: dict) -> dict:
    """Django logs a page that a role may not open with a traceback; the line says it all."""
    error = event.get("exc_info")
    if isinstance(error, tuple) and isinstance(error[1], PermissionDenied):
        del event["exc_info"]
    return event


def _without_row_contents(logger: object, method: str, event: dict) -> dict:
    """Drop what PostgreSQL quotes from a row when it refuses one: it stands in the traceback."""
    if text := event.get("exception"):
        event["exception"] = _QUOTED_ROW.sub(r"\1: (left out)", text)
    return event


_BEFORE = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    _without_personal_data,
    _refusals_need_no_trace,
]
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": structlog.stdlib.ProcessorFormatter,
            "foreign_pre_chain": _BEFORE,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _without_row_contents,
                structlog.processors.JSONRenderer()
                if env.bool("LOG_JSON", default=False)
                else structlog.processors.KeyValueRenderer(
                    key_order=["timestamp", "level", "logger", "event"]
                ),
            ],
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"handlers": [], "level": LOG_LEVEL, "propagate": True},
        "django.server": {"handlers": [], "level": LOG_LEVEL, "propagate": True},
        "fontTools": {"level": "WARNING"},
        "pikepdf": {"level": "WARNING"},
        "spapi": {"level": "WARNING"},  # below, it and urllib3 write bodies and signed addresses
        "urllib3": {"level": "WARNING"},
        "weasyprint": {"level": "ERROR"},
    },
}
structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        *_BEFORE,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
