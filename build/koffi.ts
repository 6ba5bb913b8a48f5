/**
 * koffi's addon for the linked engine, compiled from the sources that its package brings, with the C++ library inside.
 *
 * The addon that the package brings ready-made is the same code, but needs libstdc++.so: opening and relocating that takes
 * a command 0.8 ms, for nineteen functions. It is what is taken where there is no C++ compiler.
 */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { type Arch, findProgram, hostArch } from './compiler.ts';

/** As koffi's own CMakeLists.txt has them, for Linux. */
const FLAGS = [
  ...['-std=c++20', '-O2', '-DNDEBUG', '-fPIC', '-pthread', '-w', '-fno-exceptions', '-fno-rtti', '-fwrapv'],
  ...['-fno-strict-aliasing', '-fno-delete-null-pointer-checks', '-fno-finite-loops', '-fno-semantic-interposition'],
  ...[
    '-fvisibility=hidden',
    '-fdata-sections',
    '-ffunction-sections',
    '-D_FILE_OFFSET_BITS=64',
    '-DFELIX_TARGET=koffi',
  ],
  ...['-DNAPI_VERSION=NAPI_VERSION_EXPERIMENTAL', '-DNODE_ADDON_API_DISABLE_CPP_EXCEPTIONS'],
  '-DNODE_ADDON_API_REQUIRE_BASIC_FINALIZERS',
];
const LINK_FLAGS = [
  ...['-shared', '-s', '-pthread', '-static-libstdc++', '-static-libgcc'],
  ...['-Wl,--gc-sections', '-Wl,--exclude-libs,ALL', '-Wl,-z,noexecstack'],
];
const SOURCES = ['ffi', 'call', 'interp', 'parser', 'type', 'util', 'uv'].map((name) => `src/koffi/src/${name}.cc`);
const ABI: Readonly<Record<Arch, string>> = { x64: 'x64sysv', arm64: 'arm64' };
/** The trampolines' number is koffi's own. */
const TRAMPOLINES = '8192';

/** @returns the path of an addon for this machine's architecture or, ready-made, another one */
export async function koffiAddon(root: string, arch: Arch): Promise<string> {
  const ready = join(root, `node_modules/@koromix/koffi-linux-${arch}/linux_${arch}/koffi.node`);
  const compiler = findProgram('g++');
  if (arch !== hostArch() || compiler === undefined) return ready;
  const source = join(root, 'node_modules/koffi');
  const { version } = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'));
  const cache = join(root, 'node_modules/.cache/runchart');
  const addon = join(cache, `koffi-${version}-${arch}.node`);
  if (existsSync(addon)) return addon;
  mkdirSync(cache, { recursive: true });
  console.error('build: compiling koffi, which makes the system calls (half a minute, only this once)');
  const work = mkdtempSync(join(cache, 'koffi-'));
  try {
    renameSync(await compile(compiler, source, version, arch, work), addon);
    return addon;
  } finally {
    rmSync(work, { recursive: true });
  }
}

async function compile(compiler: string, source: string, version: string, arch: Arch, work: string): Promise<string> {
  execFileSync(process.execPath, [join(source, 'src/koffi/src/trampolines.cjs'), work, TRAMPOLINES], {
    env: { ...process.env, BUN_BE_BUN: '1' },
  });
  const includes = ['src/koffi', '.', 'vendor/node-addon-api', 'vendor/node-api-headers/include'];
  const flags = [...FLAGS, `-DVERSION=${version}`, `-I${work}`, ...includes.map((path) => `-I${join(source, path)}`)];
  const abi = `src/koffi/src/abi/${ABI[arch]}`;
  const sources = [...SOURCES, 'lib/native/base/base.cc', `${abi}.cc`, `${abi}_asm.S`];
  const objects = await Promise.all(
    sources.map(async (file) => {
      const object = join(work, `${basename(file)}.o`);
      await promisify(execFile)(compiler, [...flags, '-c', join(source, file), '-o', object]);
      return object;
    }),
  );
  const addon = join(work, 'koffi.node');
  execFileSync(compiler, [...LINK_FLAGS, '-o', addon, ...objects]);
  return addon;
}
