/** The way of a line through its points, downwards: straight where it can be, else bending gently. */
export function edgePath(points: readonly (readonly [number, number])[]): string {
  const [first, ...rest] = points;
  if (first === undefined) {
    return "";
  }
  let [x, y] = first;
  const drawn = [`M${x} ${y}`];
  for (const [toX, toY] of rest) {
    const bend = (toY - y) / 2;
    drawn.push(toX === x ? `V${toY}` : `C${x} ${y + bend} ${toX} ${toY - bend} ${toX} ${toY}`);
    [x, y] = [toX, toY];
  }
  return drawn.join("");
}
