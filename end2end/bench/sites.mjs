// The program that is measured, as the environment names it.

import { chromium } from '@playwright/test';

export const port = process.env.HANDOFF_LAB_PORT;
if (!port) {
  throw new Error('run it by: cargo xtask bench');
}

export const sites = {
  authority: `http://auth.localhost:${port}`,
  notes: `http://notes.localhost:${port}`,
  lab: `http://lab.localhost:${port}`,
};

/** Chromium, as the end-to-end tests find it. */
export async function launch(args = []) {
  const executablePath = process.env.CHROMIUM || undefined;
  const options = executablePath ? { executablePath } : {};
  // The sandbox wants to be started by somebody else than root.
  const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ ...options, args: [...sandbox, ...args] });
}

/** The 50th and the 95th percentile: the smallest value that so many percent do not exceed. */
export function quantiles(values) {
  const sorted = values.toSorted((one, other) => one - other);
  return [50, 95].map((percent) => sorted[Math.ceil((sorted.length * percent) / 100) - 1]);
}

/**
 * Prints a section of docs/BENCHMARKS.md and the bounds that its figures break, for `cargo xtask bench`. A bound is
 * `[what, value, { atMost }]` or `[what, value, { atLeast }]`.
 */
export function report(text, bounds) {
  // What is no number keeps no bound.
  const isKept = (value, { atMost = Infinity, atLeast = -Infinity }) => value <= atMost && value >= atLeast;
  const broken = bounds
    .filter(([, value, bound]) => !isKept(value, bound))
    .map(([what, value, { atMost, atLeast }]) => `${what}: ${value}, and the bound is ${atMost ?? atLeast}`);
  console.log(JSON.stringify({ text: `${text}\n`, broken }));
}

/** Signs Alice in at Harbor ID. */
export async function signIn(page) {
  await page.goto(`${sites.authority}/login?demo=alice`);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('button', { name: 'Open Notes', exact: true }).waitFor();
}

/** Opens Notes at the portal, to the end. */
export async function openNotes(page) {
  await page.goto(`${sites.authority}/`);
  await page.getByRole('button', { name: 'Open Notes', exact: true }).click();
  await page.waitForURL(`${sites.notes}/`);
}

/**
 * Asks the page until it says something, and returns that. Not Playwright's own way of waiting: that
 * evaluates text in the page, which these pages do not allow.
 */
export async function until(page, question, argument, { every = 50, within = 15_000 } = {}) {
  const end = Date.now() + within;
  for (;;) {
    const answer = await page.evaluate(question, argument);
    if (answer) {
      return answer;
    }
    if (Date.now() > end) {
      throw new Error(`the page at ${page.url()} is never what it should be: ${question}`);
    }
    await new Promise((resolve) => setTimeout(resolve, every));
  }
}

/** The address of the newest flow, once that is another than this one. */
export async function newestFlow(page, before) {
  await page.goto(`${sites.lab}/flows`);
  return until(
    page,
    async (before) => {
      const list = await (await fetch('/flows')).text();
      const path = list.match(/href="(\/flows\/[0-9a-f]+)"/)?.[1];
      const address = path && `${location.origin}${path}`;
      return address !== before && address;
    },
    before,
  );
}
