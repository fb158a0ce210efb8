"""SQL: whatever else one may want to know."""

from datetime import datetime
from typing import Final

import streamlit as st

from dashboard import controls, data, formatting, table, viewer, zone
from dashboard.charts import base, quick
from dashboard.live_plotly import live_plotly
from dashboard.panel import panel
from dashboard.window import Window
from stormwatch import export
from stormwatch.catalog import Query
from stormwatch.errors import StormwatchError
from stormwatch.people import NO_SQL
from stormwatch.readonly import Answer

_ROW_LIMIT: Final = 10_000
_TIMEOUT_S: Final = 30.0
_FIRST: Final = "overview"
"""The relation that the editor holds a call of at first."""
_RUN_KEY: Final = "_run_sql"
"""What is asked: not each text on its way to be a question."""
_RUN_BUTTON: Final = "run"
_STOPPED_KEY: Final = "_stopped_sql"
_ANSWER_KEY: Final = "_answer_to_sql"
_ASKED_KEY: Final = "_asked_sql"
_REMEMBERED: Final = 30


def _fill_in() -> None:
    """Write the call of the picked relation, with its inputs, into the editor."""
    name = st.session_state.get("relation")
    if name:
        st.session_state["sql"] = data.call_text(name, _inputs(data.relation(name)))


def _inputs(query: Query) -> dict[str, object]:
    """What the person gave, and the window of the page where the relation asks for one."""
    given: dict[str, object] = dict(_window(query, controls.current_window(data.version())))
    for parameter in query.parameters:
        value = st.session_state.get(f"p_{parameter.name}")
        if value:
            given[parameter.name] = str(value)
    return given


def _window(query: Query, shown: Window) -> dict[str, datetime]:
    """The edges of a window by the parameters of the relation that take them; none of all of the log."""
    names = {parameter.name for parameter in query.parameters}
    return {name: edge for name, edge in shown.scope.items() if name in names}


def _first(version: int) -> str:
    """A question that is soon answered however long the log: of what is read of the window of the page."""
    query = data.relation(_FIRST)
    return data.call_text(_FIRST, _window(query, controls.current_window(version).near))


def _saved(version: int) -> None:
    names = [query.name for query in data.relations()]
    with st.container(border=True, key="panel_saved", height="stretch"):
        st.subheader("Saved questions", anchor=False)
        name = st.selectbox(
            "Relation", names, index=None, key="relation", bind="query-params",
            placeholder="Pick a relation", label_visibility="collapsed", on_change=_fill_in,
        )  # fmt: skip
        if name not in names:
            st.caption("Each is one documented SQL file; all can be joined freely.")
            table.show(
                {"relation": names, "answers": [query.question for query in data.relations()]},
                {"relation": table.text(width=150), "answers": table.text(width="large")},
                key="relations", alt="Saved relations", height=330,
            )  # fmt: skip
            return
        query = data.relation(name)
        st.markdown(f"**{query.question}**")
        _parameters(version, query)
        columns, text = st.tabs(["Columns", "SQL"], on_change="rerun", key="relation_tabs")
        if columns.open:
            with columns:
                table.show(
                    {
                        "column": [column.name for column in query.columns],
                        "type": [column.type for column in query.columns],
                        "what it is": [column.text for column in query.columns],
                    },
                    {"what it is": table.text(width="large")},
                    key="columns", alt="Columns of the relation",
                )  # fmt: skip
        if text.open:
            text.code(query.sql, language="sql", height=320)


def _parameters(version: int, query: Query) -> None:
    if not query.parameters:
        return
    window = _window(query, controls.current_window(version))
    with st.grid(2, min_column_width=150, gap="small"):
        for parameter in query.parameters:
            st.text_input(
                parameter.name,
                key=f"p_{parameter.name}",
                bind="query-params",
                placeholder=str(window.get(parameter.name) or parameter.default or "must be given"),
                help=f"{parameter.type}: {parameter.text}",
                on_change=_fill_in,
            )


def _editor(version: int) -> str:
    if _RUN_BUTTON not in st.session_state:
        # Not drawn before, so the page was just opened. Who follows a link wants to see what it shows; who
        # comes by themselves has asked nothing yet.
        carried = st.query_params.get("sql")
        st.session_state[_RUN_KEY] = carried
        st.session_state.setdefault("sql", carried or _first(version))
    text = st.text_area(
        "SQL", key="sql", height="stretch", label_visibility="collapsed", bind="query-params",
        placeholder="SELECT ...",
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Run", icon=":material/play_arrow:", type="primary", key=_RUN_BUTTON, shortcut="ctrl+enter",
            on_click=_run,
        )  # fmt: skip
        _asked_before()
        st.caption(
            f"One SELECT, read-only; at most {_ROW_LIMIT:,} rows and {_TIMEOUT_S:.0f} s. DuckDB's dialect.",
            width="content",
        )
    return text or ""


def _asked_before() -> None:
    """What was asked in this tab of the browser, the latest first, to be asked again."""
    st.selectbox(
        "Asked before", st.session_state.get(_ASKED_KEY, []), index=None, key="asked_before", width=200,
        placeholder="Asked before", label_visibility="collapsed", icon=":material/history:",
        on_change=_ask_again,
    )  # fmt: skip


def _ask_again() -> None:
    text = st.session_state["asked_before"]
    if text:
        st.session_state["sql"] = st.session_state[_RUN_KEY] = text
        st.session_state["asked_before"] = None


def _remember(text: str) -> None:
    before = [one for one in st.session_state.get(_ASKED_KEY, []) if one != text]
    st.session_state[_ASKED_KEY] = [text, *before[: _REMEMBERED - 1]]


def _stop(text: str) -> None:
    st.session_state[_STOPPED_KEY] = text


def _run() -> None:
    """Have the text in the editor asked, whatever became of it before."""
    st.session_state[_RUN_KEY] = st.session_state["sql"]
    st.session_state.pop(_STOPPED_KEY, None)
    st.session_state.pop(_ANSWER_KEY, None)


def _answer_to(text: str) -> Answer:
    """The answer: what a person does to its picture asks nothing again, and changes no row."""
    known: tuple[str, Answer] | None = st.session_state.get(_ANSWER_KEY)
    if known is None or known[0] != text:
        known = text, _ask(text)
        st.session_state[_ANSWER_KEY] = known
    return known[1]


def _ask(text: str) -> Answer:
    """The answer; while it is worked out, for how long so far, and a button that stops it."""
    waiting, offer = st.empty(), st.empty()
    buttons: list[bool] = []

    def say(elapsed_s: float) -> None:
        if not buttons:  # once a run: a key may not come twice
            buttons.append(
                offer.button("Stop", icon=":material/stop:", on_click=_stop, args=(text,), key="stop")
            )
        waiting.caption(f"Being worked out for {elapsed_s:.0f} s")

    try:
        return data.ask(text, row_limit=_ROW_LIMIT, timeout_s=_TIMEOUT_S, while_waiting=say)
    finally:
        waiting.empty()
        offer.empty()


def _result(text: str) -> None:
    if st.session_state.get(_STOPPED_KEY) == text:
        st.markdown(":material/stop_circle: **Stopped before there was an answer.** *Run* asks again.")
        return
    _remember(text)
    try:
        answer = _answer_to(text)
    except StormwatchError as error:
        st.markdown(":material/error: **This cannot be answered:**")
        st.code(str(error), language=None, wrap_lines=True)
        return
    about = "The rows in the order the database gave them; the CSV keeps spreadsheets from running formulas."
    with panel("result", "Answer", about):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(_facts(answer), width="stretch")
            st.download_button(
                "CSV", lambda: export.csv_of(answer.table), "answer.csv", "text/csv",
                icon=":material/download:", key="csv", on_click="ignore",
            )  # fmt: skip
            st.download_button(
                "Parquet", lambda: export.parquet_of(answer.table), "answer.parquet",
                "application/vnd.apache.parquet", icon=":material/download:", key="parquet",
                on_click="ignore",
            )  # fmt: skip
        table.show(answer.table, {}, key="result", alt="Rows of the answer")
    if answer.table.num_rows > 1:
        _chart(answer)


def _facts(answer: Answer) -> str:
    some = "the first " if answer.is_truncated else ""
    complete = (
        f", complete to {formatting.instant(answer.complete_to)} {zone.name()}" if answer.complete_to else ""
    )
    return (
        f"{some}{formatting.plural(answer.table.num_rows, 'row')} in "
        f"{formatting.milliseconds(answer.elapsed_ms)}, data version {answer.data_version}{complete}"
    )


def _chart(answer: Answer) -> None:
    heights = quick.measures(answer.table)
    if not heights:
        return
    about = f"A first look: the first {base.POINTS_AT_MOST:,} rows, one column against another."
    names = answer.table.column_names
    across = quick.axis_of(answer.table)
    with panel("quick", "Chart", about):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            x = st.selectbox(
                "Across", names, key="chart_x", bind="query-params", width=220, index=names.index(across)
            )
            y = st.selectbox(
                "Height", heights, key="chart_y", bind="query-params", width=220,
                index=next((n for n, name in enumerate(heights) if name != x), 0),
            )  # fmt: skip
            kind = st.segmented_control(
                "As", quick.KINDS, default="bar", required=True, key="chart_kind", bind="query-params"
            )
        if x in names and y in heights:
            live_plotly(
                data.json_of(quick.picture(answer.table, x=x, y=y, kind=kind or "bar")),
                key="quick", alt="Chart of the answer", height=320,
            )  # fmt: skip


def _draw() -> None:
    version = data.version()
    left, right = st.columns([2, 3])
    with left:
        _saved(version)
    with right, st.container(border=True, key="panel_editor", height="stretch"):
        st.subheader("Your question", anchor=False)
        written = _editor(version)
    asked = (st.session_state[_RUN_KEY] or "").strip()
    if not asked:
        st.caption(":material/keyboard_return: *Run*, or Ctrl+Enter, asks what the editor holds.")
        return
    if asked != written.strip():
        st.caption(
            ":material/edit: The answer to what was asked before; *Run* asks what the editor holds now."
        )
    _result(asked)


st.header("What else do you want to know?", anchor=False)
if viewer.person().may_ask_sql:
    _draw()
else:
    st.info(f"{NO_SQL[0].upper()}{NO_SQL[1:]}.", icon=":material/lock:")
controls.live(lambda _: None)  # the header goes on; a question is asked when somebody asks it
