/** A client of the CRI's gRPC services, as a kubelet is one. */

import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import type { MethodDefinition, PackageDefinition } from '@grpc/proto-loader';
import { PATIENCE } from '../../integration/patience.ts';

/** A kubelet waits for most calls for two minutes. */
const PATIENCE_MS = 120_000 * PATIENCE;

export interface Cri {
  /**
   * @param method of the runtime service
   * @param seconds when the caller gives up
   * @returns the response, with the CRI's field names; 64-bit integers are strings
   */
  call<Response>(method: string, request: object, seconds?: number): Promise<Response>;
  /** The same of the image service. */
  images<Response>(method: string, request: object): Promise<Response>;
  /** Whether the version knows the method. */
  has(method: string): boolean;
  /** Whether the version knows the message. */
  knows(message: string): boolean;
  close(): void;
}

/** How a call failed, as a kubelet logs it. */
export interface Failure {
  readonly code: string;
  readonly details: string;
}

export function connectCri(messages: PackageDefinition, socket: string): Cri {
  const client = new Client(`unix://${socket}`, credentials.createInsecure(), {
    // It comes back at once when containerd was started anew.
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 500,
    'grpc.max_receive_message_length': 64 << 20,
  });
  const methodsOf = (service: string) =>
    (messages[`runtime.v1.${service}`] ?? {}) as Record<string, MethodDefinition<object, object>>;
  const runtime = methodsOf('RuntimeService');
  const image = methodsOf('ImageService');

  function call<Response>(methods: typeof runtime, name: string, request: object, ms: number): Promise<Response> {
    const method = methods[name];
    if (method === undefined) throw new Error(`this containerd does not know ${name}`);
    return new Promise((done, failed) => {
      client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        new Metadata({ waitForReady: true }),
        { deadline: Date.now() + ms },
        (error, response) => (error === null ? done(response as Response) : failed(error)),
      );
    });
  }

  return {
    call: (name, request, seconds) =>
      call(runtime, name, request, seconds === undefined ? PATIENCE_MS : seconds * 1000),
    images: (name, request) => call(image, name, request, PATIENCE_MS),
    has: (name) => name in runtime,
    knows: (message) => `runtime.v1.${message}` in messages,
    close: () => client.close(),
  };
}

/** @throws if the call succeeds, or if what failed was no call */
export async function failureOf(call: Promise<unknown>): Promise<Failure> {
  try {
    await call;
  } catch (error) {
    const { code, details } = error as ServiceError;
    if (code === undefined) throw error;
    return { code: status[code] ?? String(code), details };
  }
  throw new Error('the call succeeded');
}

/** Without the runtime's own words, where ours says more than runc. */
export const shortened = ({ code, details }: Failure): Failure => ({
  code,
  details: details.replace(
    /(?<=unable to start container process: |runc(hart)? create failed: |exit status 1: ).*/s,
    '…',
  ),
});
