// Makes Back lead to what was seen. Streamlit writes the address in several steps when a page is left, each an
// entry of its own (it empties that of the old page, or names on it what is picked on the new one), and asks for
// a page that one comes back to without what stands behind the question mark. What is written while the person
// does nothing belongs to what they did last.
const DONE_BY_A_PERSON = ["pointerup", "click", "keydown"];

function watch() {
  let shown = location.pathname, hasActed = false;
  const push = history.pushState.bind(history), replace = history.replaceState.bind(history);
  const act = () => { hasActed = true; };
  for (const deed of DONE_BY_A_PERSON) window.addEventListener(deed, act, { capture: true, passive: true });
  history.pushState = (state, unused, url) => {
    (hasActed ? push : replace)(state, unused, url);
    hasActed = false;
    shown = new URL(url ?? location.href, location.href).pathname;
  };
  const come = (event) => {
    if (location.pathname === shown) return;
    event.stopImmediatePropagation();
    location.reload();
  };
  window.addEventListener("popstate", come, { capture: true });
}

export default function () {
  if (window.__stormwatchGoingBack) return;
  window.__stormwatchGoingBack = true;
  watch();
}
