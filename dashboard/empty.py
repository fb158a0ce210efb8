"""The three kinds of nothing to see, and what to do about each. Never a blank chart."""

from __future__ import annotations

import shlex
from datetime import datetime, timedelta

import streamlit as st

from dashboard import controls, data, formatting, window, zone
from dashboard.hostile import safe_md
from dashboard.window import Window
from stormwatch.status import IngestStatus

_AROUND = timedelta(hours=6)
"""On both sides of the last one, when there is none in the window."""


def no_data_yet(status: IngestStatus, rejects: int) -> None:
    """No event was stored so far; `rejects` byte ranges are in quarantine."""
    read = f"0 events and {formatting.plural(rejects, 'rejected line')}"
    with st.container(border=True, key="no_data_yet", horizontal_alignment="center"):
        st.subheader(":material/inbox: No events yet", anchor=False, width="content")
        if status.directory:
            st.markdown(
                f"Watching {safe_md(status.directory)}: {formatting.plural(status.files, 'file')} found, "
                f"{read} read. New lines appear here by themselves.",
                width="content",
            )
        else:
            st.markdown(f"This database holds {read}, and nobody fills it.", width="content")
        if status.detail:
            st.code(status.detail, language=None, wrap_lines=True)
        st.markdown("What helps:", width="content")
        directory = shlex.quote(status.directory) if status.directory else "DIR"
        st.code(
            f"stormwatch check {directory}   # what is understood there, and why not\n"
            f"stormwatch up DIR        # watch another directory\n"
            f"stormwatch demo          # see it work on sample logs",
            language="bash",
            wrap_lines=True,
            width=620,
        )


def none_in_window(
    what: str,
    shown: Window,
    at_version: int,
    *,
    hint: str = "",
    last_at: datetime | None = None,
    key: str | None = None,
) -> None:
    """There is data, but none of this kind in the window; offers to look where there may be some.

    `hint` is our own Markdown; `last_at` is when the last one of any time was. Two that are called
    alike on one page need a `key` each.
    """
    key = key or what.replace(" ", "_")
    with st.container(key=f"none_{key}", gap="xsmall"):
        st.markdown(f":material/check_circle: **No {what}** in {shown.called}. {hint}")
        if last_at is not None:
            st.button(
                f"The last one was {formatting.instant(last_at)} {zone.name()}: look there",
                key=f"look_at_last_{key}",
                icon=":material/history:",
                on_click=controls.set_window,
                args=(window.absolute(last_at - _AROUND, last_at + _AROUND),),
            )
        elif not shown.covers(data.coverage(at_version)):
            st.button(
                "Look at the whole log",
                key=f"whole_log_{key}",
                icon=":material/zoom_out_map:",
                on_click=controls.set_window,
                args=(window.ALL,),
            )


def not_measurable(
    why: str, *, what: str = "Order", name: str = "sequence", held: str = "the producer's number"
) -> None:
    """The logs lack what `what` is measured by, in the field `name`; all texts are our own Markdown."""
    with st.container(key="not_measurable", gap="xsmall"):
        st.markdown(f":material/block: **{what} cannot be measured here:** {why}")
        st.markdown(
            f"Widen the window, or name the field that holds {held}: `stormwatch up DIR --map {name}=FIELD`."
        )


def is_empty(at_version: int) -> bool:
    """Whether there is nothing to show at all; says so if it is."""
    coverage = data.load("log_coverage", at_version).rows[0]
    if coverage["event_count"]:
        return False
    no_data_yet(data.status(), coverage["reject_count"])
    return True
