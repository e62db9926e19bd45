import { randomUUID } from 'node:crypto';
import { request } from 'node:http';

import { alice, bob, expect, sites, test, type Visitor } from '../fixtures/index.ts';

// What only a browser decides: what it gives back by Back, what it sends at a second click, and what becomes
// of an address on its way over two origins. The rules themselves are tested in crates/relying_party.

const unique = (text: string) => `${text} ${randomUUID().slice(0, 8)}`;

/** Signs out at Harbor ID in a tab of its own, and waits until Notes has noticed in another. */
async function endsTheSession({ page }: Visitor): Promise<void> {
  const tab = await page.context().newPage();
  await tab.goto(`${sites.authority}/logout`);
  await tab.getByRole('button', { name: 'Sign out', exact: true }).click();
  await expect(async () => {
    await tab.goto(`${sites.notes}/`);
    await expect(tab.getByRole('link', { name: 'Sign in with Harbor ID' })).toBeVisible({
      timeout: 1000,
    });
  }).toPass({ timeout: 15_000 });
  await tab.close();
}

async function signsIn(page: Visitor['page'], persona: { email: string; password: string }) {
  await page.getByLabel('Email').fill(persona.email);
  await page.getByLabel('Password').fill(persona.password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
}

// Without JavaScript: the same. It is two forms and a link.
test('a note whose session ended is kept, and its author gets the form back filled in', { tag: '@engine' }, async ({
  visitor,
  notes,
}) => {
  visitor.watch.expect(403);
  await visitor.openNotesAs(alice);
  const text = unique('Not to be lost');
  await notes.newNote.fill(text);
  await endsTheSession(visitor);
  await notes.page.getByRole('button', { name: 'Add note', exact: true }).click();
  const { page } = visitor;
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('You are signed out of Notes');
  await expect(page.getByText(text)).toBeVisible();

  const tab = page.context().waitForEvent('page');
  await page.getByRole('link', { name: 'Sign in with Harbor ID again' }).click();
  const other = await tab;
  await signsIn(other, alice);
  await expect(other.getByRole('heading', { level: 1 })).toHaveText('You are signed in to Notes');
  await other.close();

  await page.getByRole('button', { name: 'Continue', exact: true }).click();
  await expect(notes.newNote).toHaveValue(text);
  await page.getByRole('button', { name: 'Add note', exact: true }).click();
  await expect(notes.withText(text)).toHaveCount(1);
  await notes.delete(text);
});

// Without JavaScript: the same. No page of Notes has a script.
test('unsent text comes back to its author, and to nobody else', { tag: '@engine' }, async ({
  visitor,
  notes,
  portal,
  browserName,
}) => {
  await visitor.openNotesAs(alice);
  const text = unique('For my eyes');
  await notes.newNote.fill(text);
  const { page } = visitor;
  await portal.open();
  await page.goBack();
  // Firefox gives back nothing of a page that must not be stored.
  if (browserName === 'chromium') await expect(notes.newNote).toHaveValue(text);

  await page.goto(`${sites.authority}/logout`);
  await page.getByRole('button', { name: 'Sign out', exact: true }).click();
  await signsIn(page, bob);
  await portal.arrived(bob);
  await portal.openApp('Notes');
  if (new URL(page.url()).pathname === '/switch') {
    await page.getByRole('button', { name: `Switch to ${bob.name}` }).click();
  }
  await notes.arrived(bob);
  for (let steps = 0; steps < 6; steps += 1) {
    if ((await page.goBack({ timeout: 10_000 }).catch(() => null)) === null) break;
    for (const field of await page.locator('textarea, input[type=text]').all()) {
      expect(await field.inputValue()).not.toContain(text);
    }
    await expect(page.getByText(text)).toHaveCount(0);
  }
});

// Without JavaScript: the same.
test('an address with an odd query survives the sign-in byte for byte', { tag: '@engine' }, async ({
  visitor,
}) => {
  const { page } = visitor;
  for (const target of ['/?page=2&flag&a=1&a=&b=%20+%C3%BC;c', '/resume?x=%26&%C3%BC']) {
    await page.context().clearCookies();
    await page.goto(`${sites.notes}${target}`);
    const asked = page.url();
    await page.getByRole('link', { name: 'Sign in with Harbor ID', exact: true }).click();
    await signsIn(page, alice);
    await expect(page).toHaveURL(asked);
    await expect(page.getByText(alice.name).first()).toBeVisible();
  }
  await page.context().clearCookies();
  await page.goto(`${sites.authority}/sessions?a=%20+`);
  await signsIn(page, alice);
  await expect(page).toHaveURL(`${sites.authority}/sessions?a=%20+`);
});

// Without JavaScript: the same.
test('a sign-in that was cancelled by a sign-out in another tab still arrives', { tag: '@engine' }, async ({
  visitor,
  notes,
}) => {
  const { page } = visitor;
  visitor.watch.expect(403);
  await page.goto(`${sites.notes}/?page=2`);
  await page.getByRole('link', { name: 'Sign in with Harbor ID', exact: true }).click();
  await expect(page.getByLabel('Email')).toBeVisible();
  // A second sign-in form of the same browser, which is used first.
  const tab = await page.context().newPage();
  await tab.goto(`${sites.notes}/`);
  await tab.getByRole('link', { name: 'Sign in with Harbor ID', exact: true }).click();
  await signsIn(tab, bob);
  await tab.getByRole('button', { name: 'Sign out', exact: true }).click();
  await expect(tab.getByText('You are signed out of Notes.')).toBeVisible();
  await tab.close();

  await signsIn(page, alice);
  await expect(page.getByText('Enter your password again.')).toBeVisible();
  await expect(page.getByLabel('Email')).toHaveValue(alice.email);
  await page.getByLabel('Password').fill(alice.password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  // The new start has no launch ticket: Harbor ID asks.
  const go = page.getByRole('button', { name: 'Continue to Notes', exact: true });
  await expect(go.or(notes.session)).toBeVisible();
  if (await go.isVisible()) await go.click();
  await notes.arrived(alice);
  await expect(page).toHaveURL(`${sites.notes}/?page=2`);
});

// Without JavaScript: the same. No page of Notes has a script.
test('three clicks on one form make one note', { tag: '@engine' }, async ({ visitor, notes }) => {
  await visitor.openNotesAs(alice);
  const text = unique('Only once');
  const { page } = visitor;
  await notes.newNote.fill(text);
  // Firefox tells nobody the body of a form that is on its way.
  const body = await page
    .locator('form[action="/notes"]')
    .evaluate((form: HTMLFormElement) =>
      new URLSearchParams([...new FormData(form)].map(([name, value]) => [name, String(value)])).toString(),
    );
  // The server gets each post at once, and its answer takes its time.
  let sent = 0;
  await page.route('**/notes', async (route) => {
    const asked = route.request();
    const { hostname, host, port, pathname } = new URL(asked.url());
    const headers = { ...(await asked.allHeaders()), host, 'content-length': String(body.length) };
    expect(hostname).toBe('notes.localhost');
    const [status, location] = await new Promise<[number, string]>((resolve, reject) => {
      const post = request({ host: '127.0.0.1', port, path: pathname, method: 'POST', headers });
      post.on('response', (answer) => {
        answer.resume();
        resolve([answer.statusCode ?? 0, answer.headers.location ?? '']);
      });
      post.on('error', reject);
      post.end(body);
    });
    sent += 1;
    await new Promise((resolve) => setTimeout(resolve, 700));
    // A click that came later has taken the place of this one.
    await route.fulfill({ status, headers: { location } }).catch(() => undefined);
  });
  const add = page.getByRole('button', { name: 'Add note', exact: true });
  const box = await add.boundingBox();
  if (box === null) throw new Error('the button has no box');
  // By the mouse: a locator's click waits for the answer to the one before.
  for (let click = 0; click < 3; click += 1) {
    await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
    await expect.poll(() => sent).toBe(click + 1);
  }
  await expect(notes.withText(text).first()).toBeVisible();
  await notes.open();
  await expect(notes.withText(text)).toHaveCount(1);
  await page.unroute('**/notes');
  await notes.delete(text);
});
