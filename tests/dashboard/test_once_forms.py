"""A button that is pressed twice does its work once."""

from __future__ import annotations

import re
from uuid import uuid4

from django.urls import reverse

from apps.accounts.models import User
from apps.labeling.models import Round
from tests.cast import signed_in
from tests.world import World

TERMS = {"protocol": "first_error", "redundancy": "1", "gold_percent": "0", "lease_minutes": "20", "kind": "work"}


def test_a_double_click_opens_one_round_and_submitting_again_opens_two(world: World, alice: User) -> None:
    client, url = signed_in(alice), reverse("round-new", args=[world.project.slug])
    page = client.get(url).content.decode()
    once = re.search(r'name="once" value="([0-9a-f]+)"', page)
    assert once
    before = Round.objects.count()
    first = client.post(url, TERMS | {"once": once[1]})
    second = client.post(url, TERMS | {"once": once[1]})
    assert (first.status_code, second.status_code) == (302, 422)
    assert "This form was already submitted" in second.content.decode()
    assert Round.objects.count() == before + 1

    again = re.search(r'name="once" value="([0-9a-f]+)"', second.content.decode())
    assert again
    assert again[1] != once[1]
    assert client.post(url, TERMS | {"once": again[1]}).status_code == 302
    assert Round.objects.count() == before + 2


def test_a_filling_that_was_refused_can_be_sent_again(world: World, alice: User) -> None:
    client, url, once = signed_in(alice), reverse("round-new", args=[world.project.slug]), uuid4().hex
    # The form is well-formed, and it is the service that finds the skill too long.
    refused = client.post(url, TERMS | {"once": once, "skills": "x" * 41})
    assert refused.status_code == 422
    assert client.post(url, TERMS | {"once": once}).status_code == 302
