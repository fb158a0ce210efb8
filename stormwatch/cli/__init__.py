"""The command `stormwatch`: wiring only, one module per group of verbs.

Heavy packages are imported inside the verbs, so that `--help` is quick.
"""
