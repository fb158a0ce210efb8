"""The three kinds of nothing to see, and what to do about each. Never a blank chart."""

from __future__ import annotations

import streamlit as st

from dashboard import controls, data, formatting, window
from dashboard.hostile import safe_md
from dashboard.window import Window
from stormwatch.status import IngestStatus


def no_data_yet(status: IngestStatus) -> None:
    """Nothing was stored so far."""
    with st.container(border=True, key="no_data_yet", horizontal_alignment="center"):
        st.markdown("#### :material/inbox: No events yet", width="content")
        if status.directory:
            st.markdown(
                f"Watching {safe_md(status.directory)}: {formatting.plural(status.files, 'file')} found, "
                f"{formatting.plural(status.events, 'event')} and "
                f"{formatting.plural(status.rejects, 'rejected line')} read.",
                width="content",
            )
        else:
            st.markdown("This database is empty and nobody fills it.", width="content")
        if status.detail:
            st.code(status.detail, language=None, wrap_lines=True)
        st.markdown("What helps:", width="content")
        directory = status.directory or "DIR"
        st.code(
            f"stormwatch check {directory}   # what is understood there, and why not\n"
            f"stormwatch up DIR        # watch another directory\n"
            f"stormwatch demo          # see it work on sample logs",
            language="bash",
            width=620,
        )


def none_in_window(what: str, shown: Window, hint: str = "") -> None:
    """There is data, but none of this kind in the window; offers the whole log."""
    with st.container(border=True, key=f"none_{what.replace(' ', '_')}"):
        st.markdown(
            f":material/check_circle: **No {what}** between "
            f"{formatting.instant(shown.since)} and {formatting.instant(shown.until)} UTC. {hint}"
        )
        if shown.text != window.ALL:
            st.button(
                "Look at the whole log",
                key=f"whole_log_{what.replace(' ', '_')}",
                icon=":material/zoom_out_map:",
                on_click=controls.set_window,
                args=(window.ALL,),
            )


def not_measurable(why: str, remedy: str) -> None:
    """The logs lack what the question needs; both texts are our own Markdown."""
    with st.container(border=True, key="not_measurable"):
        st.markdown(f":material/block: **Cannot be measured in these logs:** {why}")
        st.markdown(remedy)


def is_empty(at_version: int) -> bool:
    """Whether there is nothing to show at all; says so if it is."""
    if data.load("log_coverage", at_version).rows[0]["event_count"]:
        return False
    no_data_yet(data.status())
    return True
