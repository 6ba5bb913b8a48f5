/**
 * Numbers of different kinds, which must not be taken for each other. A plain number is any of them, but one kind is
 * never another: to pass a pid where a descriptor is expected does not compile.
 */

/** A file descriptor of whoever performs the call. */
export type Fd = number & { readonly kind?: 'descriptor' };

/** A process id, in the pid namespace of whoever performs the call. */
export type Pid = number & { readonly kind?: 'process' };
