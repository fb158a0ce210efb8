"""The entry script of the dashboard: navigation and frame; the pages are in app_pages/."""

import streamlit as st

from dashboard import frame, pages, viewer
from dashboard.pages import PAGES

st.set_page_config(page_title="Stormwatch", page_icon=frame.ICON, layout="wide")
hidden = set() if viewer.person().may_ask_sql else {"sql"}
page = st.navigation(
    [
        st.Page(
            f"app_pages/{name}.py",
            title=title,
            icon=f":material/{icon}:",
            default=name == "overview",
            visibility="hidden" if name in hidden else "visible",
        )
        for name, title, icon in PAGES
    ],
    position="top",
)
frame.draw()
pages.draw(page)
