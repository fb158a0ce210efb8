// Copies the address, which holds the whole view. Without a clipboard (a page over plain HTTP) the old way.
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = Object.assign(document.createElement("textarea"), { value: text });
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }
}

const SHOWN_MS = 1600;

export default function ({ parentElement }) {
  const button = parentElement.querySelector("[data-copy-link]");
  const label = button.querySelector("[data-label]");
  button.onclick = async () => {
    label.textContent = (await copy(location.href)) ? "Copied" : "Copy the address bar";
    setTimeout(() => { label.textContent = "Copy link"; }, SHOWN_MS);
  };
}
