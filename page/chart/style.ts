/** How the chart looks: in the page, in an exported file and in README, light and dark. */

export const CHART_STYLE = `
  .chart { --ground: #fbfbf9; --card: #ffffff; --line: #c9ccc6; --ink: #1d2433; --soft: #667085;
    --way: #8a93a3; --asked: #475467; --bad: #b4533c; --lit: #2457c5; --lit-ground: #e6edfb;
    font-family: ui-sans-serif, system-ui, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif }
  .chart text { fill: var(--ink) }
  .chart .box { fill: var(--card); stroke: var(--line); stroke-width: 1 }
  .chart .inner { fill: none; stroke: var(--line) }
  .chart .title { font-size: 15.5px; font-weight: 620 }
  .chart .name { font-size: 14px }
  .chart .effect { font-size: 12px; fill: var(--soft) }
  .chart .initial circle { fill: var(--asked) }
  .chart .lit { fill: none }
  .chart .stop { fill: var(--card); stroke: var(--way); stroke-width: 1.4 }
  .chart .way { fill: none; stroke: var(--way); stroke-width: 1.3 }
  .chart .request { stroke: var(--asked) }
  .chart .observed { stroke-dasharray: 4 3 }
  .chart .failed { stroke: var(--bad); stroke-dasharray: 1.5 3; stroke-linecap: round; opacity: .75 }
  .chart marker path { fill: var(--way); stroke: none }
  .chart marker.request path { fill: var(--asked) }
  .chart marker.failed path { fill: var(--bad) }
  .chart text.label { opacity: 1; font: 12.5px ui-monospace, SFMono-Regular, Menlo, "DejaVu Sans Mono", monospace;
    fill: var(--asked); stroke: var(--ground); stroke-width: 4px; paint-order: stroke; stroke-linejoin: round }`;

export const CHART_DARK = `
  .chart { --ground: #12151b; --card: #1a1f28; --line: #39414f; --ink: #e8ebf0; --soft: #98a2b3;
    --way: #6f7a8c; --asked: #a9b4c4; --bad: #e08a70; --lit: #7fa6ff; --lit-ground: #22335c }`;
