"""The bundles of the pages' modules."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from annotate import bundles
from annotate.bundles import ENTRIES, BundleError, bundle, is_part
from annotate.env import ROOT


@pytest.fixture
def collected(tmp_path: Path) -> Path:
    """A site with one module that imports another, and loads a package when it is needed."""
    files = {
        "js/shared/words.js": "export const word = 'from the other module';\n",
        "vendor/package/one.js": "export default 1;\n",
    }
    for name in ENTRIES:
        depth = "../" * name.count("/")
        files[name] = f"""
            import {{ word }} from "{depth.removesuffix("../") or "./"}shared/words.js";
            export const longNameOfOurs = async () => [word, await import("{depth}vendor/package/one.js")];
        """
    for name, text in files.items():
        (tmp_path / "static" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "static" / name).write_text(text)
    return tmp_path / "static"


def test_an_entry_has_what_it_imports_and_finds_its_packages(collected: Path, tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    bundle(collected, tmp_path / "made")
    for name in ENTRIES:
        text = (tmp_path / "made" / name).read_text()
        assert "from the other module" in text
        assert "shared/words.js" not in text
        assert f'import("{"../" * name.count("/")}vendor/package/one.js")' in text
        assert "longNameOfOurs" in text


def test_the_collected_files_stay_as_they_are(collected: Path, tmp_path: Path) -> None:
    """A later collection bundles them again, and would bundle a bundle."""
    before = {path: path.read_text() for path in collected.rglob("*.js")}
    (tmp_path / "made").mkdir()
    bundle(collected, tmp_path / "made")
    assert {path: path.read_text() for path in collected.rglob("*.js")} == before


def test_a_module_with_an_error_is_named(collected: Path, tmp_path: Path) -> None:
    (collected / "js/shared/words.js").write_text("export const word = ;\n")
    (tmp_path / "made").mkdir()
    with pytest.raises(BundleError, match=r"js/api-docs\.js cannot be bundled: .*js/shared/words\.js:1"):
        bundle(collected, tmp_path / "made")


def test_without_esbuild_it_says_what_to_run(collected: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "ROOT", tmp_path)
    (tmp_path / "made").mkdir()
    with pytest.raises(BundleError, match="run `npm ci`"):
        bundle(collected, tmp_path / "made")


def test_the_entries_are_the_modules_that_pages_name() -> None:
    named = {
        name
        for path in (ROOT / "templates").rglob("*.html")
        for name in re.findall(r'<script type="module" src="\{% static \'([^\']+)\' %\}">', path.read_text())
    }
    assert named == set(ENTRIES)


def test_a_site_has_entries_and_no_parts(static_files: Path) -> None:
    names = {
        re.sub(r"\.[0-9a-f]{12}\.js$", ".js", str(path.relative_to(static_files / "static")))
        for path in (static_files / "static/js").rglob("*.js")
    }
    assert names >= set(ENTRIES)
    assert [name for name in names if is_part(name)] == []
