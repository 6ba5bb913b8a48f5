/** The page of `runchart watch`: puts what the server tells together with the three views. */

import type { Layouts } from './chart/layout.ts';
import { Page } from './page.ts';

/** build/page.ts puts it here: the chart is laid out when the page is built. */
declare const CHART_LAYOUTS: Layouts;

new Page(CHART_LAYOUTS).start();
