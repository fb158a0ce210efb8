"""How early and how rightly storms are announced: figures, not tests, but for test_figures.

`python -m tests.evaluation` prints them.
"""
