/** Interprets the part of eBPF that device programs use. It is strict where the kernel's verifier is strict. */

import assert from 'node:assert/strict';

interface DeviceAccess {
  readonly type: 'b' | 'c';
  readonly major: number;
  readonly minor: number;
  /** BPF_DEVCG_ACC_* bits. */
  readonly access: number;
}

/** What the program answers: 0 or 1. */
export function interpret(program: Uint8Array, asked: DeviceAccess): number {
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const context = new DataView(new ArrayBuffer(12));
  context.setUint32(0, (asked.type === 'b' ? 1 : 2) | (asked.access << 16), true);
  context.setUint32(4, asked.major, true);
  context.setUint32(8, asked.minor, true);
  const CONTEXT = Symbol('context');
  const registers: (number | symbol | undefined)[] = [undefined, CONTEXT];
  const scalar = (register: number): number => {
    const value = registers[register];
    assert.equal(typeof value, 'number', `r${register} is read before it holds a number`);
    return Number(value);
  };
  for (let pc = 0; ; pc++) {
    assert.ok(pc >= 0 && (pc + 1) * 8 <= program.length, 'runs off its end');
    const code = view.getUint8(pc * 8);
    const [dst, src] = [view.getUint8(pc * 8 + 1) & 15, view.getUint8(pc * 8 + 1) >> 4];
    const offset = view.getInt16(pc * 8 + 2, true);
    const immediate = view.getUint32(pc * 8 + 4, true);
    switch (code) {
      case 0x61: // LDX MEM W
        assert.equal(registers[src], CONTEXT, 'loads from what is not the context');
        registers[dst] = context.getUint32(offset, true);
        break;
      case 0x54: // ALU AND K
        registers[dst] = (scalar(dst) & immediate) >>> 0;
        break;
      case 0xa4: // ALU XOR K
        registers[dst] = (scalar(dst) ^ immediate) >>> 0;
        break;
      case 0x74: // ALU RSH K
        registers[dst] = scalar(dst) >>> immediate;
        break;
      case 0xb4: // ALU MOV K
        registers[dst] = immediate;
        break;
      case 0xbc: // ALU MOV X
        registers[dst] = scalar(src);
        break;
      case 0x16: // JMP32 JEQ K
        assert.ok(offset >= 0, 'jumps back');
        if (scalar(dst) === immediate) pc += offset;
        break;
      case 0x56: // JMP32 JNE K
        assert.ok(offset >= 0, 'jumps back');
        if (scalar(dst) !== immediate) pc += offset;
        break;
      case 0x95:
        return scalar(0);
      default:
        assert.fail(`unknown opcode 0x${code.toString(16)}`);
    }
  }
}
