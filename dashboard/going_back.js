// Makes Back lead to what was seen. Streamlit writes the address in several steps when a page is left, each an
// entry of its own (it empties that of the old page, or names on it what is picked on the new one), and asks for
// a page that one comes back to without what stands behind the question mark.
const AT_ONCE_MS = 1000, LEAVING_MS = 5000;

function hasOnlyLost(before, after) {
  const had = [...new URLSearchParams(before)].map(String), has = [...new URLSearchParams(after)].map(String);
  return has.length < had.length && has.every((one) => had.includes(one));
}

function watch() {
  let shown = location.pathname, pushedAt = -Infinity, changedAt = -Infinity, emptiedAt = -Infinity;
  const push = history.pushState.bind(history), replace = history.replaceState.bind(history);
  history.pushState = (state, unused, url) => {
    const to = new URL(url ?? location.href, location.href), now = performance.now();
    const isLeaving = to.pathname !== location.pathname, isEmptied = hasOnlyLost(location.search, to.search);
    const isOneStep = isLeaving
      ? now - changedAt < AT_ONCE_MS || now - emptiedAt < LEAVING_MS
      : now - pushedAt < AT_ONCE_MS;
    (isOneStep ? replace : push)(state, unused, url);
    pushedAt = now;
    changedAt = isLeaving ? -Infinity : now;
    emptiedAt = !isLeaving && isEmptied ? now : -Infinity;
    shown = to.pathname;
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
