"""The few pages that stand before the dashboard: they load nothing and run no script."""

from __future__ import annotations

from html import escape
from typing import Final

from starlette.responses import HTMLResponse

from stormwatch.plain import visible

NOT_KEPT: Final = {"cache-control": "no-store", "referrer-policy": "no-referrer"}
_STYLE: Final = """
:root { color-scheme: light dark; --ground: #f3f5f8; --box: #fff; --text: #1a2330; --dim: #5b6676;
  --line: #dfe4ea; --main: #2f5fd0; --on-main: #fff; }
@media (prefers-color-scheme: dark) { :root { --ground: #0e141b; --box: #17202b; --text: #dde4ec;
  --dim: #93a1b3; --line: #273241; --main: #8ab4ff; --on-main: #0e141b; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem;
  background: var(--ground); color: var(--text); font: 15px/1.5 "Source Sans 3", system-ui, sans-serif; }
main { width: min(34rem, 100%); padding: 1.75rem; background: var(--box); border: 1px solid var(--line);
  border-radius: 8px; }
.name { color: var(--dim); font-weight: 650; margin: 0 0 1rem; }
h1 { font-size: 1.25rem; margin: 0 0 0.5rem; }
p { margin: 0 0 0.9rem; overflow-wrap: anywhere; }
.what { padding: 0.6rem 0.75rem; background: var(--ground); border-radius: 6px; }
.ways { display: flex; flex-wrap: wrap; gap: 0.5rem 1.25rem; align-items: center; margin: 1.25rem 0 0; }
a { color: var(--main); }
a:first-child { padding: 0.45rem 0.9rem; border-radius: 6px; background: var(--main); color: var(--on-main);
  text-decoration: none; font-weight: 600; }
a:focus-visible { outline: 2px solid var(--main); outline-offset: 2px; }
"""


def page(status: int, title: str, advice: str, ways: dict[str, str], what: str = "") -> HTMLResponse:
    """A page that says what happened (`what` in the words of others), what to do, and where to go on.

    `ways` are addresses by their words, the likeliest first.
    """
    quoted = f'<p class="what">{escape(visible(what))}</p>' if what else ""
    links = "".join(f'<a href="{escape(where)}">{escape(words)}</a>' for words, where in ways.items())
    text = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} · Stormwatch</title><style>{_STYLE}</style></head>"
        f'<body><main><p class="name">Stormwatch</p><h1>{escape(title)}</h1>{quoted}'
        f'<p>{escape(advice)}</p><p class="ways">{links}</p></main></body></html>'
    )
    return HTMLResponse(text, status, NOT_KEPT)
