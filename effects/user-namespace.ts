/** The user namespace that an init was born in: its mappings are written from outside, and the init becomes its root. */

import { close, openat, write } from '../native/calls/files.ts';
import { setgroups, setresgid, setresuid } from '../native/calls/process.ts';
import { AT, O } from '../native/constants/files.ts';
import type { Call, Kernel } from '../native/kernel.ts';
import { perform } from '../native/perform.ts';
import { result } from '../native/struct.ts';
import type { ContainerRecord } from '../spec/record.ts';
import { doing } from './error.ts';
import { connectedInit, type Session } from './session.ts';
import { inUserNamespace, mappingsOf, mapText } from './userns/mappings.ts';

/**
 * To be performed before anything else that the init does: until then it has no ids that the namespace knows.
 * @throws EffectError
 */
export function settleUserNamespace(session: Session, record: ContainerRecord): void {
  if (!inUserNamespace(record.config)) return;
  const { kernel, pid } = connectedInit(session);
  const { local } = session.platform;
  const mappings = mappingsOf(record.config);
  if (mappings !== undefined) {
    writeFile(local, `/proc/${pid}/uid_map`, mapText(mappings.uid));
    writeFile(local, `/proc/${pid}/gid_map`, mapText(mappings.gid));
  }
  becomeNamespaceRoot(kernel);
}

/** What it makes from now on belongs to the namespace's root, and what that may reach it may. @throws EffectError */
export function becomeNamespaceRoot(kernel: Kernel): void {
  doing('become root in the user namespace', () => perform(kernel, rootCalls()));
}

const rootCalls = (): readonly Call[] => [setgroups([]), setresgid(0), setresuid(0)];

/** In one write(2), which these files insist on. */
function writeFile(local: Kernel, path: string, text: string): void {
  doing(`write ${JSON.stringify(text.trim())} to ${path}`, () =>
    perform(local, [openat(AT.FDCWD, path, O.WRONLY), write(result(0), text), close(result(0))]),
  );
}
