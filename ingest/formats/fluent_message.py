"""The same as fluent_log with the line in `message`: Vector, and Fluent Bit with its parser `cri`.

Source: Vector, "Kubernetes logs" source; Fluent Bit, "Multiline Parsing".
"""

from ingest.formats.fluent_log import enveloped

FORMAT = enveloped("fluent_message", "message")
