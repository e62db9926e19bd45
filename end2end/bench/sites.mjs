// The program that is measured, as the environment names it.

import { chromium } from '@playwright/test';

const port = process.env.HANDOFF_LAB_PORT;
if (!port) {
  throw new Error('run it by: cargo xtask bench');
}

export const sites = {
  authority: `http://auth.localhost:${port}`,
  notes: `http://notes.localhost:${port}`,
};

/** Chromium, as the end-to-end tests find it. */
export async function launch(args = []) {
  const executablePath = process.env.CHROMIUM || undefined;
  const options = executablePath ? { executablePath } : {};
  // The sandbox wants to be started by somebody else than root.
  const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ ...options, args: [...sandbox, ...args] });
}

/** Signs Alice in at Harbor ID. */
export async function signIn(page) {
  await page.goto(`${sites.authority}/login?demo=alice`);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('button', { name: 'Open Notes', exact: true }).waitFor();
}
