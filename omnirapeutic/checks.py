"""Lessons as machine checks: what must hold for every URL."""

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.urls import URLPattern, URLResolver, get_resolver


def url_patterns(resolver: Any = None, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Every URL pattern of the project with its whole route."""
    for pattern in (resolver or get_resolver()).url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from url_patterns(pattern, route)
        else:
            yield route, pattern


@register(Tags.urls)
def every_view_declares_a_policy(**kwargs: Any) -> list[CheckMessage]:
    """A view without a policy would be open to anybody by mistake."""
    return [
        Error(
            f"The view of '{route}' declares no policy.",
            hint="Decorate it with requires(...) or open_to_anybody(reason=...).",
            id="omnirapeutic.E001",
        )
        for route, pattern in url_patterns()
        if not hasattr(pattern.callback, "policy")
    ]
