import { readFileSync } from 'node:fs';

import { expect, test } from '../fixtures/index.ts';

/** Names that `docs/TESTING.md` gives to every page object at once. */
const said = new Set(['constructor', 'open', 'arrived']);

// Without JavaScript: no page is opened.
test('the table of page objects in the manual names each with its verbs', ({ visitor }) => {
  const manual = readFileSync(new URL('../../docs/TESTING.md', import.meta.url), 'utf8');
  const missing: string[] = [];
  for (const [name, page] of Object.entries(visitor)) {
    const kind = Object.getPrototypeOf(page) as object;
    if (!/^(?!Watch|Page|BrowserContext)[A-Z]/.test(kind.constructor.name)) continue;
    const row = manual.split('\n').find((line) => line.startsWith(`| \`${name}\` |`)) ?? '';
    const verbs = Object.entries(Object.getOwnPropertyDescriptors(kind))
      .filter(([verb, { value }]) => typeof value === 'function' && !said.has(verb))
      .map(([verb]) => verb);
    missing.push(...[name, ...verbs].filter((word) => !row.includes(`\`${word}\``)).map((word) => `${name}.${word}`));
  }
  expect(missing).toEqual([]);
});
