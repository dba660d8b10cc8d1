import type { Cell } from "@jupyterlab/cells";
import type { IDisposable } from "@lumino/disposable";
import { render } from "preact";
import { followTheme } from "../../dashboard/theme";
import { placeOf } from "../model/placing";
import { BUTTON } from "./badge_strip";
import type { Badges } from "./badges";
import { Card, type CardPlace } from "./card";

/** One rests on something before it tells more; and may leave it for a moment. */
const REST = 150;
const PATIENCE = 250;

/** Opens the card of a step when somebody points at its badge, comes to it by keyboard, or presses it. */
export class CardHost implements IDisposable {
  private readonly node = document.createElement("div");
  private readonly endTheme: () => void;
  private readonly watchSize: ResizeObserver;
  private anchor: HTMLElement | null = null;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private endChanges: (() => void) | null = null;
  private isHeld = false;
  private isAbove = false;
  /** The keyboard goes back to a badge from which it came: its card was just closed. */
  private isReturning = false;
  private _isDisposed = false;

  /**
   * @param badges - The badges of a notebook.
   * @param showStep - Shows a step in the panel.
   */
  constructor(
    private readonly badges: Badges,
    private readonly showStep: (step: string) => void,
  ) {
    this.node.className = "durable-nb durable-nb-card";
    this.node.setAttribute("role", "dialog");
    this.node.tabIndex = -1;
    this.node.hidden = true;
    this.node.dataset.lmSuppressShortcuts = "true";
    document.body.append(this.node);
    this.endTheme = followTheme(this.node);
    this.watchSize = new ResizeObserver(() => this.place());
    this.listen(this.badges.link.notebook.content.node, "on");
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this.close();
    this._isDisposed = true;
    this.listen(this.badges.link.notebook.content.node, "off");
    this.endTheme();
    this.node.remove();
  }

  // What a person does.

  private listen(notebook: HTMLElement, how: "on" | "off"): void {
    const set = how === "on" ? "addEventListener" : "removeEventListener";
    for (const node of [notebook, this.node]) {
      node[set]("pointerover", this.pointed as EventListener);
      node[set]("pointerout", this.left as EventListener);
      node[set]("focusin", this.focused as EventListener);
      node[set]("focusout", this.left as EventListener);
    }
    notebook[set]("click", this.pressed as EventListener);
  }

  private readonly pointed = (event: PointerEvent): void => {
    const button = buttonAt(event.target);
    if (button !== null) {
      this.after(REST, () => this.open(button));
    } else if (this.isWithin(event.target)) {
      this.stay();
    }
  };

  private readonly focused = (event: FocusEvent): void => {
    const button = buttonAt(event.target);
    if (this.isReturning) {
      return;
    }
    if (button !== null && button.matches(":focus-visible")) {
      this.after(REST, () => this.open(button));
    } else if (this.isWithin(event.target)) {
      this.stay();
    }
  };

  private readonly left = (): void => {
    this.after(PATIENCE, () => {
      const isNear = this.node.matches(":hover, :focus-within") || this.anchor?.matches(":hover, :focus-visible");
      if (!isNear && !this.isHeld) {
        this.close();
      }
    });
  };

  private readonly pressed = (event: MouseEvent): void => {
    const button = buttonAt(event.target);
    if (button !== null) {
      this.stay();
      this.open(button);
      this.node.focus({ preventScroll: true });
    }
  };

  private readonly keyed = (event: KeyboardEvent): void => {
    const { anchor } = this;
    const isOfQuestion = event.target instanceof Element && event.target.closest(".confirm") !== null;
    if (event.key !== "Escape" || anchor === null || isOfQuestion) {
      return;
    }
    const wasWithin = this.isWithin(document.activeElement);
    this.close();
    if (wasWithin) {
      this.isReturning = true;
      anchor.focus({ preventScroll: true });
      this.isReturning = false;
    }
  };

  private readonly moved = (event: Event): void => {
    if (!this.isWithin(event.target)) {
      this.place();
    }
  };

  private readonly pressedElsewhere = (event: Event): void => {
    if (!this.isWithin(event.target) && buttonAt(event.target) === null) {
      this.close();
    }
  };

  // The card.

  private open(button: HTMLElement): void {
    this.stay();
    const strip = button.parentElement;
    const cell = strip === null ? null : this.badges.cellAt(strip);
    if (this._isDisposed || cell === null || !button.isConnected || this.anchor === button) {
      return;
    }
    this.close();
    this.anchor = button;
    this.node.setAttribute("aria-label", button.getAttribute("aria-label") ?? "");
    this.node.hidden = false;
    render(<Card place={this.placeFor(cell)} />, this.node);
    const box = button.getBoundingClientRect();
    this.isAbove = innerHeight - box.bottom < Math.min(this.node.offsetHeight + 120, box.top);
    this.place();
    this.watchSize.observe(this.node);
    addEventListener("scroll", this.moved, true);
    addEventListener("resize", this.moved);
    addEventListener("pointerdown", this.pressedElsewhere, true);
    addEventListener("keydown", this.keyed, true);
  }

  private placeFor(cell: Cell): CardPlace {
    const { link } = this.badges;
    return {
      connection: link,
      clock: link.clock,
      sight: () => this.badges.sightOf(cell),
      onChange: (changed) => {
        const look = (): void => (this.badges.sightOf(cell) === null ? this.close() : changed());
        link.stateChanged.connect(look);
        cell.model.contentChanged.connect(look);
        this.endChanges = () => {
          link.stateChanged.disconnect(look);
          cell.model?.contentChanged.disconnect(look);
        };
        return this.endChanges;
      },
      showStep: (step) => {
        this.close();
        this.showStep(step);
      },
      focus: () => this.node.focus({ preventScroll: true }),
      hold: (isHeld) => {
        this.isHeld = isHeld;
      },
    };
  }

  private close(): void {
    this.stay();
    if (this.anchor === null) {
      return;
    }
    this.anchor = null;
    this.isHeld = false;
    this.watchSize.disconnect();
    removeEventListener("scroll", this.moved, true);
    removeEventListener("resize", this.moved);
    removeEventListener("pointerdown", this.pressedElsewhere, true);
    removeEventListener("keydown", this.keyed, true);
    render(null, this.node);
    this.node.hidden = true;
  }

  private place(): void {
    if (this.anchor === null) {
      return;
    }
    const box = this.anchor.getBoundingClientRect();
    const isSeen = this.anchor.isConnected && box.bottom > 0 && box.top < innerHeight && box.width > 0;
    if (!isSeen) {
      this.close();
      return;
    }
    const style = placeOf(box, this.node.offsetWidth, { width: innerWidth, height: innerHeight }, this.isAbove);
    Object.assign(this.node.style, style);
  }

  private isWithin(target: EventTarget | null): boolean {
    return target instanceof Node && this.node.contains(target);
  }

  private after(milliseconds: number, then: () => void): void {
    this.stay();
    this.timer = setTimeout(then, milliseconds);
  }

  private stay(): void {
    if (this.timer !== null) {
      clearTimeout(this.timer);
      this.timer = null;
    }
  }
}

function buttonAt(target: EventTarget | null): HTMLElement | null {
  return target instanceof Element ? target.closest<HTMLElement>(`.${BUTTON}`) : null;
}
