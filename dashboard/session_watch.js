// A page whose session is over asks for itself again: signing in leads back to the same address, and so view.
const EVERY_MS = 10_000;

async function look() {
  try {
    const answer = await fetch("/oidc/session", { cache: "no-store" });
    if (answer.status === 401) location.reload();
  } catch {
    // The server is away: the page says so itself.
  }
}

export default function ({ parentElement }) {
  clearInterval(parentElement.__sessionWatch);
  const watch = setInterval(look, EVERY_MS);
  parentElement.__sessionWatch = watch;
  return () => clearInterval(watch);
}
