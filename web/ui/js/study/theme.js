// @ts-check
// Whether the page is light or dark now.

import { useEffect, useState } from "../../vendor/preact.js";

const system = matchMedia("(prefers-color-scheme: dark)");

/** @returns {"light" | "dark"} */
const now = () => /** @type {any} */ (document.documentElement.dataset.theme) ?? (system.matches ? "dark" : "light");

/** The theme; the component is drawn anew when it changes. */
export function useTheme() {
  const [theme, set] = useState(now());
  useEffect(() => {
    const change = () => set(now());
    addEventListener("themechange", change);
    system.addEventListener("change", change);
    return () => {
      removeEventListener("themechange", change);
      system.removeEventListener("change", change);
    };
  }, []);
  return theme;
}
