import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { writeUnits } from '../../build/units.ts';

const root = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), `runchart-test-${process.pid}-units-`));
after(() => rmSync(folder, { recursive: true }));

it('the units name the program where it is installed, and the socket that clients look for', () => {
  writeUnits(root, folder);
  const written = (unit: string): string => readFileSync(join(folder, unit), 'utf8');
  const engines = readFileSync(join(root, 'docs/engines.md'), 'utf8');
  const [, program = ''] = /^ExecStart=(\S+) serve$/m.exec(written('runchart.service')) ?? [];
  assert.ok(engines.includes(`ln -sf ${program} `), program);
  const protocol = readFileSync(join(root, 'native/resident/protocol.h'), 'utf8');
  const [, directory = ''] = /#define RESIDENT_DIRECTORY "(.*)"/.exec(protocol) ?? [];
  assert.match(
    written('runchart.socket'),
    new RegExp(`^ListenStream=${directory}/socket\nSocketMode=0600\nDirectoryMode=0700$`, 'm'),
  );
  writeUnits(root, folder, '/usr/lib/runchart');
  assert.match(written('runchart.service'), /^ExecStart=\/usr\/lib\/runchart\/runchart serve$/m);
});
