"""The description as a page for people: plain HTML made from the OpenAPI document, nothing loaded from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

router = APIRouter()
Plain = Mapping[str, Any]


@router.get("/docs", include_in_schema=False, response_class=HTMLResponse)
async def docs(request: Request) -> HTMLResponse:
    """Every operation with its parameters, bodies and answers."""
    return HTMLResponse("".join(page(request.app.openapi())))


def page(told: Plain) -> Iterator[str]:
    """The document as HTML, part by part.

    >>> "".join(page({"info": {"title": "x", "description": "a < b"}, "paths": {}}))[-57:]
    '<p>a &lt; b</p><p><a href="/openapi.json">OpenAPI</a></p>'
    """
    title = escape(told["info"]["title"])
    yield f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><h1>{title}</h1>'
    yield "".join(f"<p>{escape(part)}</p>" for part in told["info"]["description"].split("\n\n"))
    yield '<p><a href="/openapi.json">OpenAPI</a></p>'
    for address, operations in told["paths"].items():
        for method, operation in operations.items():
            yield from _operation(method.upper(), address, operation, told.get("components", {}).get("schemas", {}))


def _operation(method: str, address: str, operation: Plain, schemas: Plain) -> Iterator[str]:
    yield f"<h2><code>{method} {escape(address)}</code></h2><p>{escape(operation.get('description', ''))}</p>"
    parameters = operation.get("parameters", [])
    if parameters:
        yield "<table><tr><th>parameter<th>where<th>what</tr>"
        for one in parameters:
            name = f"<strong>{escape(one['name'])}</strong>" if one.get("required") else escape(one["name"])
            yield f"<tr><td>{name}<td>{one['in']}<td>{escape(one.get('description', ''))}</tr>"
        yield "</table>"
    yield from _example("Body", operation.get("requestBody", {}), schemas)
    yield "<ul>"
    for status, answer in sorted(operation["responses"].items()):
        yield f"<li>{status}: {escape(answer['description'])}</li>"
    yield "</ul>"
    yield from _example("Answer", operation["responses"].get("200", {}), schemas)


def _example(name: str, part: Plain, schemas: Plain) -> Iterator[str]:
    """The first example of a JSON body, where its type has one."""
    schema = part.get("content", {}).get("application/json", {}).get("schema", {})
    model = schemas.get(schema.get("$ref", "").rpartition("/")[2], schema)
    for example in model.get("examples", [])[:1]:
        yield f"<p>{name}:</p><pre>{escape(json.dumps(example, indent=1, ensure_ascii=False))}</pre>"
