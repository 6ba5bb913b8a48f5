/** What an engine loads before its first command. A command of its own loads each part when it needs it. */

/** Loads what commands of this floor and below load later. It is all for the life of a container. */
export async function loadAhead(): Promise<void> {
  await Promise.all([
    import('../container/creation-effects.ts'),
    import('../container/start-effect.ts'),
    import('../foreground/notify.ts'),
    import('../operations/background.ts'),
    import('../operations/run.ts'),
    import('../../effects/hooks/hooks.ts'),
    import('../../effects/seccomp/container.ts'),
  ]);
}
