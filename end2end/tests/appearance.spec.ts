import type { Page } from '@playwright/test';

import { alice, expect, sites, test } from '../fixtures/index.ts';

/** How dark the page is behind everything, from 0 to 255. */
async function brightness(page: Page): Promise<number> {
  return page.evaluate(() => {
    const colour = getComputedStyle(document.documentElement).backgroundColor;
    const [red = 0, green = 0, blue = 0] = colour.match(/\d+/g)?.map(Number) ?? [];
    return Math.max(red, green, blue);
  });
}

async function textSize(page: Page): Promise<number> {
  return page.getByRole('main').evaluate((main) => Number.parseFloat(getComputedStyle(main).fontSize));
}

// Without JavaScript: the same. The choice is a form, and a cookie remembers it.
test('a theme that is chosen wins over the system, on every page of that site', { tag: '@engine' }, async ({ visitor }) => {
  const { page, footer } = visitor;
  await page.emulateMedia({ colorScheme: 'light' });
  await visitor.signIn.open();
  await expect(footer.theme('System')).toHaveAttribute('aria-pressed', 'true');
  expect(await brightness(page)).toBe(255);
  await footer.theme('Dark').click();
  await expect(footer.theme('Dark')).toHaveAttribute('aria-pressed', 'true');
  expect(await brightness(page)).toBeLessThan(40);

  await visitor.signIn.arrived();
  await visitor.signIn.enter(alice);
  await visitor.portal.arrived(alice);
  expect(await brightness(page)).toBeLessThan(40);

  // Sites share nothing, this included.
  await visitor.notes.open();
  expect(await brightness(page)).toBe(255);

  await page.emulateMedia({ colorScheme: 'dark' });
  await visitor.portal.open();
  await footer.theme('Light').click();
  await expect(footer.theme('Light')).toHaveAttribute('aria-pressed', 'true');
  expect(await brightness(page)).toBe(255);
});

// Without JavaScript: the same.
test('text grows step by step to 160 %, and back, and the choice is remembered', { tag: '@engine' }, async ({ visitor }) => {
  const { page, footer } = visitor;
  await page.goto(sites.notes);
  await expect(footer.size).toHaveText('100 %');
  const usual = await textSize(page);
  for (const size of [120, 140, 160]) {
    await footer.largerText();
    await expect(footer.size).toHaveText(`${size} %`);
  }
  expect((await textSize(page)) / usual).toBeCloseTo(1.6, 2);
  await page.goto(`${sites.notes}/glossary`);
  await expect(footer.size).toHaveText('160 %');
  await footer.smallerText();
  await expect(footer.size).toHaveText('140 %');
  expect(new URL(page.url()).pathname).toBe('/glossary');
});

// Without JavaScript: the same.
test('the choice of a look does not interrupt a sign-in that is under way', async ({ visitor, notes }) => {
  await notes.open();
  await notes.signInWithHarborId();
  await visitor.signIn.arrived();
  await visitor.footer.theme('Dark').click();
  await expect(visitor.footer.theme('Dark')).toHaveAttribute('aria-pressed', 'true');
  await expect(visitor.signIn.continuesTo('Notes')).toBeVisible();
  await visitor.signIn.enter(alice);
  await notes.arrived(alice);
});
