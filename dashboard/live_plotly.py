"""A Plotly chart that is updated where it stands.

`st.plotly_chart` mounts a new chart whenever the data changes, which loses zoom and selection, and
reports no clicks on heat maps. This component calls `Plotly.react` on one DOM node instead. The
library comes from the installed plotly wheel through a route of our own server: no foreign host.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import plotly
import streamlit as st
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

_LIBRARY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
PLOTLY_URL = f"/assets/plotly-{plotly.__version__}.min.js"
_HTML = '<div style="overflow-x:auto"><div data-live-plotly role="img" style="width:100%"></div></div>'


async def _library(_: Request) -> Response:
    # The version is in the address, so a browser never has to ask again.
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return FileResponse(_LIBRARY, media_type="text/javascript", headers=headers)


def asset_route() -> Route:
    """The route that serves plotly.js."""
    return Route(PLOTLY_URL, _library)


@cache
def _script() -> str:
    script = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
    return script.replace("__PLOTLY_URL__", PLOTLY_URL)


def _nothing() -> None:
    pass


def live_plotly(
    figure: str,
    *,
    key: str,
    alt: str,
    height: int,
    min_width: int = 0,
    on_click: Callable[[], None] | None = None,
    on_zoom: Callable[[], None] | None = None,
    on_box: Callable[[], None] | None = None,
) -> None:
    """Draw a figure, given as Plotly JSON.

    Where there is less room than `min_width` pixels, the chart scrolls sideways.
    `st.session_state[key]` holds, during the callbacks only, `click` (x, y and customdata of the
    point), `zoom` (both ends of the dragged range of the x axis) and `box` (the same of a selected
    box, of `x` and `y`).
    """
    component: Callable[..., Any] = st.components.v2.component(
        "live_plotly",
        html=_HTML,
        js=_script(),
        isolate_styles=False,  # Plotly writes its styles into the document, not a shadow root
    )
    component(
        key=key,
        data={"figure": figure, "height": height, "min_width": min_width, "alt": alt},
        height="content",
        on_click_change=on_click or _nothing,
        on_zoom_change=on_zoom or _nothing,
        on_box_change=on_box or _nothing,
    )
