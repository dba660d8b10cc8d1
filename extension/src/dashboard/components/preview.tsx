import type { VNode } from "preact";
import type { Preview } from "../contract";
import { grouped } from "../model/wording";
import { Block } from "./detail_pages";

const IMAGES: ReadonlySet<string> = new Set(["image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml"]);

/** A stored value, as far as it can be shown in little. */
export function PreviewOf({ preview, name }: { preview: Preview; name: string }): VNode {
  switch (preview.kind) {
    case "table":
      return <TablePreview preview={preview} name={name} />;
    case "image":
      return <ImagePreview mime={preview.mime} data={preview.data} name={name} />;
    case "text":
      return (
        <>
          <Block text={preview.text} />
          {preview.more ? <p class="soft small-print">The rest is left out.</p> : null}
        </>
      );
    case "none":
      return <p class="soft">{preview.why}</p>;
  }
}

function ImagePreview({ mime, data, name }: { mime: string; data: string; name: string }): VNode {
  if (!IMAGES.has(mime)) {
    return <p class="soft">An image of type {mime} is not shown here.</p>;
  }
  // In an <img> even an SVG runs no script.
  return <img class="picture" src={`data:${mime};base64,${data}`} alt={name} />;
}

const NUMBERS = /^(u?int|float|double|decimal|number|Int|Float|UInt)/;

function TablePreview({ preview, name }: { preview: Extract<Preview, { kind: "table" }>; name: string }): VNode {
  const [rows, columns] = preview.shape;
  const isNumber = preview.columns.map((column) => NUMBERS.test(column.type));
  const shown = preview.rows.length < rows ? `first ${grouped(preview.rows.length)} of ` : "";
  return (
    <>
      <div class="sheet" tabIndex={0} role="region" aria-label={`${name}, ${shown}${rows} rows`}>
        <table>
          <thead>
            <tr>
              {preview.columns.map((column, index) => (
                <th key={index} scope="col" class={isNumber[index] ? "numeric" : ""}>
                  <span class="column" title={column.name}>
                    {column.name}
                  </span>
                  <span class="type">{column.type}</span>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {preview.rows.map((row, index) => (
              <tr key={index}>
                {row.map((cell, column) => (
                  <td
                    key={column}
                    class={isNumber[column] ? "numeric" : ""}
                    title={cell.length > 32 ? cell : undefined}
                  >
                    {cell}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p class="soft small-print">
        {shown}
        {grouped(rows)} rows × {grouped(columns)} columns
      </p>
    </>
  );
}
