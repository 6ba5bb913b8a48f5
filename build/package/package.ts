/**
 * Makes what is handed to others: `npm run package`.
 *
 *   package [--arch x64 | arm64]… [--into FOLDER]
 *
 * For each architecture it writes a Debian package, a tarball, and a list of what is linked in (CycloneDX). Whoever
 * builds the same commit gets the same bytes: all times are SOURCE_DATE_EPOCH, or the time of the last commit. Runs in
 * Bun. An architecture that is not this machine's needs its cross compiler (Debian: gcc-aarch64-linux-gnu).
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import manifest from '../../package.json' with { type: 'json' };
import { ARCHITECTURES, type Arch, compilerFor } from '../compiler.ts';
import { accompany, link } from '../link.ts';
import { buildDate } from '../manual.ts';
import { provideArchitecture } from '../other-architecture.ts';
import { buildDebianPackage } from './debian.ts';
import { linkedPackages } from './linked.ts';
import { billOfMaterials } from './materials.ts';
import { buildTarball } from './tarball.ts';
import { layOut } from './tree.ts';

const root = join(import.meta.dirname, '../..');

interface Order {
  readonly arch: Arch;
  readonly date: Date;
  /** Where the three files go. */
  readonly into: string;
}

/** @returns the paths of the files that it has written */
async function makePackages({ arch, date, into }: Order): Promise<readonly string[]> {
  compilerFor(arch);
  provideArchitecture(root, arch);
  const work = mkdtempSync(join(tmpdir(), 'runchart-package-'));
  try {
    const dist = join(work, 'dist');
    await link(root, dist, arch, { ordered: false });
    await accompany(root, dist, date, '/usr/lib/runchart');
    const linked = await linkedPackages(root, arch);
    const bill = billOfMaterials(root, linked, { date, arch });
    const tree = await layOut(root, { dist, linked, bill, to: join(work, 'tree') });
    const stem = join(into, `runchart-${manifest.version}-linux-${arch}`);
    const written = [
      buildDebianPackage(tree, { arch, date, version: manifest.version, into, work }),
      buildTarball(tree, { date, file: `${stem}.tar.gz` }),
    ];
    writeFileSync(`${stem}.cdx.json`, bill);
    return [...written, `${stem}.cdx.json`];
  } finally {
    rmSync(work, { recursive: true });
  }
}

/** The time of what is packed: SOURCE_DATE_EPOCH, or the last commit. */
function sourceDate(): Date {
  const { SOURCE_DATE_EPOCH } = process.env;
  if (SOURCE_DATE_EPOCH) return buildDate(process.env);
  const seconds = execFileSync('git', ['-C', root, 'log', '-1', '--format=%ct'], { encoding: 'utf8' });
  return new Date(Number(seconds) * 1000);
}

const { values } = parseArgs({
  options: { arch: { type: 'string', multiple: true }, into: { type: 'string', default: join(root, 'dist/packages') } },
});
const asked = values.arch ?? [...ARCHITECTURES];
const unknown = asked.find((name) => !ARCHITECTURES.some((arch) => arch === name));
if (unknown !== undefined) {
  console.error(`package: runchart runs on ${ARCHITECTURES.join(' and ')}, not on ${unknown}`);
  process.exit(2);
}
try {
  mkdirSync(values.into, { recursive: true });
  const date = sourceDate();
  for (const arch of ARCHITECTURES.filter((one) => asked.includes(one))) {
    console.error(`package: building for ${arch}`);
    for (const file of await makePackages({ arch, date, into: values.into }))
      console.log(`${relative(process.cwd(), file)}: ${(statSync(file).size / 1e6).toFixed(1)} MB`);
  }
} catch (error) {
  console.error(`package: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}
