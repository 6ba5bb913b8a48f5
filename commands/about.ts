/** What the program's help and its manual page say about the program as a whole. */
export const ABOUT = {
  summary: 'Makes containers from OCI bundles, as runc does.',
  usage: '[GLOBAL FLAGS] COMMAND [FLAGS] [ARGUMENTS]',
  description:
    'A bundle is a directory with a root filesystem and a config.json (`runchart spec` writes one to start from). ' +
    '`runchart COMMAND --help` shows the flags of a command, and examples.',
  examples: [
    { description: 'Run a container from the bundle in /srv/web', command: 'runchart run -b /srv/web c1' },
    { description: 'See every system call that makes it', command: 'runchart --trace - run -b /srv/web c1' },
    { description: 'Complete commands and names of containers', command: 'runchart completion --help' },
  ],
};
