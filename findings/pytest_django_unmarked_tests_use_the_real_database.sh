#!/usr/bin/env bash
# pytest-django 4.11 to 4.14: `django_db_setup` may leave the tests on the site's own database, and they write to it.
#
# The fixture is documented as the one that makes the test databases available. Since 4.11 it makes only those that some
# collected test asks for by the mark `django_db` or by a fixture such as `db`. A fixture of wider scope that builds shared
# rows once, with `django_db_setup` and `django_db_blocker.unblock()`, asks for none: if no other test of the run does, the
# connection still points to the database of the settings. The rows are written there, the test passes, and nothing warns.
# In a run of the whole suite other tests have the mark, so it shows only when such a file runs alone. 4.10.0 makes the test
# database. Annotate marks the tests that share a stage, and its own `django_db_setup` refuses to go on without a test database.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > site_settings.py <<'PY'
SECRET_KEY = "for this script alone"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "site.sqlite3", "TEST": {"NAME": "test.sqlite3"}}}
PY
cat > test_groups.py <<'PY'
import os

import pytest
from django.contrib.auth.models import Group

if os.environ["MARKED"] == "yes":
    pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def group(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        yield Group.objects.create(name="made by a test")


def test_it_is_there(group):
    assert group.pk
PY
new_groups() { # pytest-django's version, pytest's version, whether the test is marked: rows in the site's own database
  python3 -m venv --clear venv
  venv/bin/pip install --quiet "pytest-django==$1" "pytest==$2" django==5.2.19
  export DJANGO_SETTINGS_MODULE=site_settings PYTHONPATH=. MARKED=$3
  rm -f site.sqlite3 test.sqlite3
  venv/bin/django-admin migrate --verbosity 0
  venv/bin/python -W error -m pytest -q -p no:cacheprovider > said.txt
  grep -q "1 passed" said.txt
  ! grep -qi "warning" said.txt
  venv/bin/python -c "import sqlite3; print(sqlite3.connect('site.sqlite3').execute('SELECT count(*) FROM auth_group').fetchone()[0])"
}
before=$(new_groups 4.10.0 8.3.5 no)
first=$(new_groups 4.11.1 8.3.5 no)
unmarked=$(new_groups 4.14.0 9.2.0 no)
marked=$(new_groups 4.14.0 9.2.0 yes)
echo "groups that a passing test wrote to the site's own database:"
echo "4.10.0 unmarked: $before; 4.11.1 unmarked: $first; 4.14.0 unmarked: $unmarked; 4.14.0 marked: $marked"
[ "$before" = 0 ]
[ "$first" = 1 ]
[ "$unmarked" = 1 ]
[ "$marked" = 0 ]
echo "As described: without a marked test, 4.14.0 writes to the database of the settings."
