/**
 * Annotations `org.systemd.property.NAME` as properties of the container's unit. Their values are GVariant text, which
 * gdbus(1) and runc read too: 'text', true, 5, uint64 5, @as [], ['a', 'b']. Pure.
 */

import { type BusInteger, type BusValue, isInteger, signatureOf } from '../../../native/libraries/bus/values.ts';
import { CgroupError } from '../error.ts';
import { array, property, u64 } from './values.ts';

const PREFIX = 'org.systemd.property.';

/** @throws CgroupError that names the annotation */
export function annotationProperties(annotations: Readonly<Record<string, string>>): readonly BusValue[] {
  return Object.entries(annotations).flatMap(([key, text]) => {
    if (!key.startsWith(PREFIX)) return [];
    const name = key.slice(PREFIX.length);
    if (!/^[A-Za-z]{3,}$/.test(name))
      throw new CgroupError(`annotation ${key} name incorrect: at least three letters, and nothing else`);
    const invalid = (reason: string) => new CgroupError(`annotation ${key}=${text} value parse error: ${reason}`);
    const value = parseVariant(text, invalid);
    // systemd's manual has properties in seconds. On D-Bus they are in microseconds, and have other names.
    return [
      /[a-z]Sec$/.test(name)
        ? property(`${name.slice(0, -3)}USec`, microseconds(value, invalid))
        : property(name, value),
    ];
  });
}

type Fail = (reason: string) => Error;

function microseconds(value: BusValue, invalid: Fail): BusValue {
  if (value.type === 'd') return u64(Math.trunc(value.value * 1e6));
  if (!isInteger(value.type) || !('value' in value)) throw invalid('not a number');
  return u64(BigInt(value.value as number | bigint) * 1_000_000n);
}

const KEYWORDS: Readonly<Record<string, string>> = {
  boolean: 'b',
  byte: 'y',
  int16: 'n',
  uint16: 'q',
  int32: 'i',
  uint32: 'u',
  int64: 'x',
  uint64: 't',
  double: 'd',
  string: 's',
  objectpath: 'o',
  signature: 'g',
};

/** The tokens of a value, and the index of the next one to read. */
interface Reader {
  readonly tokens: readonly string[];
  at: number;
}

function parseVariant(text: string, invalid: Fail): BusValue {
  const tokens = text.match(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|@[a-z()]+|[[\],]|[^\s[\],'"]+|['"]/g) ?? [];
  const reader: Reader = { tokens, at: 0 };
  const value = parseValue(reader, undefined, invalid);
  if (reader.at < tokens.length) throw invalid(`${JSON.stringify(tokens[reader.at])} is one too many`);
  return value;
}

/** @param wanted the type that was given before the value */
function parseValue(reader: Reader, wanted: string | undefined, invalid: Fail): BusValue {
  const token = reader.tokens[reader.at++];
  if (token === undefined) throw invalid('a value is missing');
  const keyword = Object.hasOwn(KEYWORDS, token) ? KEYWORDS[token] : undefined;
  if (keyword !== undefined) return parseValue(reader, keyword, invalid);
  if (token.startsWith('@')) return parseValue(reader, token.slice(1), invalid);
  if (token === '[') return parseArray(reader, wanted, invalid);
  if (/^['"]./s.test(token)) return stringValue(token, wanted ?? 's', invalid);
  if (token === 'true' || token === 'false') {
    if (wanted !== undefined && wanted !== 'b') throw invalid(`${token} is not of type ${wanted}`);
    return { type: 'b', value: token === 'true' };
  }
  return numberValue(token, wanted, invalid);
}

function parseArray(reader: Reader, wanted: string | undefined, invalid: Fail): BusValue {
  if (wanted !== undefined && !wanted.startsWith('a')) throw invalid(`a list is not of type ${wanted}`);
  const items: BusValue[] = [];
  while (reader.tokens[reader.at] !== ']') {
    if (items.length > 0 && reader.tokens[reader.at++] !== ',') throw invalid('a comma is missing');
    const first = items[0];
    items.push(parseValue(reader, wanted?.slice(1) ?? (first && signatureOf(first)), invalid));
  }
  reader.at++;
  const of = wanted?.slice(1) ?? (items[0] && signatureOf(items[0]));
  if (of === undefined) throw invalid('an empty list needs its type: @as []');
  return array(of, items);
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', a: '\x07', b: '\b', f: '\f', v: '\v' };

function stringValue(token: string, type: string, invalid: Fail): BusValue {
  if (type !== 's' && type !== 'o' && type !== 'g') throw invalid(`a text is not of type ${type}`);
  if (token.length < 2 || token.at(-1) !== token[0]) throw invalid('a quotation mark is missing');
  const value = token
    .slice(1, -1)
    .replace(/\\(u[0-9a-fA-F]{4}|.)/gs, (_, code: string) =>
      code.length > 1 ? String.fromCharCode(parseInt(code.slice(1), 16)) : (ESCAPES[code] ?? code),
    );
  return { type, value };
}

function numberValue(token: string, wanted: string | undefined, invalid: Fail): BusValue {
  const isWhole = /^[+-]?(0x[0-9a-f]+|\d+)$/i.test(token);
  const type = wanted ?? (isWhole ? 'i' : 'd');
  if (type === 'd' && /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(token)) return { type: 'd', value: Number(token) };
  if (!isWhole || !isInteger(type)) throw invalid(`${JSON.stringify(token)} is no value of type ${type}`);
  const magnitude = BigInt(token.replace(/^[+-]/, ''));
  const value = token.startsWith('-') ? -magnitude : magnitude;
  if (!fits(type, value)) throw invalid(`${token} does not fit type ${type}`);
  return { type, value };
}

const BITS: Readonly<Record<BusInteger, readonly [bits: number, signed: boolean]>> = {
  y: [8, false],
  n: [16, true],
  q: [16, false],
  i: [32, true],
  u: [32, false],
  x: [64, true],
  t: [64, false],
};

function fits(type: BusInteger, value: bigint): boolean {
  const [bits, signed] = BITS[type];
  return (signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value)) === value;
}
