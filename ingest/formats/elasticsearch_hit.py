"""Documents as Elasticsearch and OpenSearch hand them out: what was stored is in `_source`.

Search results, scroll dumps and elasticdump write such an object per document. Source:
Elasticsearch documentation, search API, response body.
"""

from ingest.formats.base import Envelope, JsonFormat

FORMAT = Envelope(
    name="elasticsearch_hit",
    match=lambda shape: shape.has("_index", "_source"),
    held=("_source",),
    format=JsonFormat(
        name="elasticsearch_hit",
        priority=0,
        match=lambda _: None,
        fields={"event_id": (("_id",),)},
        by_name=False,
    ),
)
