"""Static files with a hash in their name, so that browsers may keep them for ever."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage


class Storage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Also rewrites the imports of our ES modules, which need no bundler that way."""

    support_js_module_import_aggregation = True
    # A page that names a missing file is a bug to see in tests, not a 500 for a labeler.
    manifest_strict = False
