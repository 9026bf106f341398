"""Amazon's own static sandbox cases (``x-amzn-api-sandbox``), answered as its models say."""

import json
import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Case:
    """One static case: the request it stands for and the answer it gives."""

    operation: str
    method: str
    template: str
    status: int
    parameters: dict
    places: dict
    response: object

    def matches(self, method: str, path: str, query: dict, body: object) -> bool:
        """Whether a request has every parameter the case names, with its value."""
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(self.template))
        found = re.fullmatch(pattern, path)
        if method != self.method or not found:
            return False
        return all(
            (body if self.places.get(name) == "body" else (found.groupdict() | query).get(name))
            == (value if self.places.get(name) == "body" else _written(value))
            for name, value in self.parameters.items()
        )


def _written(value) -> str:
    """A parameter as it stands in an address."""
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def read(model: Path) -> list[Case]:
    """All static cases of one Swagger model."""
    described = json.loads(model.read_text())
    return [
        Case(
            operation["operationId"],
            method.upper(),
            path,
            int(status),
            {key: one["value"] for key, one in case["request"].get("parameters", {}).items()},
            {one["name"]: one["in"] for one in operation.get("parameters", []) if "name" in one},
            case.get("response"),
        )
        for path, operations in described["paths"].items()
        for method, operation in operations.items()
        if isinstance(operation, dict) and "operationId" in operation
        for status, response in operation["responses"].items()
        for case in response.get("x-amzn-api-sandbox", {}).get("static", [])
    ]


def find(cases: list[Case], method: str, path: str, query: dict, content: bytes):
    """The answer of the most specific case that fits; None without one."""
    try:
        body = json.loads(content) if content.strip() else None
    except ValueError:
        body = None
    fitting = [one for one in cases if one.matches(method, path, query, body)]
    if not fitting:
        return None
    best = max(fitting, key=lambda one: len(one.parameters))
    return best.status, b"" if best.response is None else best.response
