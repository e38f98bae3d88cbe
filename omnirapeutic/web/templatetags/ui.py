"""Template tags and filters of the user interface."""

from __future__ import annotations

import datetime
import functools
from typing import Any
from zoneinfo import ZoneInfo

from django import forms, template
from django.forms.boundfield import BoundField
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext, ngettext
from django.utils.translation import gettext_lazy as _

from omnirapeutic.web import forms as web_forms

register = template.Library()

MINUTES_PER_UNIT = 15


# ---- Forms -------------------------------------------------------------------


@register.filter
def field_groups(form: forms.BaseForm) -> list[web_forms.FieldGroup]:
    """The form's visible fields by fieldset."""
    return web_forms.field_groups(form)


@register.filter
def field_view(field: BoundField) -> web_forms.FieldView:
    """How ``components/field.html`` prints this field."""
    return web_forms.field_view(field)


@register.filter
def focus_id(field: BoundField) -> str:
    """The id that the error summary links to."""
    return web_forms.focus_id(field)


# ---- Parts that are the same on every page ---------------------------------------


@register.simple_tag
def constant(template_name: str) -> SafeString:
    """A template that depends on nothing but the language, rendered once for each."""
    return _constant(template_name, get_language())


@functools.cache
def _constant(template_name: str, language: str | None) -> SafeString:
    return render_to_string(template_name)


# ---- Units -------------------------------------------------------------------


@register.inclusion_tag("components/unit_bar.html")
def unit_bar(
    total: int,
    delivered: int,
    reserved: int,
    free: int | None = None,
    *,
    label: Any = "",
    compact: bool = False,
) -> dict[str, Any]:
    """Delivered, reserved and free units of an authorization as a bar and as text.

    All figures are 15-minute units. When more is committed than authorised, the
    bar is scaled to what is committed and names the excess.
    """
    committed = delivered + reserved
    over = max(0, committed - total)
    if free is None:
        free = max(0, total - committed)
    scale = max(total, committed, 1)
    within = min(committed, total)
    delivered_within = min(delivered, within)
    return {
        "total": total,
        "delivered": delivered,
        "reserved": reserved,
        "free": free,
        "over": over,
        "label": label,
        "compact": compact,
        "delivered_width": _percent(delivered_within, scale),
        "reserved_x": _percent(delivered_within, scale),
        "reserved_width": _percent(within - delivered_within, scale),
        "over_x": _percent(within, scale),
        "over_width": _percent(over, scale),
    }


def _percent(part: int, whole: int) -> str:
    # A string: an SVG attribute must not follow the reader's decimal comma.
    return f"{100 * part / whole:.3f}%"


@register.filter
def units(count: int | None) -> str:
    """``8`` → ``8 units``. Nothing for None: missing is not zero."""
    if count is None:
        return ""
    return ngettext("%(count)s unit", "%(count)s units", count) % {"count": count}


@register.filter
def units_hours(count: int | None) -> str:
    """``9`` units → ``9 units (2 h 15 min)``."""
    if count is None:
        return ""
    return f"{units(count)} ({hours(count * MINUTES_PER_UNIT)})"


# ---- Durations ---------------------------------------------------------------


@register.filter
def minutes(value: int | datetime.timedelta | None) -> str:
    """Whole minutes: ``95`` → ``95 min``. Nothing for None."""
    whole = _whole_minutes(value)
    return "" if whole is None else gettext("%(minutes)s min") % {"minutes": whole}


@register.filter
def hours(value: int | datetime.timedelta | None) -> str:
    """Minutes as hours and minutes: ``95`` → ``1 h 35 min``. Nothing for None."""
    whole = _whole_minutes(value)
    if whole is None:
        return ""
    sign, (full, rest) = "-" if whole < 0 else "", divmod(abs(whole), 60)
    parts = []
    if full:
        parts.append(gettext("%(hours)s h") % {"hours": full})
    if rest or not full:
        parts.append(gettext("%(minutes)s min") % {"minutes": rest})
    return sign + "\N{NO-BREAK SPACE}".join(parts)


def _whole_minutes(value: int | datetime.timedelta | None) -> int | None:
    if value is None or value == "":
        return None
    if isinstance(value, datetime.timedelta):
        return int(value.total_seconds() // 60)
    return int(value)


# ---- Dates and times -----------------------------------------------------------

Zone = datetime.tzinfo | str | None


@register.filter
def local_time(value: datetime.datetime | None, zone: Zone = None) -> str:
    """``4:00 PM EST`` at the place that ``zone`` names (the active one without)."""
    local = _local(value, zone)
    return "" if local is None else _time_tag(local, f"{_clock(local)} {_zone_name(local)}")


@register.filter
def local_date(value: datetime.datetime | datetime.date | None, zone: Zone = None) -> str:
    """``Tue, Mar 5, 2024``; a date without a time is printed as it is."""
    if value is None:
        return ""
    if not isinstance(value, datetime.datetime):
        return _time_tag(value, _day(value))
    local = _local(value, zone)
    return "" if local is None else _time_tag(local.date(), _day(local))


@register.filter
def local_datetime(value: datetime.datetime | None, zone: Zone = None) -> str:
    """``Tue, Mar 5, 2024, 4:00 PM EST``."""
    local = _local(value, zone)
    if local is None:
        return ""
    return _time_tag(local, f"{_day(local)}, {_clock(local)} {_zone_name(local)}")


@register.simple_tag
def time_range(start: datetime.datetime, end: datetime.datetime | None = None, zone: Zone = None) -> SafeString:
    """``4:00 PM – 6:00 PM EST``; names the later day when it crosses midnight."""
    first = _local(start, zone)
    last = _local(end, zone)
    if first is None:
        return SafeString("")
    if last is None:
        return local_time(start, zone)  # type: ignore[return-value]
    # The zone's name once, unless the clocks changed in between.
    first_zone = "" if first.tzname() == last.tzname() else f" {_zone_name(first)}"
    last_day = "" if first.date() == last.date() else f"{_day(last)}, "
    return format_html(
        "{}{}{}",
        _time_tag(first, f"{_clock(first)}{first_zone}"),
        "\N{NO-BREAK SPACE}\N{EN DASH} ",
        _time_tag(last, f"{last_day}{_clock(last)} {_zone_name(last)}"),
    )


def _local(value: datetime.datetime | None, zone: Zone) -> datetime.datetime | None:
    if not value:
        return None
    if timezone.is_naive(value):
        raise ValueError("a time without a zone cannot be shown: which place is meant?")
    return timezone.localtime(value, ZoneInfo(zone) if isinstance(zone, str) and zone else zone or None)


def _clock(value: datetime.datetime) -> str:
    return date_format(value, "g:i A").replace(" ", "\N{NO-BREAK SPACE}")


def _day(value: datetime.date) -> str:
    return date_format(value, "D, M j, Y")


def _zone_name(value: datetime.datetime) -> str:
    return value.tzname() or ""


def _time_tag(value: datetime.datetime | datetime.date, text: str) -> SafeString:
    return format_html('<time datetime="{}">{}</time>', value.isoformat(), text)


# ---- Status --------------------------------------------------------------------

# The words and tone of every status, so that one status looks alike on all pages.
# A tone is a colour and a shape; the word is always printed beside it.
STATUSES: dict[str, tuple[Any, str]] = {
    # authorizations
    "PENDING": (_("Pending"), "info"),
    "ACTIVE": (_("Active"), "success"),
    "EXPIRED": (_("Expired"), "neutral"),
    "EXHAUSTED": (_("Exhausted"), "warning"),
    # appointments and sessions
    "SCHEDULED": (_("Scheduled"), "info"),
    "IN_PROGRESS": (_("In progress"), "info"),
    "COMPLETED": (_("Completed"), "success"),
    "CANCELLED": (_("Cancelled"), "neutral"),
    "NO_SHOW": (_("No-show"), "warning"),
    "REQUIRES_REVIEW": (_("Needs review"), "warning"),
    # notes
    "DRAFT": (_("Draft"), "neutral"),
    "SUBMITTED": (_("Submitted"), "info"),
    "SIGNED": (_("Signed"), "success"),
    "LOCKED": (_("Locked"), "success"),
    # claims
    "ACCEPTED": (_("Accepted"), "success"),
    "REJECTED": (_("Rejected"), "danger"),
    "PAID": (_("Paid"), "success"),
    "DENIED": (_("Denied"), "danger"),
    "HELD": (_("Held"), "warning"),
    # people
    "INACTIVE": (_("Inactive"), "neutral"),
}

TONES = frozenset({"neutral", "info", "success", "warning", "danger"})


@register.inclusion_tag("components/status.html")
def status_pill(status: str, label: Any = "", tone: str = "") -> dict[str, Any]:
    """A status as a word with a shape; ``label`` and ``tone`` replace the usual ones.

    Raises ValueError for a tone that does not exist.
    """
    code = str(status or "")
    usual_label, usual_tone = STATUSES.get(code.upper(), (code.replace("_", " ").capitalize(), "neutral"))
    chosen = tone or usual_tone
    if chosen not in TONES:
        raise ValueError(f"{chosen!r} is no tone: use one of {sorted(TONES)}")
    return {"label": label or usual_label, "tone": chosen}
