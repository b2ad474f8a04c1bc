"""The page at `/` while developing: what this server has, and how to call it."""

from html import escape

from reactor.app.parts import Parts
from reactor.version import VERSION

__all__ = ["front_page"]

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Reactor</title><link rel="icon" href="data:,"><style>
:root {{ color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }}
body {{ max-width: 52rem; margin: 3rem auto; padding: 0 1rem }}
code, pre {{ font: 14px/1.5 ui-monospace, monospace }}
pre {{ padding: 1rem; overflow: auto; border-radius: 8px;
  border: 1px solid color-mix(in srgb, currentColor 20%, transparent) }}
table {{ border-collapse: collapse; width: 100% }}
td, th {{ text-align: left; padding: .35rem .75rem .35rem 0; vertical-align: top;
  border-bottom: 1px solid color-mix(in srgb, currentColor 15%, transparent) }}
.dim {{ opacity: .65 }}
</style></head><body>
<h1>Reactor is running</h1>
<p class="dim">Version {version}, development. {sessions} clients connected, {live} live queries.</p>
<h2>Functions</h2>
<table><tr><th>path</th><th>kind</th><th>arguments</th></tr>{rows}</table>
{endpoints}<h2>Call one</h2>
<pre>curl {address}/api/run/{example} -H 'content-type: application/json' -d '{{"args": {{}}}}'
reactor run {example_path} '{{}}' --watch</pre>
<p>Clients connect to this address: <code>new ConvexClient("{address}")</code> in JavaScript,
<code>ConvexClient("{address}")</code> in Python. Edit a file under <code>functions/</code>; open pages follow at once.
<a href="/metrics">Metrics</a>, <a href="/_reactor/openapi.json">OpenAPI</a>.</p>
</body></html>"""


def front_page(parts: Parts) -> str:
    """HTML for people; names and numbers only, nothing of what is stored."""
    functions = list(parts.application.registry)
    example = next((function.path for function in functions if not function.internal), "module:name")
    host = parts.settings.host
    return _PAGE.format(
        version=escape(VERSION),
        sessions=len(parts.hub.sessions),
        live=len(parts.live),
        rows="".join(
            _row(f.path, f.kind.value, f.internal, "" if f.args is None else f.args.render()) for f in functions
        ),
        endpoints=_endpoints(parts),
        address=escape(f"http://{f'[{host}]' if ':' in host else host}:{parts.port}"),
        example=escape(example.replace(":", "/")),
        example_path=escape(example),
    )


def _endpoints(parts: Parts) -> str:
    router = parts.application.registry.http
    if router is None or not router.routes():
        return ""
    rows = "".join(
        f"<tr><td>{method}</td><td><code>{escape(path)}</code></td></tr>" for method, path in router.routes()
    )
    site = escape(parts.runner.origins.site)
    return f"<h2>HTTP endpoints</h2><p>At <code>{site}</code></p><table>{rows}</table>"


def _row(path: str, kind: str, internal: bool, args: str) -> str:
    label = f"internal {kind.lower()}" if internal else kind.lower()
    return f"<tr><td><code>{escape(path)}</code></td><td>{label}</td><td><code>{escape(args)}</code></td></tr>"
