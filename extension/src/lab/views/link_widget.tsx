import type { Cell } from "@jupyterlab/cells";
import type { CommandRegistry } from "@lumino/commands";
import type { Message } from "@lumino/messaging";
import type { ISignal } from "@lumino/signaling";
import { Widget } from "@lumino/widgets";
import { render, type VNode } from "preact";
import { Dashboard } from "../../dashboard/components/dashboard";
import { fileName } from "../../dashboard/model/wording";
import type { PageName, Place, Wanted } from "../../dashboard/place";
import { followTheme } from "../../dashboard/theme";
import { cellOfId, goTo, keptCells } from "../cells";
import type { NotebookLink } from "../link";
import { insertLoader, loadIn } from "../loading";
import { loadsItself, savedSteps } from "../model/saved";
import { standingOf } from "../model/standing";
import type { Settings } from "../settings";
import { NoNotebook, WaitingView, type Remedies } from "./waiting_view";

const CHOOSE_KERNEL = "notebook:change-kernel";

/** What the widget reaches of the app. */
export interface Within {
  commands: CommandRegistry;
  settings: Settings;
  /** Bring the notebook itself into sight, where something else may be in front of it. */
  activate: (id: string) => void;
  /** Open the dashboard of the notebook; null where this is the dashboard. */
  openWide: ((link: NotebookLink) => void) | null;
}

/** The dashboard of one notebook, by its link; while there is nothing to show of it, why not and what to do. */
export class LinkWidget extends Widget {
  private _link: NotebookLink | null = null;
  private leave: () => void = () => undefined;
  private unfollow: () => void = () => undefined;
  private place: Place = {};
  private wanted: Wanted | null = null;
  private wishes = 0;
  private shown: readonly unknown[] = [];

  constructor(private readonly within: Within) {
    super();
    this.addClass("durable-nb");
    this.addClass("durable-nb-lab");
    within.settings.changed.connect(this.again, this);
  }

  get link(): NotebookLink | null {
    return this._link;
  }

  set link(link: NotebookLink | null) {
    if (link === this._link) {
      return;
    }
    this.leave();
    this.leave = () => undefined;
    this._link = link;
    this.wanted = null;
    if (link !== null) {
      this.leave = this.follow(link);
    }
    this.update();
  }

  /** Show a step, opened at one of its pages; empty for the page at which it opens by itself. */
  want(step: string, page: PageName | "" = ""): void {
    this.wishes += 1;
    this.wanted = { step, page, number: this.wishes };
    this.update();
  }

  override dispose(): void {
    if (this.isDisposed) {
      return;
    }
    this.leave();
    this.within.settings.changed.disconnect(this.again, this);
    super.dispose();
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this.unfollow = followTheme(this.node);
    this.update();
  }

  protected override onBeforeDetach(message: Message): void {
    this.unfollow();
    render(null, this.node);
    this.shown = [];
    super.onBeforeDetach(message);
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.update();
  }

  protected override onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    const rows = [".current .row-open", ".row-open", "button"];
    const first = rows.map((selector) => this.node.querySelector<HTMLElement>(selector)).find((one) => one !== null);
    first?.focus({ preventScroll: true });
  }

  protected override onUpdateRequest(message: Message): void {
    super.onUpdateRequest(message);
    if (this.isVisible) {
      this.present();
    }
  }

  private again(): void {
    this.update();
  }

  private follow(link: NotebookLink): () => void {
    const { notebook } = link;
    const { content } = notebook;
    const again = (): void => this.update();
    const signals: ISignal<unknown, unknown>[] = [
      link.stateChanged,
      content.activeCellChanged,
      content.modelContentChanged,
      notebook.sessionContext.statusChanged,
      notebook.context.pathChanged,
    ];
    signals.forEach((signal) => signal.connect(again));
    return () => signals.forEach((signal) => signal.disconnect(again));
  }

  private present(): void {
    const link = this._link;
    if (link === null || link.isDisposed) {
      this.draw(<NoNotebook />, ["none"]);
      return;
    }
    const standing = standingOf({
      link: link.state,
      language: languageOf(link),
      busy: link.notebook.sessionContext.session?.kernel?.status === "busy",
      told: link.get("panel") !== null,
    });
    const id = link.notebook.id;
    if (standing === "live") {
      this.place = this.placeOf(link);
      this.draw(<Dashboard key={id} connection={link} place={this.place} />, [link, this.place]);
      return;
    }
    const cells = keptCells(link.notebook);
    this.draw(
      <WaitingView
        key={`${id} waits`}
        name={fileName(link.notebook.context.path)}
        standing={standing}
        saved={savedSteps(cells)}
        loadsItself={loadsItself(cells)}
        current={link.notebook.content.activeCell?.model.id ?? ""}
        remedies={this.remediesOf(link)}
      />,
      [],
    );
  }

  /** The dashboard listens to its connection itself: it is drawn anew only when its place has changed. */
  private draw(view: VNode, of: readonly unknown[]): void {
    const isSame = of.length > 0 && of.length === this.shown.length && of.every((one, i) => one === this.shown[i]);
    if (!isSame) {
      render(view, this.node);
      this.shown = of;
    }
  }

  private placeOf(link: NotebookLink): Place {
    const active = link.notebook.content.activeCell;
    const current = (active && link.rowOf(active.model.id)?.step) ?? "";
    const runStale = this.within.settings.options.confirmRun ? "asks" : "at once";
    const was = this.place;
    const isOfLink = this.shown[0] === link;
    if (isOfLink && was.current === current && was.wanted === this.wanted && was.runStale === runStale) {
      return was;
    }
    const { commands, openWide } = this.within;
    return {
      current,
      runStale,
      wanted: this.wanted,
      reveal: (step) => this.reveal(link, link.cellOf(step)),
      makeStep: () => void commands.execute("durable-nb:make-step"),
      ...(openWide === null ? {} : { openWide: () => openWide(link) }),
    };
  }

  private remediesOf(link: NotebookLink): Remedies {
    const { commands } = this.within;
    const { notebook } = link;
    return {
      load: () => loadIn(notebook),
      insertLoader: () => insertLoader(notebook),
      chooseKernel: commands.hasCommand(CHOOSE_KERNEL) ? () => void commands.execute(CHOOSE_KERNEL) : null,
      reveal: (cell) => this.reveal(link, cellOfId(notebook, cell)),
    };
  }

  private reveal(link: NotebookLink, cell: Cell | null): void {
    if (cell === null) {
      return;
    }
    if (!link.notebook.isVisible) {
      this.within.activate(link.notebook.id);
    }
    void goTo(link.notebook, cell);
  }
}

/** The language of a notebook, by what it says of its kernel. */
function languageOf(link: NotebookLink): string {
  const model = link.notebook.content.model;
  const spec = model?.getMetadata("kernelspec") as { language?: unknown } | undefined;
  const info = model?.getMetadata("language_info") as { name?: unknown } | undefined;
  const told = info?.name ?? spec?.language;
  return typeof told === "string" ? told : "";
}
