/**
 * Compiles koffi's addon for the linked engine from the sources in koffi's package, with the C++ library linked in.
 *
 * The package also brings a ready-made addon of the same code, but that one needs libstdc++.so. Opening and relocating
 * the library takes a command 0.8 ms, for nineteen functions. Without a C++ compiler, the ready-made addon is used.
 */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { type Arch, findProgram, hostArch } from './compiler.ts';

/** The flags of koffi's own CMakeLists.txt for Linux. */
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
/** The number of trampolines that koffi itself uses. */
const TRAMPOLINES = '8192';

/** @returns the path of an addon: compiled for this machine's architecture, or the ready-made one of another */
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
