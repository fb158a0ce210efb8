"""Versions: what is in flight side by side, which fields changed, and which writes got lost."""

from typing import Any

import streamlit as st

from dashboard import (
    controls,
    data,
    empty,
    filters,
    findings,
    formatting,
    near,
    pages,
    table,
    time_chart,
    verdict_box,
)
from dashboard.charts import conflicts, spans
from dashboard.data import Answer
from dashboard.panel import attempt, panel
from dashboard.time_chart import Hand
from dashboard.window import Window


def _open_type(name: str | None) -> None:
    if name is not None:
        filters.pick(event_type=name)
        pages.go("events")


def _say_first(version: int, shown: Window, in_flight: Answer, event_type: str | None) -> None:
    changes = _field_changes(version, shown, event_type).rows
    conflicts = _write_conflicts(version, shown.near, event_type).rows
    verdict_box.draw(*findings.of_versions(in_flight.rows, changes, conflicts))


def _say_mixed(rows: list[dict[str, Any]]) -> None:
    mixed = {row["event_type"] for row in rows if row["mixed_ms"]}
    of = formatting.plural(len({row["event_type"] for row in rows}), "type")
    if mixed:
        verb = "was" if len(mixed) == 1 else "were"
        st.caption(f"{formatting.count(len(mixed))} of {of} {verb} in flight in several versions at once")
    else:
        st.caption(f"{of}, none of them in two versions at the same time")


def _versions_panel(answer: Answer, shown: Window) -> None:
    about = (
        "A bar runs from the first to the last record of a version. **Hatched**: an older version of the "
        "same type went on after this one had come, so that every consumer had to understand both. From the "
        "records' own schema versions. **Click** a bar for the records of the type."
    )
    with panel("versions", "Which versions are in flight together?", about, answer):
        if not answer.table.num_rows and answer.kept:
            st.markdown("No record of this type names the version of its schema in this window.")
            return
        if not answer.table.num_rows:
            empty.not_measurable(
                "no record of this window names the version of its schema.",
                what="Mixed versions", name="schema_version", held="the version of the schema",
            )  # fmt: skip
            return
        rows = answer.rows
        _say_mixed(rows)
        time_chart.draw(
            spans.versions, answer, shown, key="versions", alt="Versions of each event type over time",
            height=spans.height(len(spans.version_names(answer.table))),
            hand=Hand(lambda row: _open_type(rows[row]["event_type"])),
        )  # fmt: skip
        several = [row for row in rows if row["version_count"] > 1]
        if not several:
            return
        names = ("event_type", "schema_version", "event_count", "node_count", "first_at", "last_at")
        table.opening(
            {
                **{name: [row[name] for row in several] for name in names},
                "older_version": [row["older_version"] for row in several],
                "mixed": [formatting.milliseconds(row["mixed_ms"]) for row in several],
            },
            {
                "event_type": table.text("type"),
                "schema_version": table.text("version", 80),
                "event_count": table.number("records", 80),
                "node_count": table.number("nodes", 70),
                "first_at": table.at("first", to_millisecond=True),
                "last_at": table.at("last", to_millisecond=True),
                "older_version": table.text("beside version", 110),
                "mixed": table.text("for", 110, alignment="right"),
            },
            lambda row: _open_type(several[row]["event_type"]),
            key="mixed", alt="Event types with several versions",
        )  # fmt: skip


def _field_changes(version: int, shown: Window, event_type: str | None) -> Answer:
    return data.load("field_changes", version, **shown.edges).only(event_type=event_type)


def _fields_panel(version: int, shown: Window, event_type: str | None) -> None:
    answer = _field_changes(version, shown, event_type)
    about = (
        "Fields at the top of a record that no column of ours holds. **Appeared**: 20 or more came without "
        "it, and most since have it; **vanished**: the other way round; **type changed**: values of more "
        "than one type. An optional field does neither. **Click** one for the records of the type."
    )
    with panel("fields", "Which fields appear, vanish or change?", about, answer):
        if not answer.table.num_rows:
            empty.none_in_window("changed field", shown, version)
            return
        rows = answer.rows
        time_chart.draw(
            conflicts.field_changes, answer, shown, key="fields", alt="Changes of fields over time",
            height=conflicts.height(len({row["event_type"] for row in rows})),
            hand=Hand(lambda row: _open_type(rows[row]["event_type"])),
        )  # fmt: skip
        names = ("changed_at", "event_type", "operation", "field")
        table.opening(
            {
                **{name: [row[name] for row in rows] for name in names},
                "change": [row["change"].replace("_", " ") for row in rows],
                "types": [" → ".join(row["value_types"] or []) for row in rows],
                "share": [100 * row["with_count"] / row["event_count"] for row in rows],
            },
            {
                "changed_at": table.at(to_millisecond=True),
                "event_type": table.text("type"),
                "operation": table.text(width=90),
                "change": table.text(width=110),
                "types": table.text("values are"),
                "share": st.column_config.ProgressColumn(
                    "have it", format="%.0f %%", min_value=0, max_value=100, width=110
                ),
            },
            lambda row: _open_type(rows[row]["event_type"]),
            key="fields_table", alt="Fields that appeared, vanished or changed their type",
        )  # fmt: skip


def _open_write(row: dict[str, Any]) -> None:
    pages.go("events", at=f"{row['file_id']}:{row['byte_offset']}:0")


def _write_conflicts(version: int, part: Window, event_type: str | None) -> Answer:
    found = data.load("entity_conflicts", version, **part.edges, lookback=part.lookback)
    return found.only(event_type=event_type)


def _conflicts_panel(version: int, shown: Window, event_type: str | None) -> None:
    near.say(shown, "Conflicts")
    part = shown.near
    answer = _write_conflicts(version, part, event_type)
    about = (
        "**Lost update**: two writers began from the same version, so the first one's change is gone "
        "(Berenson et al. 1995, P4). **Stale write**: a newer version had been written before. **Skip**: the "
        "version is more than one above the newest before. Of each service and entity apart. **Click** one "
        "for its record."
    )
    with panel("conflicts", "Which writes got lost?", about, answer):
        if not answer.table.num_rows:
            hint = "Writes are compared where records name an entity and its version."
            empty.none_in_window("conflicting write", part, version, hint=hint)
            return
        rows = answer.rows
        st.caption(", ".join(findings.in_conflict(rows)))
        time_chart.draw(
            conflicts.conflicts, answer, shown, key="conflicts", alt="Writes in conflict over time",
            height=conflicts.height(len({row["service"] for row in rows})),
            hand=Hand(lambda row: _open_write(rows[row])),
        )  # fmt: skip
        table.say_how_many(len(rows))
        names = (
            "occurred_at", "kind", "service", "entity", "event_type", "node", "expected_version",
            "entity_version", "newest_before", "other_event_id", "other_node",
        )  # fmt: skip
        table.opening(
            answer.table.slice(0, table.LISTED).select(names),
            {
                "occurred_at": table.at(to_millisecond=True),
                "kind": table.text(width=100),
                "event_type": table.text("type"),
                "expected_version": table.name("expected", 80),
                "entity_version": table.name("made", 70),
                "newest_before": table.name("newest before", 110),
                "other_event_id": table.text("other write"),
                "other_node": table.text("by node"),
            },
            lambda row: _open_write(rows[row]),
            key="conflicts_table", alt="Writes in conflict with another one",
        )  # fmt: skip


def page(version: int) -> None:
    if empty.is_empty(version):
        return
    shown = controls.current_window(version)
    first = st.container()
    event_type = filters.draw(version, shown, "event_type")["event_type"]
    in_flight = data.load("schema_versions", version, **shown.edges)
    if in_flight.table.num_rows:
        in_flight = in_flight.only(event_type=event_type)
    with first:
        attempt(_say_first, version, shown, in_flight, event_type)
    _versions_panel(in_flight, shown)
    attempt(_fields_panel, version, shown, event_type)
    attempt(_conflicts_panel, version, shown, event_type)


st.header("Which versions are in flight together, and which writes got lost?", anchor=False)
controls.live(page)
