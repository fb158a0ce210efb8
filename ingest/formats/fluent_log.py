"""Container logs as Fluent Bit and Fluentd ship them: the line in `log`, beside what Kubernetes says.

The pod is the node, its container or app the service. The time is that of the shipper where the
line has none. Source: Fluent Bit, "Kubernetes" filter; Docker, "Fluentd logging driver".
"""

from ingest.formats.base import Envelope, Shape, made
from ingest.names import Path

_TIMES = ("time", "@timestamp", "timestamp", "date")
_LABELS = ("app.kubernetes.io/name", "app", "k8s-app")


def enveloped(name: str, held: str) -> Envelope:
    """The envelope whose record is in the field `held`."""
    inputs: dict[str, Path] = {
        **{f"time_{number}": (key,) for number, key in enumerate(_TIMES)},
        **{f"label_{number}": ("kubernetes", "labels", key) for number, key in enumerate(_LABELS)},
        "pod": ("kubernetes", "pod_name"),
        "container": ("kubernetes", "container_name"),
        "docker_container": ("container_name",),
    }
    time = ", ".join(f"{{time_{number}}}" for number in range(len(_TIMES)))
    labels = ", ".join(f"{{label_{number}}}" for number in range(len(_LABELS)))
    about = {
        "occurred_at": f"coalesce({time})",
        "node": "{pod}",
        "service": f"coalesce({labels}, {{container}}, ltrim({{docker_container}}, '/'))",
    }

    def match(shape: Shape) -> bool:
        is_docker = shape.has("container_id", "container_name", "source")
        return shape.has(held) and (shape.has("kubernetes") or is_docker)

    return Envelope(
        name=name,
        match=match,
        held=(held,),
        format=made(
            name=name,
            fields={"occurred_at": _TIMES, "message": held},
            inputs=inputs,
            computed={
                "node": about["node"],
                "service": about["service"],
                "message": "rtrim({message}, chr(13) || chr(10))",
            },
        ),
        about=about,
        inputs=inputs,
        sender=("stream", "kubernetes", "container_id"),
        beside=rb'(?=[^\n]*"(?:kubernetes|container_id)"[ \t]*+:)',
    )


FORMAT = enveloped("fluent_log", "log")
