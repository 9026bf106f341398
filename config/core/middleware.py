"""What every request goes through: its id, plain text in its address, no copies of its answer."""

import re
import uuid
from http import HTTPStatus

import structlog
from django.http import HttpResponseBadRequest
from django.template.loader import render_to_string

from config.core import trail

_SAFE = re.compile(r"[A-Za-z0-9-]{8,64}")


class RequestId:
    """Give every request an id that log, trail and answer carry; the proxy's where it has one."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        """Answer the request under its id."""
        given = request.headers.get("X-Request-Id", "")
        request.request_id = given if _SAFE.fullmatch(given) else uuid.uuid4().hex
        token = trail.request_id.set(request.request_id)
        structlog.contextvars.bind_contextvars(request_id=request.request_id)
        try:
            response = self.get_response(request)
        finally:
            trail.request_id.reset(token)
            structlog.contextvars.clear_contextvars()
        response["X-Request-Id"] = request.request_id
        return response


class PlainText:
    """Refuse an address with a NUL in it: no text has one, and PostgreSQL takes none."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        """400 for such an address; forms check their fields themselves."""
        if "\0" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
            return HttpResponseBadRequest("The address holds a character that no text has.")
        return self.get_response(request)


class ExplainButtons:
    """The address of a button takes a POST only. Who was logged out before pressing it comes back
    to it by GET: the empty answer becomes a page that leads to where the button stands.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        """Give the 405 of a GET a page; it stays a 405."""
        response = self.get_response(request)
        if request.method == "GET" and response.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            above = request.path.rstrip("/").rpartition("/")[0] + "/"
            page = render_to_string("405.html", {"above": above}, request)
            response.content, response["Content-Type"] = page, "text/html; charset=utf-8"
        return response


class NoCopies:
    """Pages and downloads show people and prices: neither browser nor proxy keeps a copy."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        """Say so unless the view says something of its own."""
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response
