"""``/api/docs``: the OpenAPI document as a page of HTML, without scripts or other sites."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

PAGE = "/api/docs"
STYLE_PAGE = f"{PAGE}/style.css"
POLICY = (
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
STYLE = """\
body { font: 1rem/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
code, pre { font-family: ui-monospace, monospace; font-size: 0.9em; }
h3 { border-top: 1px solid #bbb; padding-top: 1rem; }
dt { font-weight: 600; }
nav ul { columns: 2; }
"""


def reference_html(document: Mapping[str, Any], address: str) -> str:
    """Return the page; ``address`` is where the document itself is."""
    info = document["info"]
    lines = [
        f"<h1>{escape(info['title'])} {escape(info['version'])}</h1>",
        f"<pre>{escape(info['description'])}</pre>",
        f'<p><a href="{address}">The OpenAPI document</a>, to generate clients of.</p>',
        *_contents(document),
    ]
    for tag in document["tags"]:
        lines.append(f'<h2 id="{tag["name"]}">{escape(tag["name"].capitalize())}</h2>')
        lines.append(f"<p>{escape(tag['description'])}</p>")
        for method, path, operation in _operations(document, tag["name"]):
            lines += _operation(method, path, operation)
    lines.append("<h2>Schemas</h2>")
    for name, schema in document["components"]["schemas"].items():
        lines += _schema(name, schema)
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<title>Lectern API</title><link rel="stylesheet" href="{STYLE_PAGE}">'
    )
    body = "\n".join(lines)
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>{body}</body></html>\n'


def _operations(document: Mapping[str, Any], tag: str) -> Iterator[tuple[str, str, Any]]:
    """The operations of a tag; one with several is listed under the last; HEAD is like GET."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if operation["tags"][-1] == tag and method != "head":
                yield method.upper(), path, operation


def _contents(document: Mapping[str, Any]) -> Iterator[str]:
    yield "<nav><ul>"
    for tag in document["tags"]:
        for method, path, operation in _operations(document, tag["name"]):
            link = f'<a href="#{operation["operationId"]}">{escape(operation["summary"])}</a>'
            yield f"<li>{link} <code>{method} {escape(path)}</code></li>"
    yield "</ul></nav>"


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield f'<h3 id="{operation["operationId"]}">{escape(operation["summary"])}</h3>'
    yield f"<p><code>{method} {escape(path)}</code></p>"
    yield f"<p>{escape(operation['description'])}</p>"
    yield "<dl>"
    for parameter in operation.get("parameters", ()):
        said = parameter.get("description", "")
        yield f"<dt><code>{escape(parameter['name'])}</code>, in {parameter['in']}</dt>"
        yield f"<dd>{_kind(parameter['schema'])}. {escape(said)}</dd>"
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        yield f"<dt>Body as <code>{escape(media_type)}</code></dt>"
        yield f"<dd>{_kind(content['schema'])}</dd>"
    for status, answer in operation["responses"].items():
        kinds = {_kind(content["schema"]) for content in answer.get("content", {}).values()}
        yield f"<dt>{status}</dt>"
        yield f"<dd>{escape(answer['description'])} {', '.join(sorted(kinds))}</dd>"
    yield "</dl>"


def _schema(name: str, schema: Mapping[str, Any]) -> Iterator[str]:
    yield f'<h3 id="schema-{name}">{escape(name)}</h3>'
    yield f"<p>{escape(schema.get('description', ''))}</p><dl>"
    for field, inner in schema.get("properties", {}).items():
        said = escape(inner.get("description", ""))
        yield f"<dt><code>{escape(field)}</code></dt><dd>{_kind(inner)}. {said}</dd>"
    yield "</dl>"


def _kind(schema: Mapping[str, Any]) -> str:
    """Return a schema in words, with links to those that it refers to."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f'<a href="#schema-{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(map(_kind, schema["anyOf"]))
    if "enum" in schema:
        return " or ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    named = schema.get("format") or schema.get("title") if "properties" in schema else None
    return escape(str(named or schema.get("format") or schema.get("type", "anything")))
