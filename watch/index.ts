/** What the command gets of this floor. */

export { keptToken, newToken } from './files/token.ts';
export { openBrowser } from './served/browser.ts';
export { type Links, type WatchOptions, watch } from './watch.ts';
