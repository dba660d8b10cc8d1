import type { CodeCell } from "@jupyterlab/cells";
import { Notification } from "@jupyterlab/apputils";
import type { INotebookTracker } from "@jupyterlab/notebook";
import { problemOf } from "../../dashboard/connection";
import type { Done, StepRow } from "../../dashboard/contract";
import type { NotebookLink } from "../link";
import type { NotebookLinks } from "../links";
import { findMarker } from "../model/marker";
import { keptCells } from "../cells";

/** Where a person is: the notebook and the cell on which commands act. */
export class Here {
  constructor(
    private readonly links: NotebookLinks,
    private readonly tracker: INotebookTracker,
  ) {}

  get link(): NotebookLink | null {
    return this.links.current;
  }

  /** The link of the notebook, if its kernel tells of its steps. */
  get live(): NotebookLink | null {
    return this.link?.loaded === true ? this.link : null;
  }

  /** The active cell, if it has code. */
  get cell(): CodeCell | null {
    const cell = this.tracker.activeCell;
    return cell?.model.type === "code" ? (cell as CodeCell) : null;
  }

  get source(): string {
    return this.cell?.model.sharedModel.getSource() ?? "";
  }

  get isStep(): boolean {
    return findMarker(this.source) !== null;
  }

  /** Whether the active cell's text may be changed. */
  get isEditable(): boolean {
    return this.cell !== null && !this.cell.readOnly;
  }

  /** The active cell's step as the kernel knows it. */
  get row(): StepRow | null {
    const { cell, live } = this;
    return cell === null ? null : (live?.rowOf(cell.model.id) ?? null);
  }

  /** Names of the notebook's other steps. */
  get taken(): string[] {
    const { cell, link } = this;
    if (link === null) {
      return [];
    }
    const others = keptCells(link.notebook).filter(({ id, type }) => type === "code" && id !== cell?.model.id);
    return others.map(({ source }) => findMarker(source)?.name ?? "").filter((name) => name !== "");
  }
}

/** Do what a command asks of the kernel, and say what was done, with its undo, or why not. */
export async function act(link: NotebookLink, asked: object): Promise<void> {
  try {
    say(link, await link.ask<Done>("act", asked));
  } catch (error: unknown) {
    complain(error);
  }
}

/** Say what was done; who wants can take it back. */
export function say(link: NotebookLink, done: Done, undone: () => void = () => undefined): void {
  if (done.problem) {
    Notification.warning([done.problem.text, done.problem.next].filter(Boolean).join(" "));
    return;
  }
  const { undo } = done;
  const actions =
    undo === null
      ? []
      : [
          {
            label: "Undo",
            callback: (): void => {
              link.ask<Done>("act", undo).then((back) => {
                undone();
                say(link, { ...back, undo: null });
              }, complain);
            },
          },
        ];
  Notification.info(done.text, { autoClose: undo === null ? 5000 : 20_000, actions });
}

/** Say why something could not be done. */
export function complain(error: unknown): void {
  const problem = problemOf(error);
  Notification.error([problem.text, problem.next].filter(Boolean).join(" "));
}
