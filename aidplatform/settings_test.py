"""Settings of the tests: the real ones, on the services that the pytest plugin has started."""

import os
import tempfile

os.environ.setdefault("AID_DEMO", "1")
os.environ.setdefault("AID_SECRET_KEY", "only-for-tests-" + "x" * 50)
os.environ.setdefault("AID_DATA_KEY", "only-for-tests-" + "y" * 50)
os.environ.setdefault("AID_DATABASE_URL", "postgresql://aid_app@/aidplatform?host=/nonexistent")
os.environ.setdefault("AID_DATABASE_OWNER_URL", "postgresql://aid_owner@/aidplatform?host=/nonexistent")
os.environ.setdefault("AID_REDIS_URL", "unix:///nonexistent/valkey.sock?db=0")
os.environ.setdefault("AID_STATE_DIR", tempfile.mkdtemp(prefix="aid-test-"))

from aidplatform.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}  # noqa: F405
# A share chosen by chance would make tests differ from run to run; those of blind reviews set their own.
BLIND_REVIEW_PER_MILLE = 0
