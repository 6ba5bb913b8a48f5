/** Pseudo-terminals, as far as effects make them and hand them over. */

import { O, S } from '../../native/constants/files.ts';
import { AF, SIOC, SOCK, TC, TIOC } from '../../native/constants/socket.ts';
import { OpenFile } from './descriptors.ts';
import { fail } from './failure.ts';
import { FileSystem, type Node } from './nodes.ts';
import { UnixSocket } from './sockets.ts';
import type { Calls, World } from './world.ts';

const DEVPTS_MAGIC = 0x1cd1;

/** A devpts. Each time somebody opens its ptmx, there is a new terminal. */
export function devptsFileSystem(world: World): FileSystem {
  const fs = new FileSystem('devpts', DEVPTS_MAGIC, world.number());
  fs.root.add('ptmx', S.IFCHR, 0o666, {
    open: (_, path) => {
      const [master, terminal] = [new UnixSocket(AF.UNIX, SOCK.STREAM), new UnixSocket(AF.UNIX, SOCK.STREAM)];
      master.pair(terminal);
      const number = fs.root.children.size - 1;
      const node = fs.root.add(String(number), S.IFCHR, 0o620, {
        open: (_, at) => new OpenFile(O.RDWR, { path: at, socket: terminal }),
      });
      world.terminals.set(master, node);
      return new OpenFile(O.RDWR, { path, socket: master });
    },
  }).rdev = 0x502;
  return fs;
}

/** The terminal that belongs to a master's descriptor. */
function terminalOf(world: World, file: OpenFile): Node | undefined {
  return file.socket === undefined ? undefined : world.terminals.get(file.socket);
}

const isTerminal = (file: OpenFile): boolean => file.socket !== undefined && file.path !== undefined;

export const terminalCalls: Calls = {
  ioctl(p, a) {
    const file = p.descriptors.get(a.num(0));
    const request = a.num(1);
    if (request === SIOC.GIFFLAGS || request === SIOC.SIFFLAGS) return file.socket === undefined ? fail('ENOTTY') : 0;
    const node = terminalOf(p.world, file);
    switch (request) {
      case TIOC.GPTN:
        a.view(2, 4).setUint32(0, Number(node?.name ?? fail('ENOTTY')), true);
        return 0;
      case TIOC.SPTLCK:
        return node === undefined ? fail('ENOTTY') : 0;
      case TIOC.GPTPEER: {
        if (node === undefined || file.path === undefined) fail('ENOTTY');
        const path = { mount: file.path.mount, node };
        return p.install(node.special.open?.(p, path) ?? fail('EIO'), (a.num(2) & O.CLOEXEC) !== 0);
      }
      case TIOC.SCTTY:
      case TIOC.GWINSZ:
      case TIOC.SWINSZ:
      case TC.GETS:
      case TC.SETS:
      case TC.SETSW:
        return isTerminal(file) ? 0 : fail('ENOTTY');
      default:
        return fail('ENOTTY');
    }
  },
};
