import type { Dispatcher } from 'undici';
import { describe, expect, it, vi } from 'vitest';

import { SingleSend } from '../../src/datasources/single-send.ts';

function aController() {
  const abort = vi.fn<(reason: Error) => void>();
  const controller: Dispatcher.DispatchController = {
    ...{ aborted: false, paused: false, reason: null, abort },
    pause: () => undefined,
    resume: () => undefined,
  };
  return { controller, abort };
}

const aSend = (more: { timeoutMs?: number; maxBytes?: number; signal?: AbortSignal } = {}) =>
  new SingleSend({ timeoutMs: 10_000, maxBytes: 100, ...more });

describe('one sending', () => {
  it('R1: is refused a second connection', async () => {
    const send = aSend();
    const first = aController();
    send.onRequestStart(first.controller);
    expect(first.abort).not.toHaveBeenCalled();
    const second = aController();
    send.onRequestStart(second.controller);
    expect(second.abort).toHaveBeenCalledOnce();
    send.onResponseError();
    await expect(send.arrival).resolves.toEqual({ kind: 'LOST', timedOut: false });
  });

  it('that failed before it had a connection was never sent, whatever the error', async () => {
    const send = aSend();
    send.onResponseError();
    await expect(send.arrival).resolves.toEqual({ kind: 'NOT_SENT' });
  });

  it('that was given up before it had a connection is never sent later', async () => {
    const send = aSend({ timeoutMs: 1 });
    await expect(send.arrival).resolves.toEqual({ kind: 'NOT_SENT' });
    const late = aController();
    send.onRequestStart(late.controller);
    expect(late.abort).toHaveBeenCalledOnce();
  });

  it('R4: that failed after it had a connection is lost, and its connection is closed', async () => {
    const send = aSend({ timeoutMs: 1 });
    const { controller, abort } = aController();
    send.onRequestStart(controller);
    await expect(send.arrival).resolves.toEqual({ kind: 'LOST', timedOut: true });
    expect(abort).toHaveBeenCalledOnce();
  });

  it('takes an interim answer for none', async () => {
    const send = aSend();
    const { controller } = aController();
    send.onRequestStart(controller);
    send.onResponseStart(controller, 103, {});
    send.onResponseError();
    await expect(send.arrival).resolves.toMatchObject({ kind: 'LOST' });
  });

  it('R3: keeps what came of a body that broke off or is too long', async () => {
    const { controller } = aController();
    const broken = aSend();
    broken.onRequestStart(controller);
    broken.onResponseStart(controller, 200, {});
    broken.onResponseData(controller, Buffer.from('half of a to'));
    broken.onResponseError();
    await expect(broken.arrival).resolves.toMatchObject({
      status: 200,
      body: { text: 'half of a to', complete: false },
    });
    const long = aSend({ maxBytes: 3 });
    long.onRequestStart(controller);
    long.onResponseStart(controller, 200, {});
    long.onResponseData(controller, Buffer.from('12345'));
    await expect(long.arrival).resolves.toMatchObject({ body: { text: '123', complete: false } });
  });

  it('ends when its caller leaves', async () => {
    const leaving = new AbortController();
    const send = aSend({ signal: leaving.signal });
    const { controller, abort } = aController();
    send.onRequestStart(controller);
    leaving.abort(new Error('the client has gone'));
    await expect(send.arrival).rejects.toThrow('the client has gone');
    expect(abort).toHaveBeenCalledOnce();
  });
});
