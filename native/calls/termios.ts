/** Modes and sizes of terminals, as the kernel's structures have them. Pure. */

import { viewOf } from '../kernel/struct.ts';

/** Flags of termios(3), uapi/asm-generic/termbits.h. */
const IFLAG = {
  IGNBRK: 0o1,
  BRKINT: 0o2,
  PARMRK: 0o10,
  ISTRIP: 0o40,
  INLCR: 0o100,
  IGNCR: 0o200,
  ICRNL: 0o400,
  IXON: 0o2000,
};
const OFLAG = { ONLCR: 0o4 };
const CFLAG = { CSIZE: 0o60, CS8: 0o60, PARENB: 0o400 };
const LFLAG = { ISIG: 0o1, ICANON: 0o2, ECHO: 0o10, ECHONL: 0o100, IEXTEN: 0o100000 };
const AT = { iflag: 0, oflag: 4, cflag: 8, lflag: 12, cc: 17 } as const;
const VEOF = 4;
const VTIME = 5;
const VMIN = 6;

const all = (flags: Readonly<Record<string, number>>): number =>
  Object.values(flags).reduce((sum, flag) => sum | flag, 0);

/**
 * Makes the terminal hand every byte on as it is typed, as cfmakeraw(3) does. Output is still processed, as with runc:
 * a container's terminal adds no carriage returns to newlines (`withoutCarriageReturns`), so the host's must.
 */
export function rawInput(termios: Uint8Array): Uint8Array {
  const raw = termios.slice();
  const view = viewOf(raw);
  clear(view, AT.iflag, all(IFLAG));
  clear(view, AT.lflag, all(LFLAG));
  clear(view, AT.cflag, CFLAG.CSIZE | CFLAG.PARENB);
  view.setUint32(AT.cflag, view.getUint32(AT.cflag, true) | CFLAG.CS8, true);
  raw[AT.cc + VMIN] = 1;
  raw[AT.cc + VTIME] = 0;
  return raw;
}

/** Makes the terminal hand newlines on as they are written to it. */
export function withoutCarriageReturns(termios: Uint8Array): Uint8Array {
  const changed = termios.slice();
  clear(viewOf(changed), AT.oflag, OFLAG.ONLCR);
  return changed;
}

/** The key that ends the input of a program which reads lines; undefined where programs get every key as it is. */
export function endOfFileKey(termios: Uint8Array): number | undefined {
  const reads = viewOf(termios).getUint32(AT.lflag, true);
  return (reads & LFLAG.ICANON) === 0 ? undefined : termios[AT.cc + VEOF];
}

/** struct winsize: rows, columns, and pixels that nobody knows. */
export function windowSize({ width, height }: { readonly width: number; readonly height: number }): Uint8Array {
  const size = new Uint8Array(8);
  const view = viewOf(size);
  view.setUint16(0, height, true);
  view.setUint16(2, width, true);
  return size;
}

function clear(view: DataView, offset: number, flags: number): void {
  view.setUint32(offset, view.getUint32(offset, true) & ~flags, true);
}

/** Whether a size has been set: a terminal without a window has none. */
export function hasSize(winsize: Uint8Array): boolean {
  const view = viewOf(winsize);
  return view.getUint16(0, true) !== 0 && view.getUint16(2, true) !== 0;
}
