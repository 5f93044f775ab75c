import { readdirSync, readFileSync } from 'node:fs';

/** Linux counts in these, whatever the machine. */
const TICKS_PER_SECOND = 100;

/** Processor time, in ms, that these processes have used so far. */
export function cpuOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + ticksOf(pid), 0) * (1_000 / TICKS_PER_SECOND);
}

/** Every process of this name, such as all of a PostgreSQL server. */
export function pidsOf(name: string): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => statOf(pid)?.name === name);
}

/** Resident memory in MiB. */
export function memoryOf(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(match?.[1] ?? NaN) / 1_024;
}

/** User and system time, of the process and of its children that have ended. */
function ticksOf(pid: number): number {
  return statOf(pid)?.ticks ?? 0;
}

/** proc(5): the name is in parentheses and may hold any character. Undefined when the process has ended. */
function statOf(pid: number): { name: string; ticks: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const end = stat.lastIndexOf(')');
    const fields = stat.slice(end + 2).split(' ');
    const ticks = [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0);
    return { name: stat.slice(stat.indexOf('(') + 1, end), ticks };
  } catch {
    return undefined;
  }
}
