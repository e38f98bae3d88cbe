"""Static files under hashed names, JavaScript modules included."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFilesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Modules import each other by hashed name too, so that a page never mixes two releases."""

    support_js_module_import_aggregation = True
