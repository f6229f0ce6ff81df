"""Settings from the environment."""

from __future__ import annotations

import pytest

from annotate.env import Environment, read


def test_an_empty_setting_has_its_default() -> None:
    assert read(dict.fromkeys(Environment.__struct_fields__, "")) == Environment()


def test_an_invalid_setting_is_named_with_what_is_allowed() -> None:
    with pytest.raises(ValueError, match=r"PORT: Expected a whole number from 1 to 65535 \(it is '0'\)") as error:
        read({"port": "0", "log_level": "LOUD", "demo": "perhaps", "secret_key": "short"})
    lines = str(error.value).splitlines()
    assert [line.split(":")[1].strip() for line in lines] == ["PORT", "SECRET_KEY", "DEMO", "LOG_LEVEL"]
    assert "short" not in lines[1]
