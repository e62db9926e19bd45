import { randomUUID } from 'node:crypto';

import type { Locator, Page } from '@playwright/test';

import { alice, expect, sites, test } from '../fixtures/index.ts';
import { blindness, losses, tabTo } from '../support/looks.ts';

// Without JavaScript: the same. Links, buttons and fields are the browser's own.
test('a whole handoff by keyboard alone: Tab and Enter, and the focus in sight all the way', { tag: '@engine' }, async ({
  visitor,
}) => {
  const { page, signIn, portal, notes, confirm } = visitor;
  const press = async (target: Locator): Promise<void> => {
    await tabTo(target);
    await page.keyboard.press('Enter');
  };

  await page.goto(`${sites.authority}/login`);
  await press(page.getByRole('button', { name: alice.name, exact: true }));
  await expect(signIn.email).toHaveValue(alice.email);
  await press(signIn.submit);
  await portal.arrived(alice);
  await press(portal.app('Notes'));
  await notes.arrived(alice);

  // Out of Notes, and back by the question that Harbor ID asks.
  await press(notes.session.getByRole('button', { name: 'Sign out' }));
  await notes.signedOut();
  await press(notes.signInLink);
  await confirm.arrived();
  await press(page.getByRole('button', { name: 'Continue to Notes', exact: true }));
  await notes.arrived(alice);
});

// Without JavaScript: the same.
test('the first stop of Tab leads past the bar to the content, on every site', { tag: '@engine' }, async ({ visitor }) => {
  const { page } = visitor;
  for (const origin of Object.values(sites)) {
    // The sign-in page begins in its first field, behind the link.
    await page.goto(origin === sites.authority ? `${origin}/logout` : origin);
    await page.keyboard.press('Tab');
    const skip = page.getByRole('link', { name: 'Skip to the content', exact: true });
    await expect(skip).toBeFocused();
    await expect(skip).toBeInViewport();
    await page.keyboard.press('Enter');
    await expect(page.getByRole('main')).toBeFocused();
  }
});

/** Somebody who has no more of a page than its tree of roles and names. */
class Listener {
  constructor(readonly page: Page) {}

  /** Hears where they are: the window's title, one heading of the first level, one main part. */
  async stands(heading: string, title: string | RegExp): Promise<void> {
    const headings = this.page.getByRole('heading', { level: 1 });
    await expect(headings).toHaveAccessibleName(heading);
    await expect(this.page).toHaveTitle(title);
    await expect(this.page.getByRole('main')).toHaveCount(1);
    await expect(this.page.getByRole('banner')).toHaveCount(1);
  }

  /** Activates what has this role and name. There must be one of it, or the name would not do. */
  async activates(role: 'button' | 'link', name: string): Promise<void> {
    const target = this.page.getByRole(role, { name, exact: true });
    await expect(target).toHaveCount(1);
    await target.press('Enter');
  }
}

// Without JavaScript: the same. The tree is made of the server's page.
test('a whole handoff by the accessibility tree alone: roles and names', async ({ visitor }) => {
  const { page } = visitor;
  const listener = new Listener(page);
  const session = page.getByRole('region', { name: 'Your session', exact: true });

  await page.goto(sites.authority);
  await listener.stands('Sign in', /Harbor ID/);
  await listener.activates('button', 'Alice Moreau');
  await expect(page.getByRole('textbox', { name: 'Email', exact: true })).toHaveValue(alice.email);
  await listener.activates('button', 'Sign in');
  await listener.stands('Hello, Alice', /Harbor ID/);
  await listener.activates('button', 'Open Notes');

  await listener.stands('Your notes', /Notes/);
  await expect(session).toContainText('Alice Moreau · via Harbor ID');
  const text = `Heard by name ${randomUUID().slice(0, 8)}`;
  await page.getByRole('textbox', { name: 'New note', exact: true }).fill(text);
  await listener.activates('button', 'Add note');
  await expect(page.getByRole('listitem').filter({ hasText: text })).toHaveCount(1);
  await listener.activates('button', `Delete note: ${text}`);
  await expect(page.getByRole('listitem').filter({ hasText: text })).toHaveCount(0);

  await listener.activates('button', 'Sign out');
  await expect(page.getByRole('status')).toContainText('You are signed out of Notes.');
  await listener.activates('link', 'Sign in with Harbor ID');
  await listener.stands('Continue to Notes as Alice Moreau?', /Harbor ID/);
  await listener.activates('button', 'Cancel');
  await listener.stands('You cancelled the sign-in', /Notes/);
  await listener.activates('link', 'Start again');
  await listener.activates('button', 'Continue to Notes');
  await listener.stands('Your notes', /Notes/);
});

// Without JavaScript: the same; `evaluate` is the test's own script. It shows that the checks of
// every page would see something.
test('a page that loses something, or hides the focus, is noticed', { tag: '@engine' }, async ({ visitor }) => {
  const { page, signIn } = visitor;
  await signIn.open();
  expect(await losses(page, 320, 640)).toEqual([]);
  await page.evaluate(() => {
    const add = (text: string, style: Partial<CSSStyleDeclaration>) => {
      const element = Object.assign(document.createElement('div'), { textContent: text });
      Object.assign(element.style, style);
      document.querySelector('main')?.append(element);
    };
    add('wide', { inlineSize: '40rem' });
    add('a line that is cut', { inlineSize: '4rem', overflow: 'hidden', whiteSpace: 'nowrap' });
    add('a line that spills', { inlineSize: '4rem', whiteSpace: 'nowrap' });
    add('lines that are cut '.repeat(9), { blockSize: '1rem', overflowY: 'clip' });
    const [first, second] = document.querySelectorAll('input:not([type="hidden"])');
    Object.assign((first as HTMLElement).style, { outline: 'none' });
    Object.assign((second as HTMLElement).style, { position: 'absolute', top: '-9999px' });
  });
  const lost = (await losses(page, 320, 640)).join('\n');
  for (const loss of [
    /scrolls sideways/,
    /wide lies beyond the window/,
    /a line that is cut is cut off/,
    /a line that spills spills over its box/,
    /lines that are cut .* is cut off/,
  ]) {
    expect(lost).toMatch(loss);
  }
  await signIn.email.press('Shift+Tab');
  await page.keyboard.press('Tab');
  expect(await blindness(page)).toContainEqual(expect.stringContaining('has no ring'));
  await page.keyboard.press('Tab');
  // Firefox scrolls to where nothing is, Chromium does not.
  expect(await blindness(page)).toContainEqual(expect.stringContaining('is out of sight'));
});
