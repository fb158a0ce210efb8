"""The entry script of the dashboard: navigation and frame; the pages are in app_pages/."""

import streamlit as st

from dashboard import frame
from dashboard.pages import PAGES

st.set_page_config(page_title="Stormwatch", page_icon=frame.ICON, layout="wide")
page = st.navigation(
    [
        st.Page(f"app_pages/{name}.py", title=title, icon=f":material/{icon}:", default=name == "overview")
        for name, title, icon in PAGES
    ],
    position="top",
)
frame.draw()
page.run()
