"""What a view answers to a browser that may have asked through htmx.

A view calls these and never looks at the headers itself, so that it works the
same with and without JavaScript.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, TypeVar

from django.contrib.messages import get_messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.utils.cache import patch_vary_headers

Response = TypeVar("Response", bound=HttpResponseBase)

UNPROCESSABLE = 422

_EVENT_NAME = re.compile(r"[a-z][A-Za-z0-9]*")
_HEADER = "HX-Trigger"
_MESSAGES_EVENT = "messagesPosted"


class SeeOther(HttpResponseRedirect):
    """A redirect after a POST: the browser follows with GET, whatever it was."""

    status_code = 303


def is_htmx(request: HttpRequest) -> bool:
    """True when htmx sent the request."""
    return request.headers.get("HX-Request") == "true"


def wants_fragment(request: HttpRequest) -> bool:
    """True when htmx will swap the answer into a part of the page.

    False for a history restore, which needs the whole page, and for a request
    whose target is the body.
    """
    return (
        is_htmx(request)
        and request.headers.get("HX-Request-Type") != "full"
        and request.headers.get("HX-History-Restore-Request") != "true"
    )


def redirect(request: HttpRequest, to: Any, *args: Any, **kwargs: Any) -> HttpResponse:
    """Send the browser to another page of this application after a write.

    ``to`` is a path, a URL name with its arguments, or an object with
    ``get_absolute_url``. htmx gets 200 with ``HX-Redirect`` (following a 303
    itself it would swap the whole next page into the fragment); everyone else
    gets 303. Raises ValueError for an address outside this application.
    """
    url = resolve_url(to, *args, **kwargs)
    if not url.startswith("/") or url.startswith(("//", "/\\")):
        raise ValueError("redirect() only leads to a path of this application")
    response: HttpResponse
    if is_htmx(request):
        response = HttpResponse()
        response["HX-Redirect"] = url
    else:
        response = SeeOther(url)
    patch_vary_headers(response, ["HX-Request"])
    return response


def trigger(response: Response, *events: str) -> Response:
    """Tell the page what has happened: ``trigger(response, "unitsReserved")``.

    Event names are camelCase in the past tense. Fragments listen with
    ``hx-trigger="unitsReserved from:body"``. Repeated calls add up.
    """
    for event in events:
        _add_event(response, event, {})
    return response


def post_messages(request: HttpRequest, response: Response) -> Response:
    """Move Django's pending messages into the answer to an htmx request.

    They appear in the page's live region. For the middleware: a redirect and a
    whole page keep their messages for the page that prints them.
    """
    if not is_htmx(request) or "HX-Redirect" in response.headers or response.status_code >= 300:
        return response
    if not wants_fragment(request):
        return response
    items = [{"level": message.level_tag, "text": str(message.message)} for message in get_messages(request)]
    if items:
        _add_event(response, _MESSAGES_EVENT, {"items": items})
    return response


def render_page(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any] | None = None,
    *,
    fragment: str | None = None,
    status: int = 200,
) -> HttpResponse:
    """Render a page, or only its partial named ``fragment`` when htmx wants that."""
    name = f"{template}#{fragment}" if fragment and wants_fragment(request) else template
    response = render(request, name, dict(context or {}), status=status)
    if fragment:
        patch_vary_headers(response, ["HX-Request", "HX-Request-Type"])
    return response


def invalid_form(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any],
    *,
    fragment: str | None = None,
) -> HttpResponse:
    """The form again with its errors, as a fragment or as the page: status 422.

    422 is the only error that htmx swaps in; the focus then moves to the error
    summary.
    """
    return render_page(request, template, context, fragment=fragment, status=UNPROCESSABLE)


def _add_event(response: HttpResponseBase, event: str, detail: dict[str, Any]) -> None:
    if not _EVENT_NAME.fullmatch(event):
        raise ValueError(f"{event!r} is no event name: use camelCase letters and digits")
    pending = json.loads(response.headers.get(_HEADER, "{}"))
    pending[event] = detail
    # ASCII only: a header cannot carry anything else.
    response.headers[_HEADER] = json.dumps(pending)
