import type { ComponentChildren, VNode } from "preact";
import type { State } from "../contract";

function Icon({ children, name }: { children: ComponentChildren; name: string }): VNode {
  return (
    <svg class={`icon icon-${name}`} viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

const circle = <circle cx="8" cy="8" r="6.25" />;

const MARKS: Record<State, ComponentChildren> = {
  pending: <circle cx="8" cy="8" r="6.25" stroke-dasharray="2.4 2.5" />,
  running: (
    <>
      <circle cx="8" cy="8" r="6.25" opacity=".25" />
      <path class="turning" d="M8 1.75A6.25 6.25 0 0 1 14.25 8" />
    </>
  ),
  completed: (
    <>
      {circle}
      <path d="M5.2 8.2l2 2 3.6-4" />
    </>
  ),
  reused: <path d="M13.4 9.9A5.75 5.75 0 1 1 12.6 4.6M13 1.9v3.2H9.8" />,
  failed: (
    <>
      {circle}
      <path d="M5.7 5.7l4.6 4.6M10.3 5.7l-4.6 4.6" />
    </>
  ),
  blocked: (
    <>
      {circle}
      <path d="M5 8h6" />
    </>
  ),
  interrupted: (
    <>
      {circle}
      <path d="M8 4.7v4M8 11.1v.1" />
    </>
  ),
  cancelled: (
    <>
      {circle}
      <path d="M3.7 12.3l8.6-8.6" />
    </>
  ),
  waiting: (
    <>
      {circle}
      <path d="M6.2 6.4a1.8 1.8 0 1 1 2.6 1.7c-.6.3-.8.6-.8 1.2M8 11.3v.1" />
    </>
  ),
};

/** The mark of a state; its word stands beside it, or in the name of what it stands in. */
export function StateIcon({ state }: { state: State }): VNode {
  return <Icon name={state}>{MARKS[state]}</Icon>;
}

/** The same drawing, for inside another one. */
export function stateMark(state: State): ComponentChildren {
  return MARKS[state];
}

const SIGNS = {
  chevron: <path d="M6 3.5L10.5 8 6 12.5" />,
  close: <path d="M4 4l8 8M12 4l-8 8" />,
  search: (
    <>
      <circle cx="7" cy="7" r="4.5" />
      <path d="M10.4 10.4L14 14" />
    </>
  ),
  graph: (
    <>
      <rect x="5" y="1.5" width="6" height="4" rx="1" />
      <rect x="1.5" y="10.5" width="5" height="4" rx="1" />
      <rect x="9.5" y="10.5" width="5" height="4" rx="1" />
      <path d="M8 5.5V8M4 10.5V8h8v2.5" />
    </>
  ),
  filter: <path d="M2 4h12M4.5 8h7M6.5 12h3" />,
  info: (
    <>
      {circle}
      <path d="M8 7.4v4M8 4.7v.1" />
    </>
  ),
  warning: (
    <>
      <path d="M8 2l6.5 11.5h-13z" stroke-linejoin="round" />
      <path d="M8 6.5v3.2M8 11.7v.1" />
    </>
  ),
  calendar: (
    <>
      <rect x="2" y="3" width="12" height="11" rx="1.5" />
      <path d="M2 6.5h12M5.2 1.5V4M10.8 1.5V4" />
    </>
  ),
  clock: (
    <>
      {circle}
      <path d="M8 4.4V8l2.5 1.7" />
    </>
  ),
  up: <path d="M8 13V3.5M4 7l4-4 4 4" />,
  down: <path d="M8 3v9.5M4 9l4 4 4-4" />,
  back: <path d="M10 3.5L5.5 8l4.5 4.5" />,
  play: <path d="M5 3.2v9.6L12.6 8z" />,
  wide: (
    <>
      <rect x="1.8" y="2.8" width="12.4" height="10.4" rx="1.5" />
      <path d="M6.2 2.8v10.4M9 6.4h2.6v2.6M11.4 6.6L8.6 9.4" />
    </>
  ),
  hand: <path d="M3 13l.7-3L10.5 3.2a1.4 1.4 0 0 1 2 2L5.8 12z" />,
} satisfies Record<string, ComponentChildren>;

export type SignName = keyof typeof SIGNS;

/** A sign beside words. */
export function Sign({ name }: { name: SignName }): VNode {
  return <Icon name={name}>{SIGNS[name]}</Icon>;
}
