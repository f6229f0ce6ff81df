"""`create_user` and `token`: one object for scripts, a sentence for people, an error that names the field."""

from __future__ import annotations

import json
import subprocess
import sys
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from apps.accounts.models import ApiToken, User
from apps.projects.models import Membership, Project
from tests.cast import PASSWORD, make_user
from tests.processes import ROOT, environment


def said(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def told(*words: str) -> Any:
    return json.loads(said(*words, "--json"))


def test_create_user_makes_an_account_that_signs_in_at_once(project: Project) -> None:
    out = told("create_user", "Nora@Lab.Example", "--password", PASSWORD, "--name", "Nora")
    assert out == {"email": "nora@lab.example", "project": None, "role": None}
    user = User.objects.get(email="nora@lab.example")
    assert (user.name, user.is_staff) == ("Nora", False)
    client = Client(REMOTE_ADDR="10.7.0.1")
    answer = client.post(reverse("account_login"), {"login": "nora@lab.example", "password": PASSWORD})
    assert answer["Location"] == reverse("home")
    assert not user.memberships.exists()


@pytest.mark.parametrize(("words", "role"), [([], "labeler"), (["--role", "manager"], "manager")])
def test_create_user_makes_a_member_too(project: Project, words: list[str], role: str) -> None:
    out = told("create_user", "nora@lab.example", "--password", PASSWORD, "--project", project.slug, *words)
    assert out == {"email": "nora@lab.example", "project": "algebra", "role": role}
    assert Membership.objects.get(user__email="nora@lab.example", project=project).role == role


def test_create_user_makes_staff_who_may_open_the_admin(db: None) -> None:
    told("create_user", "nora@lab.example", "--password", PASSWORD, "--staff")
    client = Client()
    client.force_login(User.objects.get())
    assert client.get("/admin/").status_code == 200


def test_create_user_tells_people_in_lines_without_the_password(project: Project) -> None:
    out = said("create_user", "nora@lab.example", "--password", PASSWORD, "--project", project.slug)
    assert out.splitlines() == ["email: nora@lab.example", "project: algebra", "role: labeler"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nora", "--password", PASSWORD], "email: "),
        (["ALICE@lab.example", "--password", PASSWORD], "email: taken"),
        (["nora@lab.example", "--password", "short"], "password: "),
        (["nora@lab.example", "--password", PASSWORD, "--name", "n" * 201], "name: "),
        (["nora@lab.example", "--password", PASSWORD, "--project", "no-such"], "project: unknown"),
        (["nora@lab.example", "--password", PASSWORD, "--role", "king"], "--role"),
        (["nora@lab.example"], "--password"),
    ],
)
def test_create_user_names_what_is_wrong_and_makes_nothing(alice: User, words: list[str], message: str) -> None:
    with pytest.raises(CommandError) as refused:
        said("create_user", *words, "--json")
    assert message in str(refused.value)
    assert PASSWORD not in str(refused.value)
    assert set(User.objects.all()) == {alice}


def test_token_prints_a_secret_that_works(alice: User) -> None:
    out = told("token", "ALICE@lab.example", "--scopes", "read, label,read", "--name", "nightly")
    assert set(out) == {"token", "email", "scopes"}
    assert (out["email"], out["scopes"]) == (alice.email, ["label", "read"])
    assert ApiToken.objects.get().name == "nightly"
    for status, client in ((200, Client(headers={"Authorization": f"Bearer {out['token']}"})), (401, Client())):
        assert client.get("/api/v1/projects").status_code == status


def test_token_prints_the_secret_alone_for_a_shell(alice: User) -> None:
    secret = said("token", alice.email).removesuffix("\n")
    token = ApiToken.objects.get(digest=ApiToken.digest_of(secret))
    assert (token.user, sorted(token.scopes)) == (alice, ["label", "read", "write"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nobody@lab.example"], "email: unknown"),
        (["alice@lab.example", "--scopes", "read,root"], "scopes: unknown: root"),
        (["alice@lab.example", "--scopes", " , "], "scopes: none given"),
    ],
)
def test_token_names_what_is_wrong_and_makes_nothing(alice: User, words: list[str], message: str) -> None:
    with pytest.raises(CommandError) as refused:
        said("token", *words, "--json")
    assert message in str(refused.value)
    assert not ApiToken.objects.exists()


def test_token_is_for_nobody_who_may_not_sign_in(alice: User) -> None:
    User.objects.update(is_active=False)
    with pytest.raises(CommandError, match="email: unknown"):
        said("token", alice.email)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_shell_sees_it_by_the_exit_status() -> None:
    make_user("alice")

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "manage.py", *words, "--json"]
        return subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=120)

    good = run("token", "alice@lab.example")
    assert good.returncode == 0
    assert json.loads(good.stdout.splitlines()[-1])["email"] == "alice@lab.example"
    for words, message in (
        (["token", "nobody@lab.example"], "email: unknown"),
        (["create_user", "alice@lab.example", "--password", PASSWORD], "email: taken"),
        (["create_project", "new"], "slug: reserved"),
    ):
        refused = run(*words)
        assert refused.returncode != 0
        assert refused.stdout == ""
        assert message in refused.stderr
        assert "Traceback" not in refused.stderr
