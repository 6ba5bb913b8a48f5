/**
 * Turns the flags of `update` into the resources of config.json. Numbers are read as Go reads them, with Go's errors.
 * Pure.
 */

import type { LinuxResources, Wide } from '../spec/types.ts';

export interface LimitFlags {
  readonly 'blkio-weight'?: number | undefined;
  readonly 'cpu-period'?: string | undefined;
  readonly 'cpu-quota'?: string | undefined;
  readonly 'cpu-burst'?: string | undefined;
  readonly 'cpu-share'?: string | undefined;
  readonly 'cpu-rt-period'?: string | undefined;
  readonly 'cpu-rt-runtime'?: string | undefined;
  readonly 'cpuset-cpus'?: string | undefined;
  readonly 'cpuset-mems'?: string | undefined;
  readonly 'cpu-idle'?: string | undefined;
  readonly 'kernel-memory'?: string | undefined;
  readonly 'kernel-memory-tcp'?: string | undefined;
  readonly memory?: string | undefined;
  readonly 'memory-reservation'?: string | undefined;
  readonly 'memory-swap'?: string | undefined;
  readonly 'pids-limit'?: number | undefined;
}

/** @throws Error with runc's text */
export function askedResources(flags: LimitFlags): LinuxResources {
  const given = <Name extends keyof LimitFlags, T>(name: Name, read: (text: string) => T): T | undefined => {
    const text = flags[name];
    if (text === undefined || text === '') return undefined;
    try {
      return read(String(text));
    } catch (error) {
      throw new Error(`invalid value for ${name}: ${error instanceof Error ? error.message : error}`, { cause: error });
    }
  };
  const weight = flags['blkio-weight'];
  const pids = flags['pids-limit'];
  return {
    memory: defined({
      limit: given('memory', memorySize),
      swap: given('memory-swap', memorySize),
      reservation: given('memory-reservation', memorySize),
      kernel: given('kernel-memory', memorySize),
      kernelTCP: given('kernel-memory-tcp', memorySize),
    }),
    cpu: defined({
      burst: given('cpu-burst', unsigned),
      period: given('cpu-period', unsigned),
      realtimePeriod: given('cpu-rt-period', unsigned),
      shares: given('cpu-share', unsigned),
      quota: given('cpu-quota', signed),
      realtimeRuntime: given('cpu-rt-runtime', signed),
      idle: given('cpu-idle', signed),
      cpus: flags['cpuset-cpus'],
      mems: flags['cpuset-mems'],
    }),
    ...(weight ? { blockIO: { weight } } : {}),
    ...(pids === undefined ? {} : { pids: { limit: pids } }),
  };
}

type Defined<T> = { [Name in keyof T]?: Exclude<T[Name], undefined> };

function defined<T extends object>(values: T): Defined<T> {
  const kept: Defined<T> = {};
  for (const name in values) {
    const value = values[name];
    if (isDefined(value)) kept[name] = value;
  }
  return kept;
}

function isDefined<T>(value: T): value is Exclude<T, undefined> {
  return value !== undefined;
}

function integer(text: string, form: RegExp, parser: string, [least, most]: readonly [bigint, bigint]): Wide {
  const refuse = (reason: string) => new Error(`strconv.${parser}: parsing ${JSON.stringify(text)}: ${reason}`);
  if (!form.test(text)) throw refuse('invalid syntax');
  const value = BigInt(text.replace(/^\+/, ''));
  if (value < least || value > most) throw refuse('value out of range');
  return narrow(value);
}

const narrow = (value: bigint): Wide => (Number.isSafeInteger(Number(value)) ? Number(value) : value);

const INT64 = [-(2n ** 63n), 2n ** 63n - 1n] as const;
const UINT64 = [0n, 2n ** 64n - 1n] as const;
const unsigned = (text: string): Wide => integer(text, /^\d+$/, 'ParseUint', UINT64);
const signed = (text: string): Wide => integer(text, /^[+-]?\d+$/, 'ParseInt', INT64);

const UNITS = ['', 'k', 'm', 'g', 't', 'p'];

/** Reads `-1`, or a number with a binary suffix as docker's go-units does: `512m`, `1.5 GiB`, `64kb`. @returns bytes */
function memorySize(text: string): Wide {
  if (text === '-1') return -1;
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)*) ?([kmgtp]?)i?b?$/i.exec(text) ?? [];
  const value = Number(number);
  if (number === '' || Number.isNaN(value)) throw new Error(`invalid size: '${text}'`);
  const exponent = 10 * UNITS.indexOf(unit.toLowerCase());
  if (/^\d+$/.test(number)) return narrow(bounded(BigInt(number) << BigInt(exponent), text));
  return narrow(bounded(BigInt(Math.trunc(value * 2 ** exponent)), text));
}

function bounded(value: bigint, text: string): bigint {
  if (value > INT64[1]) throw new Error(`invalid size: '${text}'`);
  return value;
}
