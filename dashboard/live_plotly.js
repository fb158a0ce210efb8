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

function dressed(figure, colours, height) {
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

function listen(element) {
  element.on("plotly_click", (event) => element.__send("click", clicked(event)));
  element.on("plotly_relayout", (event) => {
    if ("xaxis.range[0]" in event && "xaxis.range[1]" in event) {
      element.__send("zoom", [String(event["xaxis.range[0]"]), String(event["xaxis.range[1]"])]);
    }
  });
}

export default function ({ data, parentElement, setTriggerValue }) {
  const element = parentElement.querySelector("[data-live-plotly]");
  const draw = (Plotly) => {
    if (!element.isConnected) return undefined;
    const { data: traces, layout } = dressed(JSON.parse(data.figure), theme(element), data.height);
    const options = { displaylogo: false, displayModeBar: false, responsive: true, doubleClick: false };
    return Plotly.react(element, traces, layout, options);
  };
  element.__send = setTriggerValue;
  element.setAttribute("role", "img");
  element.setAttribute("aria-label", data.alt);
  element.style.minHeight = `${data.height}px`;
  loadPlotly().then(draw).then(() => {
    if (element.__listening || !element.on) return;
    element.__listening = true;
    listen(element);
  }).catch((error) => { element.textContent = error.message; });

  // The theme is a matter of style sheets: a switch changes variables and calls nobody.
  let shown = JSON.stringify(theme(element));
  const timer = setInterval(() => {
    const now = JSON.stringify(theme(element));
    if (now === shown || !window.Plotly) return;
    shown = now;
    draw(window.Plotly);
  }, 1000);
  return () => {
    clearInterval(timer);
    if (window.Plotly) window.Plotly.purge(element);
  };
}
