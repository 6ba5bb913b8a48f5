/** Writes the bill of materials (CycloneDX): what is linked into the engine, with versions, licences and checksums. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import type { Arch } from '../compiler.ts';
import type { LinkedPackage } from './linked.ts';

/** The parts of a CycloneDX document that are read or changed here. */
interface Bill {
  serialNumber?: string;
  metadata: { timestamp?: string; component: { 'bom-ref': string; name: string; type: string } };
  components: { readonly 'bom-ref': string; readonly name: string; readonly version: string; scope?: string }[];
  dependencies: { readonly ref: string; dependsOn: string[] }[];
}

/**
 * npm writes the bill of everything that the lock file names. It keeps what is linked here, and its own npm version.
 * @returns JSON, the same for the same sources and date
 * @throws Error where npm is older than 10 (Debian 12 and 13 have 9)
 */
export function billOfMaterials(
  root: string,
  linked: readonly LinkedPackage[],
  { date, arch }: { readonly date: Date; readonly arch: Arch },
): string {
  const bill = lockedBill(root);
  const wanted = new Set(linked.map(({ name, version }) => `${name}@${version}`));
  bill.components = bill.components.filter(({ name, version }) => wanted.has(`${name}@${version}`));
  const found = new Set(bill.components.map(({ name, version }) => `${name}@${version}`));
  const missing = [...wanted].filter((one) => !found.has(one));
  if (missing.length > 0) throw new Error(`the bill of materials lacks ${missing.join(', ')}`);
  // npm calls a package optional that need not be installed, or that only a build needs. Here it is linked in.
  for (const component of bill.components) component.scope = 'required';
  const refs = new Set([...bill.components, bill.metadata.component].map((one) => one['bom-ref']));
  bill.dependencies = bill.dependencies.filter(({ ref }) => refs.has(ref));
  for (const one of bill.dependencies) one.dependsOn = one.dependsOn.filter((ref) => refs.has(ref));
  bill.metadata.component.name = `runchart-linux-${arch}`;
  bill.metadata.component.type = 'application';
  bill.metadata.timestamp = date.toISOString();
  bill.serialNumber = '';
  bill.serialNumber = `urn:uuid:${uuidOf(JSON.stringify(bill))}`;
  return `${JSON.stringify(bill, null, 2)}\n`;
}

function lockedBill(root: string): Bill {
  // npm would leave its compiled code in the folder for temporary files.
  const env = { ...process.env, NODE_DISABLE_COMPILE_CACHE: '1' };
  const npm = (...args: readonly string[]): string =>
    execFileSync('npm', args, { cwd: root, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  try {
    return JSON.parse(npm('sbom', '--sbom-format=cyclonedx', '--package-lock-only'));
  } catch (cause) {
    const version = npm('--version').trim();
    throw new Error(`write the bill of materials: npm sbom failed; it needs npm 10, and this is ${version}`, { cause });
  }
}

/** A UUID made of a text (RFC 9562, version 8), so that equal bills have equal numbers. */
function uuidOf(text: string): string {
  const bytes = createHash('sha256').update(text).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
