import { expect, it, vi } from 'vitest';

import { Departure } from '../../src/http/departure.ts';

it('tells those who listen once, and is an abort to whoever asks later', () => {
  const left = new Departure();
  const [told, object, gone] = [vi.fn(), { handleEvent: vi.fn() }, vi.fn()];
  left.addEventListener('abort', told);
  left.addEventListener('abort', object);
  left.addEventListener('abort', gone);
  left.removeEventListener('abort', gone);
  expect(left.aborted).toBe(false);
  expect(() => left.throwIfAborted()).not.toThrow();

  left.abort();
  left.abort();
  expect(told).toHaveBeenCalledOnce();
  expect(object.handleEvent).toHaveBeenCalledOnce();
  expect(gone).not.toHaveBeenCalled();
  expect(left.aborted).toBe(true);
  expect(() => left.throwIfAborted()).toThrow(expect.objectContaining({ name: 'AbortError' }));
});
