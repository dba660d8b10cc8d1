import type { ComponentChildren, VNode } from "preact";
import { useRef } from "preact/hooks";
import { useSurroundings } from "../hooks";
import { compact, grouped } from "../model/wording";

/** One of several pages. */
export interface Tab<Name extends string> {
  name: Name;
  title: string;
  /** How many things are on its page. */
  number?: number | undefined;
  /** Whether it has something that a person should see. */
  alarm?: boolean;
}

/** Tabs as the keyboard expects them: the arrows change the page, Tab goes into it. */
export function Tabs<Name extends string>(props: {
  label: string;
  tabs: Tab<Name>[];
  chosen: Name;
  choose: (name: Name) => void;
  small?: boolean;
}): VNode {
  const { prefix } = useSurroundings();
  const list = useRef<HTMLDivElement>(null);
  const names = props.tabs.map((tab) => tab.name);
  const pressed = (event: KeyboardEvent): void => {
    const next = target(event.key, names.indexOf(props.chosen), names.length);
    const name = next === null ? undefined : names[next];
    if (name !== undefined && next !== null) {
      event.preventDefault();
      event.stopPropagation();
      props.choose(name);
      list.current?.querySelectorAll<HTMLElement>("[role=tab]")[next]?.focus();
    }
  };
  return (
    <div
      class={`tabs ${props.small ? "tabs-small" : ""}`}
      role="tablist"
      aria-label={props.label}
      ref={list}
      onKeyDown={pressed}
    >
      {props.tabs.map((tab) => (
        <button
          key={tab.name}
          type="button"
          role="tab"
          class={`tab ${tab.alarm ? "alarm" : ""}`}
          id={`${prefix}-${props.label}-${tab.name}-tab`}
          aria-controls={`${prefix}-${props.label}-page`}
          aria-selected={tab.name === props.chosen}
          tabIndex={tab.name === props.chosen ? 0 : -1}
          onClick={() => props.choose(tab.name)}
        >
          {tab.title}
          {tab.number === undefined ? null : (
            <span class="number" title={grouped(tab.number)}>
              {compact(tab.number)}
            </span>
          )}
        </button>
      ))}
    </div>
  );
}

function target(key: string, at: number, count: number): number | null {
  const moves: Record<string, number> = { ArrowRight: at + 1, ArrowLeft: at - 1 + count, Home: 0, End: count - 1 };
  const next = moves[key];
  return next === undefined ? null : next % count;
}

/** What is under the chosen tab. */
function Page(props: { label: string; name: string; children: ComponentChildren }): VNode {
  const { prefix } = useSurroundings();
  return (
    <div
      class={`page page-${props.name}`}
      role="tabpanel"
      id={`${prefix}-${props.label}-page`}
      aria-labelledby={`${prefix}-${props.label}-${props.name}-tab`}
    >
      {props.children}
    </div>
  );
}

Tabs.Page = Page;
