/** The program under test, and what an operator does with it while it runs. */

import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { worker, type Persona } from '../fixtures/index.ts';
import { ports } from './ports.ts';

const here = dirname(fileURLToPath(import.meta.url));

export const program = process.env.HANDOFF_LAB_BIN || join(here, '../../target/debug/handoff-lab');
export const results = process.env.HANDOFF_LAB_E2E_RESULTS || join(here, '../test-results');
/** The data folder of a worker's program: new in each run. */
export function data(worker: number): string {
  return join(results, `data-${worker}`);
}

/** Runs a command of the program on the data folder of this worker's. */
async function operate(words: string[], input?: string): Promise<void> {
  const [noun = '', ...rest] = words;
  const running = promisify(execFile)(program, [noun, '--data', data(worker), ...rest]);
  // Most commands read nothing, and may have ended by now; then a write would fail the test.
  if (input !== undefined) running.child.stdin?.end(input);
  await running;
}

/** Somebody who never signed in, with an address that nobody else has. */
export async function addPerson(name: string): Promise<Persona> {
  const firstName = name.split(' ')[0] ?? name;
  const email = `${firstName.toLowerCase()}-${randomUUID().slice(0, 8)}@harbor.example`;
  const password = 'handoff-demo';
  await operate(['user', 'add', email, '--name', name, '--password-stdin'], `${password}\n`);
  return { name, firstName, email, password };
}

/** Registers an app that these people, and nobody else, see on their portal. */
export async function addApp(name: string, description: string, ...emails: string[]): Promise<void> {
  const id = `app-${randomUUID()}`;
  const origin = `http://${id}.localhost:${ports.sites}`;
  await operate([
    ...['client', 'add', id, '--name', name, '--description', description, '--public', '--origin', origin],
    ...['--redirect-uri', `${origin}/callback`, '--initiate-login-uri', `${origin}/handoff/start`],
    ...emails.flatMap((email) => ['--assign', email]),
  ]);
}

/** Lets these people use a client and no others, or everyone again when none is named. */
export async function assign(client: string, ...emails: string[]): Promise<void> {
  const who = emails.length === 0 ? ['--everyone'] : ['--to', ...emails];
  await operate(['client', 'assign', client, ...who]);
}
