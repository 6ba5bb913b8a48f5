/**
 * Kinds of numbers that nobody must mix up. A plain number can be used as either kind, but a value of one kind cannot
 * be used as the other: to pass a pid where a descriptor is expected does not compile.
 */

/** A file descriptor of whoever performs the call. */
export type Fd = number & { readonly kind?: 'descriptor' };

/** A process id, in the pid namespace of whoever performs the call. */
export type Pid = number & { readonly kind?: 'process' };
