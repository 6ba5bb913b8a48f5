/**
 * Makes `dist/library/`, what `import … from 'runchart'` gets: JavaScript and types of library/index.ts and all that it
 * imports, the compiled validators, and beside its module the init of each architecture that was built.
 *
 *   node build/library.ts [--all]    with the inits of all architectures, for the package
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, globSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ARCHITECTURES, hostArch } from './compiler.ts';
import { compileInit } from './init.ts';
import { validatorsModule } from './validators.ts';

const root = join(import.meta.dirname, '..');
const library = join(root, 'dist/library');

rmSync(library, { recursive: true, force: true });
execFileSync(join(root, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.library.json'], { cwd: root, stdio: 'inherit' });
writeFileSync(join(library, 'spec/compiled.js'), validatorsModule());
for (const arch of process.argv.includes('--all') ? ARCHITECTURES : [hostArch()]) compileInit(arch);
for (const init of globSync('native/init/init-{x64,arm64}', { cwd: root })) {
  copyFileSync(join(root, init), join(library, init));
}
