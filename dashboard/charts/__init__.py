"""Figures: pure functions from an Arrow table to a Plotly figure.

No figure knows the theme: grounds, grid and text take the colours of the page in the browser. Texts
from logs pass `hostile.safe_plotly` on their way into a figure.
"""
