"""Settings, all from the environment: every variable is named AID_… and listed in VARIABLES.

A missing or bad value stops the process with a sentence that names the variable and what it wants.
"""

import os
import re
import secrets
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

import structlog
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.redis_urls import celery_broker_url
from aidplatform.variables import (
    VARIABLES,
    database_from_url,
    env_bool,
    env_days,
    env_int,
    env_names,
    env_secret,
    env_secret_or_file,
    env_text,
)

BASE_DIR = Path(__file__).resolve().parent.parent

DEMO = env_bool("AID_DEMO", False)
HOST = env_text("AID_HOST", "127.0.0.1")
PORT = env_int("AID_PORT", 8000)
PUBLIC_URL = env_text("AID_PUBLIC_URL", f"http://localhost:{PORT}" if DEMO else None).rstrip("/")
STATE_DIR = Path(env_text("AID_STATE_DIR", str(BASE_DIR / ".state")))
if DEMO and HOST not in {"127.0.0.1", "::1", "localhost"}:
    raise ImproperlyConfigured(f"AID_HOST={HOST}: a demonstration is served on loopback only.")

DEBUG = False
DATABASE_ROLE = os.environ.get("AID_DATABASE_ROLE", "app")
IS_SIGNER = DATABASE_ROLE == "signer"
# The signer keeps no session and opens nothing sealed: it is given neither key and draws its own.
SECRET_KEY = secrets.token_urlsafe(64) if IS_SIGNER else env_secret("AID_SECRET_KEY", at_least=50)
DATA_KEY = secrets.token_urlsafe(64) if IS_SIGNER else env_secret("AID_DATA_KEY", at_least=50)
SIGNER_KEY = env_secret_or_file("AID_SIGNER_KEY", at_least=50) if IS_SIGNER else ""
SIGNER_KEYS_BEFORE = tuple(env_text("AID_SIGNER_KEYS_BEFORE", "").split()) if IS_SIGNER else ()
if any(len(key) < 50 for key in SIGNER_KEYS_BEFORE):
    raise ImproperlyConfigured("AID_SIGNER_KEYS_BEFORE holds a key of fewer than 50 characters.")
SIGNER_STATE = Path(env_text("AID_SIGNER_STATE", str(STATE_DIR / "signer" / "state")))
TIME_STAMP_URLS = tuple(env_text("AID_TIME_STAMP_URLS", "").split())
TIME_STAMP_ROOTS = Path(env_text("AID_TIME_STAMP_ROOTS", ""))
if TIME_STAMP_URLS and not TIME_STAMP_ROOTS.is_file():
    raise ImproperlyConfigured(
        "AID_TIME_STAMP_URLS needs AID_TIME_STAMP_ROOTS, a file of certificates in PEM."
    )
SIGNER_SECONDS = env_int("AID_SIGNER_SECONDS", 5, at_least=1)
DATA_KEYS_BEFORE = tuple(env_text("AID_DATA_KEYS_BEFORE", "").split())
if any(len(key) < 50 for key in DATA_KEYS_BEFORE):
    raise ImproperlyConfigured("AID_DATA_KEYS_BEFORE holds a key of fewer than 50 characters.")
ALLOWED_HOSTS = [urlsplit(PUBLIC_URL).hostname or "", *(["localhost", "127.0.0.1", "[::1]"] if DEMO else [])]
ROOT_URLCONF = "aidplatform.urls"
WSGI_APPLICATION = "aidplatform.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "members.User"
TEST_RUNNER = "django.test.runner.DiscoverRunner"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "csp",
    "django_htmx",
    "pgtrigger",
    "rest_framework",
    "drf_spectacular",
    "aidplatform.work",
    "members",
    "ledger",
    "claims",
    "aidplatform.site",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "aidplatform.lib.http.RequestIdMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "members.people.sessions.SessionNotesMiddleware",
    "aidplatform.lib.kept.KeptInputMiddleware",
    "aidplatform.lib.http.NoStoreMiddleware",
    "aidplatform.lib.http.DomainErrorMiddleware",
]

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
                "aidplatform.site.context.shell",
            ],
            "builtins": ["aidplatform.work.templatetags.aid"],
        },
    }
]

_ADDRESSES = {"owner": "AID_DATABASE_OWNER_URL", "signer": "AID_DATABASE_SIGNER_URL"}
DATABASES = {"default": database_from_url(_ADDRESSES.get(DATABASE_ROLE, "AID_DATABASE_URL"))}

REDIS_URL = env_text("AID_REDIS_URL")
# Rate limits and sessions live in PostgreSQL: a broker that is flushed must not open a door.
# Beyond MAX_ENTRIES entries are thrown out by name: with the usual 300, anybody could make limits be forgotten.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "work_cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 60 * 60 * 12
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "aidplatform.site.views.csrf_failure"

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if not DEMO:
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    SECURE_SSL_REDIRECT = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 60 * 60 * 24 * 365
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    # The health endpoint is asked by the container next door, over plain HTTP.
    SECURE_REDIRECT_EXEMPT = [r"^health$"]

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "manifest-src": [SELF],
    }
}

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
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none" if DEMO else "mandatory"
ACCOUNT_ADAPTER = "members.people.adapter.AccountAdapter"
ACCOUNT_USER_DISPLAY = "aidplatform.work.templatetags.aid.named"
ACCOUNT_LOGOUT_ON_GET = False
MFA_SUPPORTED_TYPES = ["webauthn", "totp", "recovery_codes"]
# Every passkey asks who holds it (PIN, finger, face), so that it is two factors at once and may sign in alone.
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_USER_VERIFICATION = "required"
MFA_ADAPTER = "members.people.adapter.PasskeyAdapter"
MFA_FORMS = {
    "add_webauthn": "members.people.forms.AddPasskeyForm",
    "edit_webauthn": "members.people.forms.RenamePasskeyForm",
}
MFA_TOTP_ISSUER = "aidplatform"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LANGUAGE_COOKIE_SAMESITE = "Lax"
FORMAT_MODULE_PATH = ["aidplatform.formats"]
# Compiled into the state directory: the account that serves need not be able to write the sources.
LOCALE_SOURCES = BASE_DIR / "aidplatform" / "locale"
LOCALE_PATHS = [STATE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
USE_THOUSAND_SEPARATOR = True

STATIC_URL = "/static/"
STATIC_ROOT = STATE_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "aidplatform" / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

EMAIL_SERVICE = env_text("AID_EMAIL_SERVICE", "")
if EMAIL_SERVICE and os.environ.get("AID_EMAIL_URL"):
    raise ImproperlyConfigured("AID_EMAIL_URL and AID_EMAIL_SERVICE are both set: mails go one way.")
if EMAIL_SERVICE:
    if not re.fullmatch("[a-z_]+", EMAIL_SERVICE) or find_spec(f"anymail.backends.{EMAIL_SERVICE}") is None:
        raise ImproperlyConfigured(
            f"AID_EMAIL_SERVICE={EMAIL_SERVICE} is no service that django-anymail knows."
        )
    EMAIL_BACKEND = f"anymail.backends.{EMAIL_SERVICE}.EmailBackend"
    # A service that does not answer is tried again by the job; a worker does not wait for it for long.
    ANYMAIL = {"REQUESTS_TIMEOUT": (5, 20), **env_names("AID_EMAIL_SERVICE_SETTINGS")}
elif os.environ.get("AID_EMAIL_URL"):
    _mail = urlsplit(env_text("AID_EMAIL_URL"))
    EMAIL_HOST, EMAIL_PORT = _mail.hostname or "", _mail.port or 587
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = unquote(_mail.username or ""), unquote(_mail.password or "")
    EMAIL_USE_TLS = True
elif DEMO:
    # Kept in a table and shown on a page; nothing leaves the machine.
    EMAIL_BACKEND = "members.people.mails.TableBackend"
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = STATE_DIR / "mail"
SMS_URL = env_text("AID_SMS_URL", "")
if SMS_URL and not re.fullmatch(r"twilio://[^:@/]+:[^@/]+@[^/?]+\?from=\S+", SMS_URL):
    raise ImproperlyConfigured(
        f"AID_SMS_URL is no address of a gateway. It holds {VARIABLES['AID_SMS_URL']}."
    )
PHONE_CODES_PER_DAY = env_int("AID_PHONE_CODES_PER_DAY", 5)
DEFAULT_FROM_EMAIL = f"noreply@{urlsplit(PUBLIC_URL).hostname}"

LEASE_SECONDS = env_int("AID_LEASE_SECONDS", 20, at_least=1)
SWEEP_SECONDS = env_int("AID_SWEEP_SECONDS", 10, at_least=1)
TICK_SECONDS = env_int("AID_TICK_SECONDS", 60, at_least=1)
SHARD_MEMBERS = env_int("AID_SHARD_MEMBERS", 250_000)
# Of so many decided claims in a thousand a further person judges blindly; 0: of none.
BLIND_REVIEW_PER_MILLE = env_int("AID_BLIND_REVIEW_PER_MILLE", 50, at_least=0)
SMALL_POOL_MEMBERS = env_int("AID_SMALL_POOL_MEMBERS", 100_000, at_least=0)
ERASURE_DAYS = env_int("AID_ERASURE_DAYS", 7, at_least=1)
BANK_HOLIDAYS = env_days("AID_BANK_HOLIDAYS")
CLAIM_YEARS = env_int("AID_CLAIM_YEARS", 10, at_least=1)
COMPLAINT_DAYS = env_int("AID_COMPLAINT_DAYS", 15, at_least=1)
JOINS_PER_DAY = env_int("AID_JOINS_PER_DAY", 20_000)
JOINS_PER_BLOCK = env_int("AID_JOINS_PER_BLOCK", 200)
JOINS_PER_INVITATION = env_int("AID_JOINS_PER_INVITATION", 5)
DOCUMENTS_PER_DAY = env_int("AID_DOCUMENTS_PER_DAY", 10)
DOCUMENTS_PER_BLOCK = env_int("AID_DOCUMENTS_PER_BLOCK", 400)
FAILPOINTS_DIR = os.environ.get("AID_FAILPOINTS")
if FAILPOINTS_DIR and not DEMO:
    raise ImproperlyConfigured("AID_FAILPOINTS kills processes on purpose; it is refused unless AID_DEMO=1.")

# What Celery with Redis gets wrong is listed in ARCHITECTURE.md; PostgreSQL is the truth, a message a hint.
CELERY_BROKER_URL = celery_broker_url(REDIS_URL)
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "max_retries": 0,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_TIME_LIMIT = 3000
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 10.0
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "UTC"

# Event → kinds of job that hear of it; the apps below know only the events (`work.events.publish`).
EVENT_SUBSCRIBERS: dict[str, list[str]] = {
    "plan.published": ["sharing.log_rules", "joining.tell_rules"],
    "members.imported": ["founding.log_import"],
    "members.confirmed_with_balance": ["custody.open_wallets"],
    "award.final": ["claims.award_final"],
    "award.shared": ["claims.award_shared"],
    "award.paid": ["claims.award_paid"],
    "award.revoked": ["claims.award_revoked"],
    "period.announced": ["disclosure.tell_cases", "custody.announce_to_wallets"],
    "period.charges_posted": ["disclosure.tell_charges", "custody.follow_wallets"],
}

# How many stand before the web server and write down for whom they ask.
PROXIES = 0 if DEMO else 1
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "members.people.api.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_PAGINATION_CLASS": "aidplatform.lib.drf.Cursor",
    # The schema says what there is; OPTIONS would say it to people who may not know.
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_SCHEMA_CLASS": "aidplatform.lib.openapi.Schema",
    "EXCEPTION_HANDLER": "aidplatform.lib.drf.problem",
    # Counted in the cache, which is a table: a broker that is flushed forgets no count.
    "DEFAULT_THROTTLE_CLASSES": [
        "rest_framework.throttling.AnonRateThrottle",
        "rest_framework.throttling.UserRateThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {"anon": "120/min", "user": "600/min"},
    "NUM_PROXIES": PROXIES,
    # Addresses have no format suffix: one resource, one address.
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Mutual-aid pools",
    "DESCRIPTION": "Amounts are integers in the minor unit of the pool's currency. Errors are problem+json.",
    "VERSION": "1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "PATH_CONVERTER_OVERRIDES": {"case": str},
    # Rows of several kinds have a state or a kind; each list of words gets its own name.
    "ENUM_NAME_OVERRIDES": {
        "PoolState": "members.pools.models.Pool.State",
        "OpeningState": "ledger.founding.models.OpeningBalances.State",
        "ImportState": "members.joining.models.MemberImport.State",
        "ImportedMemberState": "members.joining.models.ImportedMember.State",
        "PeriodState": "ledger.sharing.models.Period.State",
        "AwardState": "ledger.sharing.models.Award.State",
        "ClaimState": "claims.filing.models.Claim.State",
        "PaymentState": "ledger.custody.models.PaymentOrder.State",
        "PaymentKind": "ledger.custody.models.PaymentOrder.Kind",
        # A settlement has the same states.
        "WriteOffState": "ledger.custody.write_off_models.WriteOff.State",
        "WriteOffReason": "ledger.custody.write_off_models.WriteOff.Reason",
        "ExplanationCause": "ledger.custody.explanation_models.DebitExplanation.Cause",
        "MonthState": "ledger.custody.month_models.MonthState",
        "InterestKind": "ledger.custody.interest_models.OperatorInterest.Kind",
        "InterestState": "ledger.custody.interest_models.State",
        "DeputyKind": "members.joining.deputy_models.Deputy.Kind",
        "DeputyState": "members.joining.deputy_models.Deputy.State",
        "GuardianRequestState": "members.joining.guardian_models.GuardianRequest.State",
        "SigningCapacity": "members.joining.models.CovenantSignature.Capacity",
        "Relation": "members.joining.models.JoinApplication.Relation",
        "ReportedEndState": "members.joining.end_models.ReportedEnd.State",
        "ReportedEndReason": "members.joining.end_models.REPORTED",
        "BookingKind": "ledger.custody.models.StatementLine.Kind",
        "ComplaintState": "members.rights.models.Complaint.State",
        "ComplaintAbout": "members.rights.models.Complaint.About",
    },
}

structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(ensure_ascii=False),
    ],
    logger_factory=structlog.WriteLoggerFactory(),
    cache_logger_on_first_use=True,
)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {"django.db.backends": {"level": "WARNING"}},
}
SITE_NAME = _("Mutual-aid pools")
