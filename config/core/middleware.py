"""The request id: taken from the proxy or made here, in the log, the trail and the answer."""

import re
import uuid

import structlog

from config.core import trail

_SAFE = re.compile(r"^[A-Za-z0-9-]{8,64}$")


class RequestId:
    """Give every request an id that the trail and the log carry."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        """Answer the request under its id."""
        given = request.headers.get("X-Request-Id", "")
        request.request_id = given if _SAFE.match(given) else uuid.uuid4().hex
        token = trail.request_id.set(request.request_id)
        structlog.contextvars.bind_contextvars(request_id=request.request_id)
        try:
            response = self.get_response(request)
        finally:
            trail.request_id.reset(token)
            structlog.contextvars.clear_contextvars()
        response["X-Request-Id"] = request.request_id
        return response
