"""Static files with a hash in their name, so that browsers may keep them for ever."""

from __future__ import annotations

from django.contrib.staticfiles.storage import HashedFilesMixin
from whitenoise.storage import CompressedManifestStaticFilesStorage


class Storage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Also rewrites the imports of our ES modules, which need no bundler that way."""

    # One pass for each file in the longest chain of imports: a module's name changes with those that it imports.
    max_post_process_passes = 12

    # Ours only: what a vendor's comment says of an import is not to be followed.
    patterns = (
        *HashedFilesMixin.patterns,
        ("js/*.js", getattr(HashedFilesMixin, "_js_module_import_aggregation_patterns")[1]),  # noqa: B009 - has no public name
    )
    # A page that names a missing file is a bug to see in tests, not a 500 for a labeler.
    manifest_strict = False
