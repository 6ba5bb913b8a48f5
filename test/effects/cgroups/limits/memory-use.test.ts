import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { checkMemoryUse } from '../../../../effects/cgroups/limits/memory-use.ts';
import { loadLibc } from '../../../../native/libraries/libc.ts';
import { localKernel } from '../../../../native/performers/local.ts';
import type { CgroupRecord } from '../../../../spec/record.ts';
import type { LinuxMemory } from '../../../../spec/types.ts';

const local = localKernel(loadLibc());
const folder = mkdtempSync(join(tmpdir(), 'runchart-test-memory-use-'));
after(() => rmSync(folder, { recursive: true }));

const record: CgroupRecord = { layout: 'v2', driver: 'fs', paths: { unified: folder } };
const check = (memory: LinuxMemory, of = record) => checkMemoryUse(local, of, { memory });

test('a limit that is not above the memory in use is refused if the config asks for the check', () => {
  writeFileSync(join(folder, 'memory.current'), '5000\n');
  const checkBeforeUpdate = true;
  const message = /^CgroupError: rejecting memory limit 5000 <= usage 5000$/;
  assert.throws(() => check({ limit: 5000, checkBeforeUpdate }), message);
  assert.throws(() => check({ limit: 6000, swap: 4000, checkBeforeUpdate }), /memory\+swap limit 4000 <= usage 5000/);
  check({ limit: 5001, swap: 5001, checkBeforeUpdate });
  check({ limit: -1, swap: -1, checkBeforeUpdate });
  check({ checkBeforeUpdate });
  check({ limit: 1 });
  check({ limit: 1, checkBeforeUpdate: false });
});

test('the check is made on v2 alone, and not without memory.current', () => {
  check({ limit: 1, checkBeforeUpdate: true }, { ...record, layout: 'v1', paths: { memory: folder } });
  rmSync(join(folder, 'memory.current'), { force: true });
  check({ limit: 1, checkBeforeUpdate: true });
});
