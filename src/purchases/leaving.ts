/** That who asked has gone: as much of an `AbortSignal` as is used of one, for one is made for each request. */
export type Leaving = Pick<
  AbortSignal,
  'aborted' | 'reason' | 'throwIfAborted' | 'addEventListener' | 'removeEventListener'
>;
