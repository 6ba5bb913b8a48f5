/**
 * The page for those who are online and want Stately's own inspector (`--stately`). It shows that in a frame, and hands
 * it the messages that come from here: as the bridge of @statelyai/inspect/server does, whose own server has no token
 * and listens for the whole network. Whatever the frame is told goes to stately.ai's page, and so to whoever runs it.
 */

const INSPECTOR = 'https://stately.ai';

export const BRIDGE_PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Stately inspector</title>
<link rel="stylesheet" href="/stately.css">
<iframe id="inspector" title="Stately inspector" src="${INSPECTOR}/inspect"></iframe>
<script src="/stately.js"></script>
</html>
`;

export const BRIDGE_STYLE = `* { margin: 0; padding: 0 }
html, body { height: 100% }
iframe { width: 100%; height: 100%; border: 0 }
`;

/** The frame says when it is ready. Until then messages wait. */
export const BRIDGE_SCRIPT = `const frame = document.getElementById('inspector');
let waiting = [];
addEventListener('message', ({ data, source, origin }) => {
  if (source !== frame.contentWindow || origin !== '${INSPECTOR}' || data?.type !== '@statelyai.connected') return;
  for (const message of waiting ?? []) frame.contentWindow.postMessage(message, '${INSPECTOR}');
  waiting = undefined;
});
new WebSocket('ws://' + location.host + '/inspect' + location.search).onmessage = ({ data }) => {
  const message = JSON.parse(data);
  if (waiting) waiting.push(message);
  else frame.contentWindow.postMessage(message, '${INSPECTOR}');
};
`;

/** What the bridge's page may do. */
export const BRIDGE_POLICY =
  `default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-src ${INSPECTOR}; ` +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
