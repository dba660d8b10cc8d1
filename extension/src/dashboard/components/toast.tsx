import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { problemOf } from "../connection";
import type { Done, Problem } from "../contract";
import { useSurroundings } from "../hooks";
import { Sign } from "./icons";

const SECONDS = { plain: 6, undoable: 20 };

/** What was done, and its undo; goes away by itself unless somebody is at it. */
export function Toast({ done, close }: { done: Done; close: () => void }): VNode {
  const { connection, say } = useSurroundings();
  const [held, hold] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    if (held || busy || problem !== null) {
      return undefined;
    }
    const timer = setTimeout(close, 1000 * (done.undo ? SECONDS.undoable : SECONDS.plain));
    return () => clearTimeout(timer);
  }, [held, busy, problem, close, done]);
  const undo = (): void => {
    setBusy(true);
    connection.ask<Done>("act", done.undo ?? {}).then(
      (undone) => say({ ...undone, undo: null }),
      (error: unknown) => {
        setBusy(false);
        setProblem(problemOf(error));
      },
    );
  };
  return (
    <div class="toast-place">
      <div
        class="toast"
        role="status"
        onMouseEnter={() => hold(true)}
        onMouseLeave={() => hold(false)}
        onFocusIn={() => hold(true)}
        onFocusOut={() => hold(false)}
      >
        <p>{problem === null ? done.text : [problem.text, problem.next].filter(Boolean).join(" ")}</p>
        {done.undo && problem === null ? (
          <button type="button" class="button" onClick={undo} disabled={busy}>
            Undo
          </button>
        ) : null}
        <button type="button" class="plain" aria-label="Close this message" onClick={close}>
          <Sign name="close" />
        </button>
      </div>
    </div>
  );
}
