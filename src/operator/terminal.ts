import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';

/** Where a command speaks to a person or to a pipe. */
export interface Terminal {
  /** What was asked for: standard output. */
  out(text: string): void;
  /** What went wrong, and what a person should know beside it: standard error. */
  err(text: string): void;
  /** Whether a person sits there who can answer. */
  readonly interactive: boolean;
  ask(question: string): Promise<string>;
}

/** The process's own. A reader that has seen enough (`| head`) ends it quietly. */
export function processTerminal(): Terminal {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    interactive: process.stdin.isTTY && process.stderr.isTTY,
    async ask(question) {
      const lines = createInterface({ input: process.stdin, output: process.stderr });
      try {
        // Ctrl-C and Ctrl-D abort the question, or only close it, as the version of Node has it: that is no answer.
        const left = once(lines, 'close').then(() => '');
        const answered = lines.question(question).catch((error: unknown) => {
          if (error instanceof Error && error.name === 'AbortError') return '';
          throw error;
        });
        return await Promise.race([answered, left]);
      } finally {
        lines.close();
      }
    },
  };
}

/**
 * Text that is only text: what an upstream sends, or a person typed, cannot steer the terminal that shows it. Line
 * breaks and tabs stay.
 */
export function printable(text: string): string {
  return text.replace(
    /[^\P{C}\n\t]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}
