/** Where the program under test listens and what its sites are called. */

function port(variable: string, fallback: number): number {
  const text = process.env[variable];
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 65535) {
    throw new Error(`${variable}=${text} is not a port`);
  }
  return value;
}

/** Not 4000 and 4009: a demonstration that is running goes on undisturbed. */
export const ports = {
  sites: port('HANDOFF_LAB_E2E_PORT', 4100),
  ops: port('HANDOFF_LAB_E2E_OPS_PORT', 4109),
  /** The proxy that turns scripts off. */
  proxy: port('HANDOFF_LAB_E2E_PROXY_PORT', 4110),
};

/** The origins that browsers see. */
export const sites = {
  authority: `http://auth.localhost:${ports.sites}`,
  notes: `http://notes.localhost:${ports.sites}`,
  tasks: `http://tasks.localhost:${ports.sites}`,
  lab: `http://lab.localhost:${ports.sites}`,
};

/**
 * The same address for Node, whose resolver does not know `*.localhost`: send it with `host` as the
 * `Host` header.
 */
export function onLoopback(address: string): { url: string; host: string } {
  const url = new URL(address);
  const host = url.host;
  url.hostname = '127.0.0.1';
  return { url: url.href, host };
}
