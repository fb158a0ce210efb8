// Draws a Plotly figure in place: the same DOM node for the life of the chart, so that zoom, hover
// and selection survive a refresh. Colours that depend on the theme are read from it here.
const SOURCE = "__PLOTLY_URL__";

function loadPlotly() {
  if (window.Plotly) return Promise.resolve(window.Plotly);
  window.__stormwatchPlotly ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = SOURCE;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => {
      window.__stormwatchPlotly = null;
      reject(new Error("the chart library did not load; reload the page"));
    };
    document.head.appendChild(script);
  });
  return window.__stormwatchPlotly;
}

function theme(element) {
  const style = getComputedStyle(element);
  const read = (name) => style.getPropertyValue(name).trim();
  const list = (name) => read(name).split(",").map((part) => part.trim()).filter(Boolean);
  return {
    text: read("--st-text-color"),
    line: read("--st-border-color"),
    raised: read("--st-secondary-background-color"),
    font: read("--st-font"),
    sequential: list("--st-chart-sequential-colors"),
    categorical: list("--st-chart-categorical-colors"),
  };
}

const NARROW_PX = 560;

function thinned(axis) {
  if (!axis.tickvals) return { ...axis, nticks: 4 };
  const step = Math.ceil(axis.tickvals.length / 3), kept = (_, place) => place % step === 0;
  return { ...axis, tickvals: axis.tickvals.filter(kept), ticktext: axis.ticktext.filter(kept) };
}

function dressed(figure, colours, height, width) {
  const axis = {
    gridcolor: colours.line, zerolinecolor: colours.line, linecolor: colours.line,
    tickfont: { size: 11 }, automargin: true,
  };
  const layout = {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    colorway: colours.categorical, autosize: true, hovermode: "closest",
    margin: { l: 8, r: 8, t: 8, b: 8 },
    ...figure.layout, height,
  };
  layout.font = { color: colours.text, family: colours.font, size: 12, ...layout.font };
  layout.hoverlabel = {
    bgcolor: colours.raised, bordercolor: colours.line, align: "left",
    font: { color: colours.text, family: colours.font, size: 12 }, ...layout.hoverlabel,
  };
  const named = Object.keys(layout).filter((key) => /^[xy]axis\d*$/.test(key));
  for (const key of new Set(["xaxis", "yaxis", ...named])) layout[key] = { ...axis, ...layout[key] };
  // Dates that find no room side by side would be turned upright: fewer of them.
  for (const key of named.filter((key) => width < NARROW_PX && layout[key].type === "date")) layout[key] = thinned(layout[key]);
  const scale = colours.sequential.map((c, i) => [i / (colours.sequential.length - 1), c]);
  const data = figure.data.map((trace) =>
    trace.type === "heatmap" && !trace.colorscale ? { ...trace, colorscale: scale } : trace);
  return { data, layout };
}

function clicked(event) {
  const point = event.points[0];
  return {
    x: point.x ?? null, y: point.y ?? null,
    customdata: Array.isArray(point.customdata) ? [...point.customdata] : point.customdata ?? null,
  };
}

// One chart for the life of its DOM node. The component is called again with every refresh but
// taken down only once, so whatever runs or listens belongs to this object, not to a call.
class Chart {
  constructor(element) {
    this.element = element;
    this.ending = new AbortController();
    this.shown = "";
    this.isLate = false;
    // The theme is a matter of style sheets: a switch changes variables and calls nobody.
    this.timer = setInterval(() => document.hidden || this.followTheme(), 1000);
    window.addEventListener("mouseup", () => setTimeout(() => this.isLate && this.draw(), 50), { signal: this.ending.signal });
  }

  update(data, send) {
    this.data = data;
    this.send = send;
    this.element.setAttribute("aria-label", data.alt);
    this.element.style.minHeight = `${data.height}px`;
    this.element.style.minWidth = data.min_width ? `${data.min_width}px` : "";
    this.draw();
  }

  async draw() {
    try {
      const Plotly = await loadPlotly();
      if (!this.element.isConnected || this.ending.signal.aborted) return;
      // A new picture under a dragging hand would end the drag: it waits for the hand.
      this.isLate = Boolean(this.element._dragging);
      if (this.isLate) return;
      const colours = theme(this.element);
      this.shown = JSON.stringify(colours);
      const { data, layout } = dressed(JSON.parse(this.data.figure), colours, this.data.height, this.element.clientWidth);
      this.keepView(layout);
      const options = { displaylogo: false, displayModeBar: false, responsive: true, doubleClick: false };
      await Plotly.react(this.element, data, layout, options);
      this.listen();
    } catch (error) {
      this.element.textContent = error.message;
    }
  }

  listen() {
    if (this.isListening) return;
    this.isListening = true;
    this.element.on("plotly_click", (event) => this.send("click", clicked(event)));
    this.element.on("plotly_relayout", (event) => {
      const axes = ["xaxis", "yaxis"].filter((axis) => `${axis}.range[0]` in event);
      if (axes.length === 0) return;
      const { uirevision } = this.element.layout;
      const before = this.view?.uirevision === uirevision ? this.view.ranges : {};
      const ranges = axes.map((axis) => [axis, [event[`${axis}.range[0]`], event[`${axis}.range[1]`]]]);
      this.view = { uirevision, ranges: { ...before, ...Object.fromEntries(ranges) } };
      if (axes.includes("xaxis")) this.send("zoom", this.view.ranges.xaxis.map(String));
    });
    this.element.on("plotly_selected", (event) => this.selected(event));
    this.element.on("plotly_doubleclick", () => {
      this.view = null;
      this.draw();
    });
  }

  // What was selected is sent on; the box itself has done its work.
  selected(event) {
    const range = event?.range;
    if (!range) return;
    this.send("box", { x: [range.x ?? []].flat().map(String), y: [range.y ?? []].flat() });
    this.element.layout.selections = [];
  }

  // Plotly forgets a zoom as soon as the range it began from moves on, as it does in a live window.
  keepView(layout) {
    if (!this.view || this.view.uirevision !== layout.uirevision) return;
    for (const [axis, range] of Object.entries(this.view.ranges)) layout[axis] = { ...layout[axis], range };
  }

  followTheme() {
    if (this.shown && JSON.stringify(theme(this.element)) !== this.shown) this.draw();
  }

  end() {
    clearInterval(this.timer);
    this.ending.abort();
    if (window.Plotly) window.Plotly.purge(this.element);
  }
}

const charts = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  const element = parentElement.querySelector("[data-live-plotly]");
  if (!charts.has(element)) charts.set(element, new Chart(element));
  charts.get(element).update(data, setTriggerValue);
  return () => {
    charts.get(element)?.end();
    charts.delete(element);
  };
}
