// @ts-check
// The frame around every page: who is logged in, where we are, whether what is
// shown is live.

import { html, render, useEffect, useState } from "../vendor/preact.js";
import { get, logIn, loggedIn } from "./api.js";
import { asOf, start, status } from "./live.js";
import { Studies } from "./pages/studies.js";
import { Study } from "./pages/study.js";
import { Targets } from "./pages/targets.js";
import { Trial } from "./pages/trial.js";
import { Link, here, parts } from "./route.js";
import { Command, Empty, Failure } from "./ui.js";

function Page() {
  const [area, id, sub, n, ...rest] = parts(here.value.path);
  if (rest.length === 0) {
    if (area === undefined || (area === "studies" && id === undefined)) return html`<${Studies} />`;
    if (area === "targets" && id === undefined) return html`<${Targets} />`;
    if (area === "studies" && sub === undefined) return html`<${Study} key=${id} id=${id} />`;
    if (area === "studies" && sub === "trials" && /^\d+$/.test(n ?? "")) return html`<${Trial} key=${`${id}/${n}`} id=${id} n=${Number(n)} />`;
  }
  return html`<${Empty} title="There is no such page"><p><${Link} href="/">All studies<//></p><//>`;
}

function Login({ problem }) {
  return html`<${Empty} title="Log in">
    ${problem && html`<p class="bad-text">${problem.message}</p>`}
    <p>This dashboard opens with a link that is good for one minute. On the computer that runs the daemon:</p>
    <p><${Command} text="fettle open" /></p>
  <//>`;
}

function Live() {
  const words = {
    connecting: "Connecting…",
    live: "Live",
    lost: `Reconnecting… data as of ${asOf.value?.toLocaleTimeString() ?? ""}`,
  };
  const title = status.value === "live" ? "Changes appear by themselves; while this computer measures they wait, so that drawing does not disturb it." : "";
  return html`<span class=${`stream ${status.value}`} role="status" title=${title}>${words[status.value]}</span>`;
}

function Theme() {
  const [theme, set] = useState(document.documentElement.dataset.theme ?? "auto");
  const choose = (next) => {
    if (next === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
    try {
      if (next === "auto") localStorage.removeItem("theme");
      else localStorage.setItem("theme", next);
    } catch {
      // Storage may be switched off: the choice then lasts as long as the page.
    }
    set(next);
    dispatchEvent(new Event("themechange"));
  };
  return html`<label class="theme"><span class="sr">Theme</span>
    <select value=${theme} onChange=${(e) => choose(e.target.value)}>
      <option value="auto">System</option><option value="light">Light</option><option value="dark">Dark</option>
    </select></label>`;
}

function App({ problem }) {
  const [failed, setFailed] = useState(null);
  const first = () => get("/info").then(() => setFailed(null), (p) => p.status !== 401 && setFailed(p));
  useEffect(() => {
    first();
  }, []);
  useEffect(() => {
    if (loggedIn.value) start();
  }, [loggedIn.value]);
  const at = parts(here.value.path)[0] ?? "studies";
  const current = (area) => (at === area ? "page" : undefined);
  return html`
    <a class="skip" href="#main">To the content</a>
    <header class="top">
      <${Link} href="/" class="brand"><span class="mark" aria-hidden="true"></span>Fettle<//>
      <nav aria-label="Main">
        <${Link} href="/" aria-current=${current("studies")}>Studies<//>
        <${Link} href="/targets" aria-current=${current("targets")}>Targets<//>
      </nav>
      <div class="right">${loggedIn.value && html`<${Live} />`}<${Theme} /></div>
    </header>
    <main id="main" tabindex="-1">
      ${loggedIn.value === false ? html`<${Login} problem=${problem} />`
        : loggedIn.value ? html`<${Page} />`
        : failed && html`<${Failure} problem=${failed} retry=${first} />`}
    </main>`;
}

addEventListener("hashchange", () => { // a login link pasted into the open page
  if (location.hash.startsWith("#login=")) location.reload();
});
const problem = await logIn();
const root = document.getElementById("app");
root.textContent = "";
render(html`<${App} problem=${problem} />`, root);
