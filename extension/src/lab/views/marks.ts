import { StateEffect, StateField, type EditorState, type Extension } from "@codemirror/state";
import { Decoration, EditorView, hoverTooltip, ViewPlugin, type DecorationSet, type Tooltip } from "@codemirror/view";
import type { CodeEditor } from "@jupyterlab/codeeditor";
import type { Mark } from "../../dashboard/contract";
import type { NotebookLink } from "../link";
import { stretchesOf, type Stretch } from "../model/marks";

const NONE: readonly Mark[] = [];
/** The kernel has looked again. */
const TOLD = StateEffect.define<readonly Mark[]>();

/** Underlines what is wrong in markers, in all editors of the cells of notebooks. */
export class MarkedEditors {
  private readonly known = new WeakMap<CodeEditor.IModel, readonly Mark[]>();
  private readonly views = new Map<CodeEditor.IModel, Set<EditorView>>();

  /** What an editor needs to underline; it begins with what is known of its cell. */
  extensionFor(model: CodeEditor.IModel): Extension {
    const field = StateField.define<DecorationSet>({
      create: (state) => drawn(state, this.marksOf(model)),
      update: (marks, change) => {
        const told = change.effects.flatMap((effect) => (effect.is(TOLD) ? [effect.value] : [])).pop();
        // Until the kernel has looked again, a mark stays at its word, and goes with it.
        return told === undefined ? marks.map(change.changes) : drawn(change.state, told);
      },
      provide: (own) => EditorView.decorations.from(own),
    });
    const listed = ViewPlugin.define((view) => {
      this.viewsOf(model).add(view);
      return { destroy: () => this.forget(model, view) };
    });
    return [field, listed, hoverTooltip((view, at) => told(view.state.field(field), at))];
  }

  /** Underline what a link says is wrong, and nothing else in its notebook. */
  show(link: NotebookLink, marks: readonly Mark[]): void {
    for (const cell of link.notebook.content.model?.cells ?? []) {
      const own = marks.filter((mark) => mark.cell === cell.id);
      if (JSON.stringify(own) !== JSON.stringify(this.marksOf(cell))) {
        this.known.set(cell, own);
        this.views.get(cell)?.forEach((view) => tell(view, own));
      }
    }
  }

  private marksOf(model: CodeEditor.IModel): readonly Mark[] {
    return this.known.get(model) ?? NONE;
  }

  private viewsOf(model: CodeEditor.IModel): Set<EditorView> {
    const views = this.views.get(model) ?? new Set();
    this.views.set(model, views);
    return views;
  }

  private forget(model: CodeEditor.IModel, view: EditorView): void {
    const views = this.viewsOf(model);
    views.delete(view);
    if (views.size === 0) {
      this.views.delete(model);
    }
  }
}

function tell(view: EditorView, marks: readonly Mark[]): void {
  const effects: StateEffect<unknown>[] = [TOLD.of(marks)];
  if (view.hasFocus && marks.length > 0) {
    effects.push(EditorView.announce.of(marks.map(spoken).join(" ")));
  }
  view.dispatch({ effects });
}

function spoken({ text, next }: { text: string; next: string }): string {
  return [text, next].filter(Boolean).join(". ");
}

function drawn(state: EditorState, marks: readonly Mark[]): DecorationSet {
  const { doc } = state;
  const stretches = stretchesOf(marks, (line) => (line < doc.lines ? doc.line(line + 1) : null));
  return Decoration.set(
    stretches.map((stretch) => {
      const attributes = { "aria-invalid": "true", "aria-description": spoken(stretch) };
      return Decoration.mark({ class: "durable-nb-mark", attributes, stretch }).range(stretch.from, stretch.to);
    }),
  );
}

function told(marks: DecorationSet, at: number): Tooltip | null {
  const found: { stretch: Stretch; from: number; to: number }[] = [];
  marks.between(at, at, (from, to, { spec }) => {
    found.push({ stretch: (spec as { stretch: Stretch }).stretch, from, to });
  });
  const [first] = found;
  if (first === undefined) {
    return null;
  }
  return {
    pos: first.from,
    end: first.to,
    above: true,
    create: () => ({ dom: messages(found.map(({ stretch }) => stretch)) }),
  };
}

function messages(stretches: readonly Stretch[]): HTMLElement {
  const told = document.createElement("div");
  told.className = "durable-nb-mark-told";
  for (const text of stretches.flatMap(({ text, next }) => [text, next]).filter(Boolean)) {
    const line = document.createElement("p");
    line.textContent = text;
    told.append(line);
  }
  return told;
}
