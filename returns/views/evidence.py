"""Stored evidence leaves through here: as a download, or inline only where we re-encoded it."""

from django.contrib.auth.decorators import login_required, permission_required
from django.http import FileResponse, Http404, HttpRequest
from django.shortcuts import get_object_or_404

from returns import evidence
from returns.models import Evidence

INLINE = ("image/jpeg", "image/png")  # re-encoded by us, so they hold pixels and nothing else


@login_required
@permission_required("returns.view_evidence", raise_exception=True)
def show(request: HttpRequest, number: str, pk: int) -> FileResponse:
    """GET /returns/<number>/evidence/<id>/, ``?inline`` to look at a picture in place."""
    found = get_object_or_404(Evidence, pk=pk, rma__number=number)
    try:
        stream = evidence.open_file(found)
    except FileNotFoundError as gone:
        raise Http404("This file expired.") from gone
    inline = "inline" in request.GET and found.content_type in INLINE
    response = FileResponse(
        stream,
        as_attachment=not inline,
        filename=found.file_name,
        content_type=found.content_type if inline else "application/octet-stream",
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
