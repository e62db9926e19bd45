/** The program under test, and what an operator does with it while it runs. */

import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const here = dirname(fileURLToPath(import.meta.url));

export const program = process.env.HANDOFF_LAB_BIN || join(here, '../../target/debug/handoff-lab');
export const results = join(here, '../test-results');
/** Its data folder: new in each run. */
export const data = join(results, 'data');

/** Lets these people use a client and no others, or everyone again when none is named. */
export async function assign(client: string, ...emails: string[]): Promise<void> {
  const who = emails.length === 0 ? ['--everyone'] : ['--to', ...emails];
  await promisify(execFile)(program, ['client', '--data', data, 'assign', client, ...who]);
}
