// @ts-check
// The address is the state: the path says which page, the query how it looks.

import { html, signal } from "../vendor/preact.js";

const read = () => ({ path: location.pathname, query: new URLSearchParams(location.search) });

/** Where we are. */
export const here = signal(read());

addEventListener("popstate", () => (here.value = read()));

/** @param {string} url */
export function go(url) {
  history.pushState(null, "", url);
  here.value = read();
  scrollTo(0, 0);
}

/**
 * Changes how the page looks; null takes a setting away. Back does not step
 * through such changes.
 * @param {Record<string, string | null>} changes
 */
export function setQuery(changes) {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === "") query.delete(name);
    else query.set(name, value);
  }
  const text = query.toString();
  history.replaceState(null, "", location.pathname + (text ? `?${text}` : ""));
  here.value = read();
}

/** A link that stays on the page. */
export function Link({ href, children, ...rest }) {
  const follow = (e) => {
    if (e.button || e.ctrlKey || e.metaKey || e.shiftKey || e.altKey) return;
    e.preventDefault();
    go(href);
  };
  return html`<a href=${href} onClick=${follow} ...${rest}>${children}</a>`;
}

/** The parts of a path: "/studies/a%20b" gives ["studies", "a b"]. */
export function parts(path) {
  return path.split("/").filter(Boolean).map((p) => {
    try {
      return decodeURIComponent(p);
    } catch {
      return p;
    }
  });
}

/** @param {string} id */
export const studyURL = (id) => `/studies/${encodeURIComponent(id)}`;
/** @param {string} id @param {number} n */
export const trialURL = (id, n) => `${studyURL(id)}/trials/${n}`;
