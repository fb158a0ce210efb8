// Lines of a log file as they stand in it, the picked one marked; a click on another one asks for it.
// Text of the log goes into the page by textContent alone.
function part(tag, name, text) {
  const made = document.createElement(tag);
  made.className = name;
  if (text) made.textContent = text;
  return made;
}

function lineOf(line, open) {
  const item = part("li", `line ${line.kind}${line.is_picked ? " picked" : ""}`);
  if (line.is_picked) item.setAttribute("aria-current", "true");
  const body = part(line.at === null || line.is_picked ? "div" : "button", "body");
  if (body.tagName === "BUTTON") {
    body.type = "button";
    body.title = "Show this record";
    body.onclick = () => {
      // Who selects text to copy it does not want to leave.
      if (!String(getSelection())) open(line.at);
    };
  }
  const said = part("span", "said");
  if (line.note) said.append(part("span", "note", line.note));
  said.append(part("span", "text", line.text));
  body.append(part("span", "offset", String(line.offset)), said);
  item.append(body);
  return item;
}

const shown = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  const list = parentElement.querySelector("[data-context-lines]");
  const drawn = JSON.stringify(data);
  const before = shown.get(list);
  if (before?.drawn === drawn) return;
  const focused = list.getRootNode().activeElement?.closest("li") !== undefined;
  list.setAttribute("aria-label", data.alt);
  list.replaceChildren(...data.lines.map((line) => lineOf(line, (at) => setTriggerValue("open", at))));
  const picked = list.querySelector(".picked");
  // Another record, or more around it: it stays in the middle. New lines behind it move nothing.
  const view = `${data.view}`;
  if (before?.view !== view && picked) {
    list.scrollTop = picked.offsetTop - list.offsetTop - (list.clientHeight - picked.clientHeight) / 2;
    if (focused) picked.scrollIntoView({ block: "nearest" });
  }
  shown.set(list, { drawn, view });
}
