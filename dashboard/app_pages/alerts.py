"""Alerts: what fires, why, who takes care of it, which rules there are, and what they would have said."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import streamlit as st

from dashboard import (
    alert_desk,
    backtest_panel,
    changes_panel,
    controls,
    data,
    differences,
    empty,
    filters,
    formatting,
    pages,
    table,
    verdict_box,
    viewer,
    zone,
)
from dashboard.alert_desk import Row
from dashboard.data import Answer
from dashboard.hostile import safe_md
from dashboard.panel import panel
from stormwatch.alerts.desk import Desk

_SHOWN: Final = 200
_SEARCHED: Final = ("rule", "episode_key", "sentence", "severity", "state", "acknowledged_by")


def _episodes_panel(answer: Answer, rows: Sequence[Row], picked: int | None) -> None:
    about = (
        "One row per **episode**: an alert from its onset to its end, updated in place. *Pending*: above its "
        "threshold, not yet for long enough. *Firing*: routes were told, unless it is silenced. *Resolved*: "
        "below the clear level for ten minutes; that nothing is logged any more ends nothing. "
        "**Click** a row for its evidence."
    )
    with panel("episodes", "Which alerts fire, and which have?", about, answer):
        if not rows:
            some = answer.table.num_rows
            st.markdown("None holds this text: clear the search." if some else "There has been none so far.")
            return
        names = ("state", "severity", "rule", "sentence", "fired_at", "resolved_at", "acknowledged_by")
        table.picking(
            {name: [row[name] for row in rows] for name in (*names, "silenced_until")},
            {
                "state": table.text(width=75),
                "severity": table.text(width=75),
                "rule": table.text(width=170),
                "sentence": table.text(width="large"),
                "fired_at": table.at("fired"),
                "resolved_at": table.at("over"),
                "acknowledged_by": table.text("taken care of by", 120),
                "silenced_until": table.at("silenced until"),
            },
            lambda number: controls.remember(episode=str(rows[number]["episode_id"])),
            picked=picked,
            key="episodes", alt="Alerts, the latest onset first",
        )  # fmt: skip


def _picked(rows: Sequence[Row]) -> int | None:
    """Number of the row in the address, else of the most serious that fires, else of the first."""
    asked = controls.remembered("episode")
    by_id = next((n for n, row in enumerate(rows) if str(row["episode_id"]) == asked), None)
    if by_id is not None:
        return by_id
    worst = alert_desk.worst(rows)
    return rows.index(worst) if worst is not None else 0 if rows else None


def _act_on(row: Row) -> None:
    number = row["episode_id"]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        owner = viewer.name_input("Who", key="owner", width=160)
        st.button(
            "Acknowledge", icon=":material/how_to_reg:", disabled=not owner, key="acknowledge",
            on_click=alert_desk.change, args=("acknowledge", f"episode {number} is taken care of by {owner}"),
            kwargs={"episode_id": number, "owner": owner},
        )  # fmt: skip
        length = st.selectbox("Silence for", alert_desk.SILENCES, key="silence_for", width=110)
        st.button(
            "Silence", icon=":material/notifications_off:", disabled=not owner, key="silence",
            on_click=alert_desk.change, args=("silence", f"silent for {length}, for {owner}"),
            kwargs={"rule": row["rule"], "episode_key": row["episode_key"], "for": length, "owner": owner},
        )  # fmt: skip


def _episode_panel(version: int, row: Row, answer: Answer, rules: Mapping[str, Any]) -> None:
    about = (
        "What was found out when it fired, and nothing later: the window, the strongest edges of its "
        "loop, what changed before its onset. Earlier is not *because of*. Acknowledging says who takes "
        "care; a silence keeps routes from being told until it expires. **Click** a change or an edge for "
        "its chain and its line in the log."
    )
    found = alert_desk.evidence(row)
    with panel("episode", "What is behind it?", about, answer):
        st.markdown(f"{safe_md(row['sentence'], 300)}")
        since = formatting.instant(row["onset_at"])
        st.caption(f"since {since} {zone.name()}; about {safe_md(row['episode_key'], 90)}")
        if row["fired_at"] is not None and row["clock"] == "log":
            # Of one that fired again after a lull it is known when it did last, and when it began.
            said, since = ("fired", "fired_at") if row["fired_count"] == 1 else ("began", "onset_at")
            changes_panel.name_crash(version, said, row[since], row["resolved_at"] or row["evaluated_at"])
        rule = rules.get(row["rule"])
        if rule is not None:
            st.markdown(f"**What to do.** {safe_md(rule.runbook, 600)}")
        with st.container(horizontal=True):
            target = alert_desk.target(row)
            if target is not None:
                pages.link(target[0], "See its window", window=target[1])
            if row["first_event_id"]:
                pages.link("chains", "First chain", icon="account_tree", event=row["first_event_id"])
        _act_on(row)
        alert_desk.say_what_was_done()
        _name_suspects(found)
        changed = ("occurred_at", "kind", "service", "subject")
        _listed("changes_before", "Changed before", found, changed, chain_of="event_id")
        edges = ("cause_type", "effect_type", "effects_per_cause")
        _listed("loop_edges", "Strongest edges", found, edges, chain_of="first_event_id")
        _differences(found)
        if "sql" in found:
            with st.expander("The SQL that found it, and its parameters", icon=":material/code:"):
                st.json(found["parameters"])
                st.code(found["sql"], language="sql", height=320)


def _name_suspects(found: Mapping[str, Any]) -> None:
    """The change that explains the fault best and the last before it, above what followed from them."""
    explained = next(
        (row for row in found.get("explain_difference", ()) if differences.changed_at(row) is not None), None
    )
    at_fault = differences.at_fault(found.get("selection"))
    if explained is not None and at_fault:
        said = differences.sentence(explained, at_fault)
        st.markdown(f":material/tune: {said} *Associated with is not caused by.*")
    before = [
        {**row, "occurred_at": alert_desk.instant(row["occurred_at"])}
        for row in found.get("changes_before", ())
    ]
    made = changes_panel.last_made(before)
    if made:
        st.caption(f"Before the onset somebody last made this change: {made}")


def _listed(
    name: str, title: str, found: Mapping[str, Any], columns: tuple[str, ...], *, chain_of: str
) -> None:
    """A table of the evidence; a click on a row leads to the chain of the event it names."""
    rows = found.get(name)
    if rows:
        st.caption(title)
        shown = {
            column: [
                alert_desk.instant(one[column]) if column == "occurred_at" else one[column] for one in rows
            ]
            for column in columns
        }
        ids = [one[chain_of] for one in rows]
        table.opening(
            shown, _evidence_columns(),
            lambda number: pages.go("chains", event=ids[number]) if ids[number] else None,
            key=name, alt=title,
        )  # fmt: skip


def _differences(found: Mapping[str, Any]) -> None:
    rows = found.get("explain_difference")
    if rows:
        title = "What its events have in common"
        st.caption(f"{title} that the others have not, the best explanation first")
        table.show(
            {
                "group": [differences.label(row) for row in rows],
                "share": [formatting.percent(row["support"]) for row in rows],
                "times": [differences.times(row) for row in rows],
            },
            {
                "group": table.text("they are", "large"),
                "share": table.text("of its events", 100, alignment="right"),
                "times": table.text("times as likely as elsewhere", alignment="right"),
            },
            key="explain_difference", alt=title,
        )  # fmt: skip


def _evidence_columns() -> dict[str, Any]:
    return {
        "occurred_at": table.at(),
        "cause_type": table.text("cause"),
        "effect_type": table.text("effect"),
        "effects_per_cause": st.column_config.NumberColumn("effects per cause", format="%.2f"),
    }


def _rules_panel(overview: Mapping[str, Any]) -> None:
    about = (
        "Each rule is a .sql file: a question, a threshold, and what to do. *Evaluated to*: by the clock it "
        "goes by. Your own rules and routes are set in alerts.toml beside the database."
    )
    with panel("rules", "Which rules are there?", about):
        names = ("rule", "question", "severity", "threshold", "evaluated_to", "duration_ms", "problem")
        shown = {name: [rule[name] for rule in overview["rules"]] for name in names}
        shown["duration_ms"] = [took and round(took) for took in shown["duration_ms"]]
        shown["evaluated_to"] = [alert_desk.instant(text) for text in shown["evaluated_to"]]
        table.show(
            shown,
            {
                "rule": table.text(width=170), "question": table.text(width=330),
                "severity": table.text(width=160),
                "evaluated_to": table.at("evaluated to"), "duration_ms": table.number("took, ms", 80),
            },
            key="rules", alt="Rules and how far they are evaluated",
        )  # fmt: skip
        for route in overview["routes"]:
            waits = f": {formatting.plural(route['waiting'], 'notice')} waiting" if route["waiting"] else ""
            st.caption(
                f"route {safe_md(route['route'])}, {route['kind']} at {safe_md(route['place'])}{waits}"
            )
        for problem in overview["problems"]:
            st.warning(safe_md(problem, 400), icon=":material/warning:")


def page(version: int) -> None:
    if empty.is_empty(version):
        return
    desk: Desk | None = alert_desk.desk()
    if desk is None:
        verdict_box.draw("calm", "Nobody evaluates rules in this process", is_known=False)
        return
    answer = data.load_now("alerts", version, row_limit=_SHOWN)
    known = desk.overview()
    unseen = alert_desk.blind(desk, known["rules"], data.coverage(version).last_at)
    verdict_box.draw(*alert_desk.verdict(answer.rows, unseen))
    search = filters.search("Rule, loop, stream, sentence")
    rows = filters.holding(answer.rows, search, *_SEARCHED)
    picked = _picked(rows)
    _episodes_panel(answer, rows, picked)
    if picked is not None:
        _episode_panel(version, rows[picked], answer, desk.config.rules)
    _rules_panel(known)
    backtest_panel.draw(version, controls.current_window(version), alert_desk.playable(desk))


st.header("What should somebody look at?", anchor=False)
controls.live(page)
