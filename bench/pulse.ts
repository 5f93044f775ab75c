// Loaded into the gateway with --import: tells on SIGUSR2 what the record and the event loop did since the last time.
import { subscribe } from 'node:diagnostics_channel';
import { monitorEventLoopDelay } from 'node:perf_hooks';

import { z } from 'zod';

import { quantile } from './figures.ts';

const RESOLUTION_MS = 1;

const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
delay.enable();
let flushes = 0;
subscribe('scratchpower:journal:flush', () => (flushes += 1));
const transaction = z.object({ ms: z.number() });
let heldUp: number[] = [];
subscribe('scratchpower:journal:transaction', (message) => heldUp.push(transaction.parse(message).ms));

process.on('SIGUSR2', () => {
  // Each sample is the time between two looks, which are that far apart when nothing is in the way.
  const p99 = Math.max(0, delay.percentile(99) / 1e6 - RESOLUTION_MS);
  const transactions = { transactions: heldUp.length, transactionP99: quantile(heldUp, 0.99) };
  process.stdout.write(`\n${JSON.stringify({ pulse: { flushes, ...transactions, loopDelayP99: p99 } })}\n`);
  flushes = 0;
  heldUp = [];
  delay.reset();
});
