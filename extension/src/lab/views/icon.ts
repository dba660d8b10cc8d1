import { LabIcon } from "@jupyterlab/ui-components";

// Steps one below the other, the first of them done.
const DRAWN = `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 24 24">
  <g class="jp-icon3" fill="#616161">
    <path d="M6 2.6a3.4 3.4 0 1 0 0 6.8 3.4 3.4 0 0 0 0-6.8zm-.5 5.1L3.7 5.9l.8-.8 1 1 2-2 .8.8z"/>
    <path d="M5.2 10.4h1.6v3H5.2z"/>
    <path d="M6 14.6a3.4 3.4 0 1 0 0 6.8 3.4 3.4 0 0 0 0-6.8zm0 1.7a1.7 1.7 0 1 1 0 3.4 1.7 1.7 0 0 1 0-3.4z"/>
    <path d="M12 5h10v2H12zM12 17h10v2H12z"/>
  </g>
</svg>`;

/** Of the side panel, the dashboard and the settings. */
export const stepsIcon = new LabIcon({ name: "durable-nb:steps", svgstr: DRAWN });
