"""Gives the copy of the database Django's own tables, and prints the versions and the session of somebody who is signed in."""

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
django.setup()

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.core.management import call_command
import gunicorn

call_command("migrate", verbosity=0)
user = get_user_model().objects.filter(username="admin").first()
if user is None:
    user = get_user_model().objects.create_superuser("admin", "admin@portal.example", "only to be measured with")
session = SessionStore()
session[SESSION_KEY] = str(user.pk)
session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
session[HASH_SESSION_KEY] = user.get_session_auth_hash()
session.create()
python = ".".join(str(part) for part in sys.version_info[:3])
print(f"Django {django.__version__}, gunicorn {gunicorn.__version__}, Python {python}|{session.session_key}")
