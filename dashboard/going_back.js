// Makes Back lead to what was seen. Streamlit writes the address in several steps when a page is left, each an
// entry of its own (it empties that of the old page, or names on it what is picked on the new one), and asks for
// a page that one comes back to without what stands behind the question mark. What is written while the person
// does nothing belongs to what they did last.
const DONE_BY_A_PERSON = ["pointerup", "click", "keydown"];

// A link names the controls, and Streamlit names them again behind it: each once is enough.
function once(url) {
  if (url === undefined || url === null) return url;
  const address = new URL(url, location.href), said = new Set();
  const fresh = [...address.searchParams].filter((pair) => {
    const key = JSON.stringify(pair), isNew = !said.has(key);
    said.add(key);
    return isNew;
  });
  if (fresh.length === address.searchParams.size) return url;
  address.search = new URLSearchParams(fresh).toString();
  return address.href;
}

function watch() {
  let shown = location.pathname, hasActed = false;
  const push = history.pushState.bind(history), replace = history.replaceState.bind(history);
  const act = () => { hasActed = true; };
  for (const deed of DONE_BY_A_PERSON) window.addEventListener(deed, act, { capture: true, passive: true });
  history.pushState = (state, unused, url) => {
    (hasActed ? push : replace)(state, unused, once(url));
    hasActed = false;
    shown = new URL(url ?? location.href, location.href).pathname;
  };
  history.replaceState = (state, unused, url) => replace(state, unused, once(url));
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
