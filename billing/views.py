"""The biller's pages: what can be billed, and the claims that were made."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from billing import selectors
from billing.exceptions import ClaimRefused
from billing.forms import STATES, WorklistFilter
from billing.models import Claim
from billing.permissions import billable_sessions, visible_claims
from billing.services import create_claim
from clinic.permissions import viewer
from omnirapeutic.audit import services as audit
from omnirapeutic.db.keyset import Cursor
from omnirapeutic.web.htmx import redirect, render_page, wants_fragment
from omnirapeutic.web.permissions import Permission
from omnirapeutic.web.policies import requires

WORKLIST = "billing/worklist.html"


@requires(Permission.BILL)
@require_safe
def billing_worklist(request: HttpRequest) -> HttpResponse:
    """Delivered sessions without a claim: ready for one, or what is missing and who can put it right."""
    state = WorklistFilter(request.GET).chosen
    return render(request, WORKLIST, _worklist_context(state, Cursor.of(request.GET)))


@requires(Permission.BILL)
@require_POST
def claim_create(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """One click makes the claim of a session; a second click finds the same claim."""
    session = get_object_or_404(billable_sessions(viewer(request)), pk=session_id)
    try:
        claim = create_claim(session=session, actor=viewer(request))
    except ClaimRefused as refused:
        return _refused(request, session_id, refused)
    if wants_fragment(request):
        return render_page(request, WORKLIST, {"claim": claim}, fragment="made")
    messages.success(request, _("Claim %(number)s is made.") % {"number": claim.claim_number})
    return redirect(request, "claim_detail", claim.id)


@requires(Permission.BILL)
@require_safe
def claim_list(request: HttpRequest) -> HttpResponse:
    page = selectors.claim_list(visible_claims(viewer(request)), Cursor.of(request.GET))
    audit.record(action="READ_LIST", resource_type="claim", details={"count": len(page.rows)})
    return render(request, "billing/claim_list.html", {"page": page})


@requires(Permission.BILL)
@require_safe
def claim_detail(request: HttpRequest, claim_id: UUID) -> HttpResponse:
    claim = _claim_or_404(request, claim_id)
    audit.record(action="READ", resource_type="claim", resource_id=claim.id)
    return render(request, "billing/claim_detail.html", {"page": selectors.claim_page(claim)})


@requires(Permission.BILL)
@require_safe
def claim_download(request: HttpRequest, claim_id: UUID) -> HttpResponse:
    """The bytes of the 837P as they were checked. The claim stays a draft: downloading is not sending."""
    claim = _claim_or_404(request, claim_id)
    document = selectors.documents_of(claim).first()
    if document is None:
        raise Http404
    audit.record(
        action="EXPORT",
        resource_type="claim",
        resource_id=claim.id,
        details={"document_id": str(document.id), "kind": document.kind},
    )
    response = HttpResponse(bytes(document.content), content_type="application/edi-x12")
    response.headers["Content-Disposition"] = f'attachment; filename="{claim.claim_number}.837p.txt"'
    return response


def _refused(request: HttpRequest, session_id: UUID, refused: ClaimRefused) -> HttpResponse:
    """Why no claim was made, beside the session: in its row, or above the worklist without script. Status 422."""
    item = selectors.work_item(session_id)
    context: dict[str, Any] = {"refused": refused.problems, "item": item}
    if wants_fragment(request):
        return render_page(request, WORKLIST, context, fragment="row", status=422)
    return render(request, WORKLIST, _worklist_context("", Cursor()) | context, status=422)


def _worklist_context(state: str, cursor: Cursor) -> dict[str, Any]:
    worklist = selectors.worklist(state, cursor)
    audit.record(action="READ_LIST", resource_type="session", details={"count": len(worklist.items)})
    return {"worklist": worklist, "state": state, "states": STATES}


def _claim_or_404(request: HttpRequest, claim_id: UUID) -> Claim:
    claims = visible_claims(viewer(request)).select_related("patient", "session", "authorization__insurance")
    return get_object_or_404(claims, pk=claim_id)
