/**
 * A reference interpreter of the classic BPF that seccomp filters are made of (Documentation/networking/filter.rst).
 */

interface SeccompData {
  readonly nr: number;
  readonly arch: number;
  readonly args: readonly bigint[];
}

/** What the program returns for a call. @throws Error where the kernel would not have taken the program */
export function interpret(program: Uint8Array, { nr, arch, args }: SeccompData): number {
  const data = new DataView(new ArrayBuffer(64));
  data.setUint32(0, nr, true);
  data.setUint32(4, arch, true);
  for (let i = 0; i < 6; i++) data.setBigUint64(16 + i * 8, args[i] ?? 0n, true);
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength);
  let a = 0;
  for (let pc = 0; pc * 8 < program.length; pc++) {
    const code = view.getUint16(pc * 8, true);
    const k = view.getUint32(pc * 8 + 4, true);
    const branch = (taken: boolean): void => {
      pc += view.getUint8(pc * 8 + (taken ? 2 : 3));
    };
    switch (code) {
      case 0x20:
        a = data.getUint32(k, true);
        break;
      case 0x54:
        a = (a & k) >>> 0;
        break;
      case 0x05:
        pc += k;
        break;
      case 0x15:
        branch(a === k);
        break;
      case 0x25:
        branch(a > k);
        break;
      case 0x35:
        branch(a >= k);
        break;
      case 0x45:
        branch((a & k) !== 0);
        break;
      case 0x06:
        return k;
      default:
        throw new Error(`instruction ${pc} has code ${code.toString(16)}`);
    }
  }
  throw new Error('the program ends without a return');
}
