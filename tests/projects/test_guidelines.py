"""What labelers are told: a change is a version, and nothing else is."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection
from django.urls import reverse

from apps.accounts.models import AuditEvent, User
from apps.projects.models import Guideline, Project
from apps.projects.services import create_project, publish_guidelines
from tests.cast import make_user, signed_in


def test_versions_count_up_in_each_project_by_itself(project: Project, alice: User, charlie: User) -> None:
    other = create_project(slug="other", owner=charlie)
    versions = [publish_guidelines(project=project, text=text, author=alice).version for text in ("A", "B", "A")]
    assert versions == [1, 2, 3]
    assert publish_guidelines(project=other, text="A", author=charlie).version == 1


def test_the_same_text_is_no_new_version(project: Project, alice: User, mia: User) -> None:
    first = publish_guidelines(project=project, text="Be fair.", author=alice)
    again = publish_guidelines(project=project, text="Be fair.", author=mia)
    assert again == first
    assert again.author == alice
    assert AuditEvent.objects.filter(verb="guidelines.published").count() == 1


def test_a_browsers_line_ends_are_no_new_version(project: Project, mia: User) -> None:
    publish_guidelines(project=project, text="# Rules\n\n- Be fair.\n- Be quick.\n", author=mia)
    page = reverse("guidelines-edit", args=[project.slug])
    signed_in(mia).post(page, {"text": "# Rules\r\n\r\n- Be fair.\r\n- Be quick."})
    assert [one.version for one in project.guidelines.all()] == [1]
    signed_in(mia).post(page, {"text": "# Rules\r\n\r\n- Be fair.\r\n- Be slow."})
    assert [one.version for one in project.guidelines.all()] == [2, 1]


def test_old_versions_stay_as_they_were(project: Project, mia: User, bob: User) -> None:
    edit = reverse("guidelines-edit", args=[project.slug])
    for text in ("Old *rules*.", "New rules."):
        assert signed_in(mia).post(edit, {"text": text}).status_code == 302
    newest = signed_in(bob).get(reverse("guidelines", args=[project.slug])).content.decode()
    assert "New rules." in newest
    assert "Old <em>rules</em>." not in newest
    old = signed_in(bob).get(reverse("guidelines-version", args=[project.slug, 1])).content.decode()
    assert "Old <em>rules</em>." in old
    assert signed_in(bob).get(reverse("guidelines-version", args=[project.slug, 3])).status_code == 404


def test_empty_guidelines_are_not_published(project: Project, mia: User) -> None:
    answer = signed_in(mia).post(reverse("guidelines-edit", args=[project.slug]), {"text": " \n "})
    assert answer.status_code == 422
    assert not Guideline.objects.exists()


def test_publishing_is_on_record(project: Project, mia: User) -> None:
    publish_guidelines(project=project, text="A", author=mia)
    publish_guidelines(project=project, text="B", author=mia)
    event = AuditEvent.objects.first()
    assert event is not None
    assert (event.verb, event.actor, event.target) == ("guidelines.published", mia, "2")


@pytest.mark.django_db(transaction=True)
def test_who_publishes_at_once_gets_a_version_each() -> None:
    author = make_user("alice")
    project = create_project(slug="algebra", owner=author)
    barrier = Barrier(6)

    def publish(number: int) -> int:
        try:
            barrier.wait(10)
            return publish_guidelines(project=project, text=f"Text {number % 5}", author=author).version
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as threads:
        versions = list(threads.map(publish, range(6)))
    kept = {one.version: one.text for one in project.guidelines.all()}
    assert sorted(kept) == list(range(1, len(kept) + 1))
    assert [kept[version] for version in versions] == [f"Text {number % 5}" for number in range(6)]
