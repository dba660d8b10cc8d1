import type { VNode } from "preact";
import { useState } from "preact/hooks";
import type { GraphEdge, GraphNode, StepGraph } from "../contract";
import { edgePath } from "../model/drawing";
import { stateMark } from "./icons";

const MARGIN = 14;
const SMALLEST = 0.72;
/** A drawing is made this much smaller to fit; then it scrolls. */

/** The steps and what flows between them; a click opens a step. */
export function Graph(props: { graph: StepGraph; chosen: ReadonlySet<string>; select: (step: string) => void }): VNode {
  const { graph } = props;
  const [seen, setSeen] = useState<string | null>(null);
  const width = graph.width + 2 * MARGIN;
  const height = graph.height + 2 * MARGIN;
  return (
    <div class="graph" tabIndex={0} role="group" aria-label={`Graph of ${graph.nodes.length} steps`}>
      <svg
        viewBox={`${-MARGIN} ${-MARGIN} ${width} ${height}`}
        style={{ width: "100%", minWidth: `${Math.round(width * SMALLEST)}px`, maxWidth: `${width}px` }}
      >
        {graph.edges.map((edge, index) => (
          <Edge key={index} edge={edge} lit={seen !== null && (edge.from === seen || edge.to === seen)} />
        ))}
        {graph.nodes.map((node) => (
          <Node key={node.step} node={node} chosen={props.chosen.has(node.step)} see={setSeen} select={props.select} />
        ))}
      </svg>
    </div>
  );
}

function Edge({ edge, lit }: { edge: GraphEdge; lit: boolean }): VNode {
  const [x, y] = edge.points[edge.points.length - 1] ?? [0, 0];
  return (
    <g class={`flow ${lit ? "lit" : ""}`}>
      <title>{`${edge.from} → ${edge.to}: ${edge.names.join(", ")}`}</title>
      <path class="way" d={edgePath(edge.points)} />
      <path class="tip" d={`M${x} ${y}l-4 -7h8z`} />
    </g>
  );
}

function Node(props: {
  node: GraphNode;
  chosen: boolean;
  see: (step: string | null) => void;
  select: (step: string) => void;
}): VNode {
  const { node } = props;
  const isStep = node.is_step !== false;
  const press = (event: KeyboardEvent): void => {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      props.select(node.step);
    }
  };
  const middle = node.x + node.width / 2;
  const doing = isStep
    ? { tabIndex: 0, role: "button" as const, onClick: () => props.select(node.step), onKeyDown: press }
    : {};
  return (
    <g
      class={`node tone-${node.state || "none"} ${isStep ? "" : "cell"} ${props.chosen ? "chosen" : ""}`}
      aria-label={isStep ? `${node.step}, ${node.state}` : node.step}
      onMouseEnter={() => props.see(node.step)}
      onMouseLeave={() => props.see(null)}
      onFocusIn={() => props.see(node.step)}
      onFocusOut={() => props.see(null)}
      {...doing}
    >
      <title>{isStep ? `${node.step}: ${node.state}` : node.step}</title>
      <rect class="box" x={node.x} y={node.y} width={node.width} height={node.height} rx="8" />
      <text class="label" x={middle} y={node.y + node.height / 2 + (node.makes ? -3 : 5)}>
        {node.step}
      </text>
      {node.makes ? (
        <text class="makes" x={middle} y={node.y + node.height / 2 + 14}>
          {node.makes}
        </text>
      ) : null}
      {isStep && node.state !== "" ? (
        <g class="badge" transform={`translate(${node.x - 8} ${node.y - 8})`}>
          <circle class="badge-back" cx="8" cy="8" r="9" />
          <g class="badge-mark">{stateMark(node.state)}</g>
        </g>
      ) : null}
    </g>
  );
}
