/** The error's code, such as EADDRINUSE; undefined when it has none. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

/** Why it cannot listen there and what to do; `setting` is the variable that chooses the port. */
export function listeningFault(
  error: unknown,
  { host, port, setting }: { host: string; port: number; setting: string },
): string {
  switch (codeOf(error)) {
    case 'EADDRINUSE':
      return `Port ${port} is in use. Stop the other program or set ${setting}.`;
    case 'EACCES':
      return `Port ${port} may not be listened on by this user. Set ${setting} to one from 1024 on.`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `${host} is no address of this machine. Set HOST to one that is, such as 127.0.0.1.`;
    default:
      return String(error);
  }
}
