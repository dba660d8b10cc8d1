import { render, type VNode } from "preact";
import type { Theme } from "../../dashboard/theme";
import { Sign, StateIcon } from "../../dashboard/components/icons";
import { sinceText, type Badge, type BadgeIcon } from "../model/badge";

/** Class of what one points at and presses: the words in a strip. */
export const BUTTON = "badge-button";

/** Class of the top of a cell that has a strip. */
const HEADER = "durable-nb-header";

/** The strip above the editor of a step's cell: of one height, whatever it says. */
export class BadgeStrip {
  readonly node = document.createElement("div");
  private shown = "";
  private badge: Badge | null = null;

  constructor(cellId: string) {
    this.node.className = "durable-nb durable-nb-badge";
    this.node.dataset.cell = cellId;
    // Keys pressed on the button are meant for it: Enter would else open the editor.
    this.node.dataset.lmSuppressShortcuts = "true";
  }

  /** Whether what it says changes by itself. */
  get isTicking(): boolean {
    return this.badge?.since != null;
  }

  /** Say something, if it is something else than before. */
  show(badge: Badge, now: number): void {
    this.badge = badge;
    const key = JSON.stringify(badge);
    if (key !== this.shown) {
      this.shown = key;
      this.node.dataset.step = badge.step;
      this.draw(now);
    }
  }

  /** It is later. */
  tick(now: number): void {
    if (this.isTicking) {
      this.draw(now);
    }
  }

  set theme(theme: Theme) {
    this.node.dataset.theme = theme;
  }

  /**
   * Stand at the top of a cell, as soon as it has one.
   *
   * That is within the widget that a cell has there, empty: a node beside the widgets would put their order wrong.
   */
  attachTo(cell: HTMLElement): void {
    if (this.node.parentElement?.parentElement === cell) {
      return;
    }
    const header = cell.querySelector(":scope > .jp-Cell-header");
    if (header !== null) {
      header.classList.add(HEADER);
      header.append(this.node);
    }
  }

  remove(): void {
    render(null, this.node);
    this.node.parentElement?.classList.remove(HEADER);
    this.node.remove();
  }

  private draw(now: number): void {
    if (this.badge !== null) {
      render(<Words badge={this.badge} now={now} />, this.node);
    }
  }
}

function Words({ badge, now }: { badge: Badge; now: number }): VNode {
  const time = badge.since === null ? badge.time : sinceText(badge.since, now);
  // What goes on is not read out each second.
  const spoken = [badge.word, badge.since === null ? time : "", badge.why].filter(Boolean).join(", ");
  return (
    <button
      type="button"
      class={`${BUTTON} tone-${badge.tone} ${badge.isSaved ? "badge-saved" : ""}`}
      aria-haspopup="dialog"
      aria-label={`Step ${badge.step}: ${spoken}`}
    >
      <span class="badge-state">
        <BadgeMark icon={badge.icon} />
        {badge.word}
      </span>
      {badge.isNamed || !badge.step ? null : <span class="badge-name mono">{badge.step}</span>}
      {time ? <span class="badge-time">{time}</span> : null}
      {badge.why ? <span class={`badge-why ${badge.isBad ? "error-line" : ""}`}>{badge.why}</span> : null}
    </button>
  );
}

/** The mark of what a badge says. */
export function BadgeMark({ icon }: { icon: BadgeIcon }): VNode {
  if (icon === "wrong") {
    return <Sign name="warning" />;
  }
  return icon === "stale" ? <Sign name="clock" /> : <StateIcon state={icon} />;
}
