import { integer, string } from '@oclif/core/flags';
import { readResources } from '../runtime/operations/resources-file.ts';
import { update } from '../runtime/operations/update.ts';
import { checkContainerId } from '../spec/id.ts';
import { containerId, RuntimeCommand } from './base.ts';
import { globals } from './globals.ts';
import { integerFor } from './integer.ts';
import { askedResources } from './limits.ts';

const count = { helpValue: 'N' };
const microseconds = { helpValue: 'MICROSECONDS' };
const bytes = { helpValue: 'BYTES' };
const list = { helpValue: 'LIST' };

export default class Update extends RuntimeCommand {
  static override id = 'update';
  static override summary = 'change the limits of a container';
  static override description =
    'A limit that is not named stays as it is. If one limit is refused, none is changed. ' +
    'Bytes may have a suffix, as in 512m; -1 means no limit.';
  static override examples = [
    {
      description: 'Half a CPU, and at most 100 processes',
      command: 'runchart update --cpu-quota 50000 --cpu-period 100000 --pids-limit 100 c1',
    },
    {
      description: 'As linux.resources of config.json',
      command: `echo '{"memory":{"limit":67108864}}' | runchart update -r - c1`,
    },
  ];
  static override args = { 'container-id': containerId };
  static override flags = {
    ...globals,
    resources: string({
      char: 'r',
      helpValue: 'FILE|-',
      description: 'read linux.resources of config.json from this file, or standard input; the other flags are ignored',
    }),
    'blkio-weight': integer({ ...count, parse: integerFor('blkio-weight'), description: 'weight for I/O, 10 to 1000' }),
    'cpu-period': string({ ...microseconds, description: 'period of the CPU quota' }),
    'cpu-quota': string({ ...microseconds, description: 'CPU time in a period' }),
    'cpu-burst': string({ ...microseconds, description: 'unused CPU time that may be saved up for a later period' }),
    'cpu-share': string({ ...count, description: 'weight for CPU time' }),
    'cpu-rt-period': string({ ...microseconds, description: 'period of the realtime quota' }),
    'cpu-rt-runtime': string({ ...microseconds, description: 'realtime CPU time in a period' }),
    'cpuset-cpus': string({ ...list, description: 'the CPUs to run on, as 0-3,7' }),
    'cpuset-mems': string({ ...list, description: 'the memory nodes to use, as 0,1' }),
    'cpu-idle': string({ helpValue: '0|1', description: '1: it gets only CPU time that nobody else wants' }),
    'kernel-memory': string({ ...bytes, hidden: true, description: 'accepted for old callers; ignored' }),
    'kernel-memory-tcp': string({ ...bytes, hidden: true, description: 'accepted for old callers; ignored' }),
    memory: string({ ...bytes, description: 'limit of memory' }),
    'memory-reservation': string({ ...bytes, description: 'memory that it keeps when memory is short' }),
    'memory-swap': string({ ...bytes, description: 'limit of memory and swap together' }),
    'pids-limit': integer({ ...count, parse: integerFor('pids-limit'), description: 'limit of processes' }),
    'l3-cache-schema': string({ helpValue: 'SCHEMA', description: 'Intel RDT: schema of the L3 cache' }),
    'mem-bw-schema': string({ helpValue: 'SCHEMA', description: 'Intel RDT: schema of the memory bandwidth' }),
  };

  async run(): Promise<number> {
    const { args, flags } = await this.parse(Update);
    const { context } = await this.prepare(flags, args['container-id']);
    const id = args['container-id'];
    checkContainerId(id);
    const asked = flags.resources ? await readResources(context, flags.resources) : askedResources(flags);
    const { memory = {} } = asked;
    if (memory.kernel !== undefined || memory.kernelTCP !== undefined)
      context.warn('Kernel memory settings are ignored and will be removed');
    const schemas = { l3CacheSchema: flags['l3-cache-schema'], memBwSchema: flags['mem-bw-schema'] };
    await update(context, id, asked, schemas);
    return 0;
  }
}
