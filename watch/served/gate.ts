/**
 * Decides who may have what of the server. It listens on the loopback interface, where every user of the machine and
 * every page in a browser can reach it. So a request needs the token, a name of ours in `Host` (a page may have made
 * its own name resolve to 127.0.0.1), and, if a browser sends `Origin`, our own. Pure but for the comparison.
 */

import { createHash, timingSafeEqual } from 'node:crypto';

export interface Gate {
  readonly token: string;
  /** `127.0.0.1:4711`, and other names of the same address that a browser may use. */
  readonly hosts: readonly string[];
}

export interface Asking {
  /** The request's target: `/page?token=…`. */
  readonly url: string;
  readonly host: string | undefined;
  readonly origin: string | undefined;
}

export interface Refusal {
  readonly status: 400 | 403;
  /** A line for a person. */
  readonly reason: string;
}

/** @param secret whether what is asked for needs the token */
export function refusal(gate: Gate, { url, host, origin }: Asking, secret: boolean): Refusal | undefined {
  if (host === undefined || !gate.hosts.includes(host.toLowerCase()))
    return { status: 403, reason: 'this name is not the one of runchart watch: use the link that it has printed' };
  if (origin !== undefined && !gate.hosts.some((ours) => origin.toLowerCase() === `http://${ours}`))
    return { status: 403, reason: 'a page from elsewhere may not watch' };
  const target = targetOf(url);
  if (target === undefined) return { status: 400, reason: 'this is no request' };
  if (secret && !isSame(target.searchParams.get('token') ?? '', gate.token))
    return { status: 403, reason: 'the token is missing or wrong: use the link that runchart watch has printed' };
  return undefined;
}

/** @returns undefined for what is no target */
export function targetOf(url: string): URL | undefined {
  return url.startsWith('/') && URL.canParse(url, 'http://runchart') ? new URL(url, 'http://runchart') : undefined;
}

/** Takes the same time whatever is wrong, and whatever the lengths are. */
const isSame = (one: string, other: string): boolean => timingSafeEqual(digest(one), digest(other));

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** The names by which a browser reaches an address. */
export function hostsOf(address: string, port: number): readonly string[] {
  const names = address.includes(':') ? [`[${address}]`] : [address];
  if (address === '127.0.0.1' || address === '::1') names.push('localhost');
  return names.flatMap((name) => (port === 80 ? [name, `${name}:80`] : [`${name}:${port}`]));
}
