/** How the chart looks: in the page, in an exported file and in README. The page takes its own colours from here. */

/** Each colour has a contrast of 4.5 or more with the ground where it is text, and of 3 where it is a line. */
export const LIGHT = `
    --ground: #f7f7f4; --card: #ffffff; --line: #d3d6d0; --ink: #1c2330; --soft: #5b6472;
    --way: #858e9d; --asked: #3f4a5c; --bad: #b0402c; --bad-ground: #fbeae6; --warn: #8a5a00; --warn-ground: #fbf1dc;
    --lit: #1f55c4; --lit-ground: #e3ecfc; --on-lit: #ffffff; --mark: #1c2330`;

export const DARK = `
    --ground: #101319; --card: #181c24; --line: #353d4a; --ink: #e7eaf0; --soft: #9aa4b5;
    --way: #707b8d; --asked: #b3bccb; --bad: #f0937c; --bad-ground: #3a211d; --warn: #e2b45c; --warn-ground: #33291a;
    --lit: #86adff; --lit-ground: #20335e; --on-lit: #0d1730; --mark: #e7eaf0`;

const SANS = 'ui-sans-serif, system-ui, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif';
const MONO = 'ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace';

export const RULES = `
  .chart { font-family: ${SANS} }
  .chart text { fill: var(--ink) }
  .chart .box { fill: var(--card); stroke: var(--line) }
  .chart .inner { fill: none; stroke: var(--line) }
  .chart .title { font-size: 15.5px; font-weight: 620 }
  .chart .name { font-size: 14px }
  .chart .effect { font-size: 12px; fill: var(--soft) }
  .chart .initial circle { fill: var(--asked) }
  .chart .lit { fill: none }
  .chart .stop { fill: var(--card); stroke: var(--way); stroke-width: 1.4 }
  .chart .way { fill: none; stroke: var(--way); stroke-width: 1.3 }
  .chart .request { stroke: var(--asked) }
  .chart .observed { stroke-dasharray: 5 3.5 }
  .chart .failed { stroke: var(--bad); stroke-dasharray: 1.5 3.2; stroke-linecap: round }
  .chart marker path { fill: var(--way); stroke: none }
  .chart marker.request path { fill: var(--asked) }
  .chart marker.failed path { fill: var(--bad) }
  .chart text.label { font: 12.5px ${MONO}; fill: var(--asked);
    stroke: var(--ground); stroke-width: 4px; paint-order: stroke; stroke-linejoin: round }
  .chart .taken { stroke: var(--lit); stroke-width: 2.4 }
  .chart .taken.failed { stroke: var(--bad) }
  .chart marker.taken path { fill: var(--lit) }
  .chart .row.seen .stop { fill: var(--lit); stroke: var(--lit) }
  .chart .row.broke .stop, .chart .row.seen.broke .stop { fill: var(--bad); stroke: var(--bad) }
  .chart .row.broke .name { fill: var(--bad); font-weight: 620 }
  .chart .card.seen .box { stroke: var(--lit); stroke-width: 1.6 }
  .chart .row.here .lit { fill: var(--lit) }
  .chart .row.here .name { fill: var(--on-lit); font-weight: 620 }
  .chart .row.here .stop { fill: var(--on-lit); stroke: var(--on-lit) }
  .chart .card.here .box { fill: var(--lit-ground); stroke: var(--lit); stroke-width: 2 }
  .chart .card.bad.here .box { fill: var(--bad-ground); stroke: var(--bad) }
  .chart .mark { fill: var(--mark); stroke: var(--card); stroke-width: 1.5 }
  .chart .pill rect { fill: var(--mark) }
  .chart .pill text { fill: var(--card); font-size: 11px; font-weight: 650 }
  .chart .here .mark { fill: var(--on-lit); stroke: none }
  .chart .runner { fill: var(--lit); stroke: var(--card); stroke-width: 2 }
  .chart .runner.other { fill: var(--mark) }`;

/** The style of a chart that stands alone: light, or dark where its reader prefers that. */
export const FILE_STYLE = `
  .chart {${LIGHT} }${RULES}
  @media (prefers-color-scheme: dark) { .chart {${DARK} } }
`;

/** The same for the page, where a reader may choose. */
export const PAGE_STYLE = `
  :root { color-scheme: light;${LIGHT}; --sans: ${SANS}; --mono: ${MONO} }
  :root[data-theme="dark"] { color-scheme: dark;${DARK} }
  @media (prefers-color-scheme: dark) { :root:not([data-theme="light"]) { color-scheme: dark;${DARK} } }
${RULES}
`;
