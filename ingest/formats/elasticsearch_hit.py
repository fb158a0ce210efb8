"""Documents as Elasticsearch and OpenSearch hand them out: what was stored is in `_source`.

Search results, scroll dumps and elasticdump write such an object per document. Source:
Elasticsearch documentation, search API, response body.
"""

from ingest.formats.base import Envelope, made

FORMAT = Envelope(
    name="elasticsearch_hit",
    match=lambda shape: shape.has("_index", "_source"),
    held=("_source",),
    format=made(
        name="elasticsearch_hit",
        fields={"event_id": "_id"},
    ),
)
