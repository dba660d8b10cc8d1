/** Light or dark, by what stands behind the panel: a theme of Jupyter or VS Code, or the reader's setting. */

export type Theme = "light" | "dark";

/** Whether text on a colour must be light; null for what is no plain colour. */
export function isDark(colour: string): boolean | null {
  const parts = /^rgba?\(([^)]*)\)$/
    .exec(colour.trim())?.[1]
    ?.split(/[\s,/]+/)
    .map(Number);
  const [red, green, blue, alpha = 1] = parts ?? [];
  if (red === undefined || green === undefined || blue === undefined || parts?.some(Number.isNaN) || alpha < 0.5) {
    return null;
  }
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue < 128;
}

/** The theme where an element stands. */
export function themeOf(element: HTMLElement): Theme {
  const probe = document.createElement("span");
  probe.style.cssText = "display:none;background:var(--jp-layout-color1,var(--vscode-editor-background,transparent))";
  element.append(probe);
  const behind = isDark(getComputedStyle(probe).backgroundColor);
  probe.remove();
  const named = document.body.dataset.jpThemeLight;
  const dark =
    behind ?? (named === undefined ? null : named === "false") ?? matchMedia("(prefers-color-scheme: dark)").matches;
  return dark ? "dark" : "light";
}

/** Keep `data-theme` of an element right; gives what ends it. */
export function followTheme(element: HTMLElement): () => void {
  return watchTheme(element, (theme) => {
    element.dataset.theme = theme;
  });
}

/** Tell the theme where an element stands, now and after each change; gives what ends it. */
export function watchTheme(element: HTMLElement, tell: (theme: Theme) => void): () => void {
  const follow = (): void => tell(themeOf(element));
  const media = matchMedia("(prefers-color-scheme: dark)");
  const observer = new MutationObserver(follow);
  const attributes = {
    attributes: true,
    attributeFilter: ["class", "style", "data-jp-theme-name", "data-vscode-theme-id"],
  };
  observer.observe(document.body, attributes);
  observer.observe(document.head, { childList: true });
  media.addEventListener("change", follow);
  // The style sheet of a theme may come after its name.
  const loaded = (event: Event): void => void (event.target instanceof HTMLLinkElement && follow());
  document.addEventListener("load", loaded, true);
  follow();
  return () => {
    observer.disconnect();
    media.removeEventListener("change", follow);
    document.removeEventListener("load", loaded, true);
  };
}
