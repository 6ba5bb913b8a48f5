/** Answers requests for files: the page, and the bridge to Stately's inspector. Pure but for `respond`. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { BRIDGE_PAGE, BRIDGE_POLICY, BRIDGE_SCRIPT, BRIDGE_STYLE } from './bridge.ts';
import { type Asking, type Gate, refusal, targetOf } from './gate.ts';
import type { PageFile } from './page-files.ts';

/** The page loads nothing from elsewhere, and runs nothing that is not one of its files. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const COMMON = {
  'x-content-type-options': 'nosniff',
  // The link has the token in it.
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

const BRIDGE: ReadonlyMap<string, PageFile> = new Map(
  [
    ['stately', 'text/html; charset=utf-8', BRIDGE_PAGE],
    ['stately.css', 'text/css; charset=utf-8', BRIDGE_STYLE],
    ['stately.js', 'text/javascript; charset=utf-8', BRIDGE_SCRIPT],
  ].map(([name = '', type = '', text]) => [name, { type, bytes: new TextEncoder().encode(text) }]),
);

const NO_PAGE = 'This runchart has no page: the folder "page" is missing beside runchart-engine.';

export interface Files {
  readonly page: ReadonlyMap<string, PageFile>;
  /** Whether to serve the bridge. */
  readonly stately: boolean;
}

export const askingOf = ({ url = '', headers }: IncomingMessage): Asking => ({
  url,
  host: headers.host,
  origin: headers.origin,
});

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string | Uint8Array;
  readonly policy: string;
}

const textAnswer = (status: number, line: string): Answer => ({
  status,
  type: 'text/plain; charset=utf-8',
  body: `${line}\n`,
  policy: POLICY,
});

export function answerTo(gate: Gate, files: Files, method: string | undefined, asking: Asking): Answer {
  const name = targetOf(asking.url)?.pathname.slice(1) || 'index.html';
  // The files have no secrets in them. What leads to the secrets does.
  const refused = refusal(gate, asking, name === 'index.html' || name === 'stately');
  if (refused !== undefined) return textAnswer(refused.status, refused.reason);
  if (method !== 'GET' && method !== 'HEAD') return textAnswer(405, 'this server only answers GET');
  const file = files.page.get(name) ?? (files.stately ? BRIDGE.get(name) : undefined);
  if (file === undefined) return textAnswer(404, name === 'index.html' ? NO_PAGE : 'there is no such file');
  return { status: 200, type: file.type, body: file.bytes, policy: name === 'stately' ? BRIDGE_POLICY : POLICY };
}

export function respond(response: ServerResponse, { status, type, body, policy }: Answer): void {
  response.writeHead(status, {
    ...COMMON,
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'content-security-policy': policy,
  });
  // Node leaves the body out where the request was HEAD.
  response.end(body);
}
