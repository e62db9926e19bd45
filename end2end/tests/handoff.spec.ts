import { alice, expect, mallory, sites, test, type Persona, type Visitor } from '../fixtures/index.ts';

/** Stands in Notes with nothing of the handoff left where a page, a link or a person could see it. */
async function leftNoTrace(visitor: Visitor): Promise<void> {
  const { page } = visitor;
  expect(page.url()).toBe(`${sites.notes}/`);
  const referrer = await page.evaluate(() => document.referrer);
  expect(['', `${sites.authority}/`, `${sites.notes}/`]).toContain(referrer);
  const entries = await page.evaluate(() => navigation.entries().map((entry) => entry.url));
  expect(entries.filter((address) => address?.includes('/callback'))).toEqual([]);
}

async function staysSignedIn(visitor: Visitor, persona: Persona): Promise<void> {
  await visitor.page.reload();
  await visitor.notes.arrived(persona);
}

// Without JavaScript: the same. Sign-in, Open Notes and the way between are forms and redirects.
test('Alice types her password, opens Notes and is known there', { tag: '@engine' }, async ({ visitor, portal, notes }) => {
  await visitor.signIn.open();
  await visitor.signIn.enter(alice);
  await portal.arrived(alice);
  await portal.openApp('Notes');
  await notes.arrived(alice);
  await leftNoTrace(visitor);
  await staysSignedIn(visitor, alice);
});

// Without JavaScript: the same. The demo button is a GET that shows the page with the form filled.
test('Alice lets the demo button fill the form, opens Notes and is known there', async ({
  visitor,
  portal,
  notes,
}) => {
  await visitor.signIn.open();
  await visitor.signIn.choose(alice);
  await visitor.signIn.submit.click();
  await portal.arrived(alice);
  await portal.openApp('Notes');
  await notes.arrived(alice);
  await leftNoTrace(visitor);
  await staysSignedIn(visitor, alice);
});

// Without JavaScript: the same. The callback answers with a redirect and is no entry of the history.
test('row 8: Back leads from Notes to the portal, not to the callback', { tag: '@engine' }, async ({ visitor }) => {
  await visitor.openNotesAs(alice);
  expect(visitor.callbacks()).toHaveLength(1);
  await visitor.page.goBack();
  await visitor.portal.arrived(alice);
  await visitor.page.goForward();
  await visitor.notes.arrived(alice);
  expect(visitor.callbacks(), 'the callback was not opened again').toHaveLength(1);
  await leftNoTrace(visitor);
});

// Without JavaScript: the same.
test('one click in the portal is enough: nobody is asked anything on the way', async ({ signedIn }) => {
  const visitor = await signedIn(alice);
  const way = await visitor.watch.way(async () => {
    await visitor.portal.openApp('Notes');
    await visitor.notes.arrived(alice);
  });
  expect(way).toEqual([
    `${sites.authority}/apps/notes/open`,
    `${sites.notes}/handoff/start`,
    `${sites.authority}/handoff/authorize`,
    `${sites.notes}/callback`,
    `${sites.notes}/`,
  ]);
});

// Without JavaScript: the same. What waits for the sign-in goes round in the form.
test('starting at Notes leads through the sign-in and back, with no extra click', { tag: '@engine' }, async ({
  visitor,
  notes,
}) => {
  await notes.open();
  await notes.signedOut();
  await notes.signInWithHarborId();
  await expect(visitor.signIn.continuesTo('Notes')).toBeVisible();
  await visitor.signIn.enter(alice);
  await notes.arrived(alice);
  await leftNoTrace(visitor);
  await staysSignedIn(visitor, alice);
});

// Without JavaScript: the same. The demo button brings along what waits for the sign-in.
test('starting at Notes also works with the demo button, and after a wrong password', async ({
  visitor,
  notes,
}) => {
  visitor.watch.expect(422);
  await notes.open();
  await notes.signInWithHarborId();
  await visitor.signIn.enter({ email: alice.email, password: 'not this one' });
  await expect(visitor.signIn.alert).toBeVisible();
  await expect(visitor.signIn.continuesTo('Notes')).toBeVisible();
  await visitor.signIn.choose(alice);
  await expect(visitor.signIn.continuesTo('Notes')).toBeVisible();
  await visitor.signIn.submit.click();
  await notes.arrived(alice);
});

// Without JavaScript: the same. The question is a page with a form.
test('row 25: whoever is signed in at Harbor ID and starts at Notes is asked first', { tag: '@engine' }, async ({ signedIn }) => {
  const visitor = await signedIn(alice);
  await visitor.notes.open();
  await visitor.notes.signInWithHarborId();
  await expect(visitor.confirm.heading).toHaveText('Continue to Notes as Alice Moreau?');
  expect(visitor.callbacks(), 'no token was made').toEqual([]);
  await visitor.confirm.continue();
  await visitor.notes.arrived(alice);
  await leftNoTrace(visitor);
  await staysSignedIn(visitor, alice);
});

// Without JavaScript: the same.
test('Cancel signs nobody in and says so, and one can start again', { tag: '@engine' }, async ({ signedIn }) => {
  const visitor = await signedIn(alice);
  await visitor.notes.open();
  await visitor.notes.signInWithHarborId();
  await visitor.confirm.arrived();
  await visitor.confirm.cancel();
  await visitor.problem.explains('cancelled');
  await visitor.problem.backToNotes();
  await visitor.notes.signedOut();
  expect(visitor.callbacks().map((address) => [...new URL(address).searchParams.keys()])).toEqual([
    ['error', 'state', 'iss'],
  ]);

  await visitor.page.goBack();
  await visitor.problem.startAgain();
  await visitor.confirm.continue();
  await visitor.notes.arrived(alice);
});

// Without JavaScript: the same.
test('row 25: a launch ticket opens Notes once; the second time Harbor ID asks', async ({ signedIn }) => {
  const visitor = await signedIn(alice);
  await visitor.portal.openApp('Notes');
  await visitor.notes.arrived(alice);
  const launch = visitor.watch.requests.find((address) => address.includes('launch='));
  expect(launch).toContain(`${sites.notes}/handoff/start?`);
  await visitor.page.goto(launch ?? '');
  await visitor.confirm.arrived();
});

// Without JavaScript: the same.
test("row 25: another person's launch ticket does not open Notes silently", async ({ signedIn }) => {
  const other = await signedIn(mallory);
  await other.portal.openApp('Notes');
  await other.notes.arrived(mallory);
  const launch = other.watch.requests.find((address) => address.includes('launch='));
  const visitor = await signedIn(alice);
  await visitor.page.goto(launch ?? '');
  await expect(visitor.confirm.heading).toHaveText('Continue to Notes as Alice Moreau?');
});

// Without JavaScript: the same.
test('the portal tells which handoff was opened and which was cancelled', async ({
  visitor,
  portal,
}) => {
  await visitor.openNotesAs(alice);
  await visitor.page.goto(`${sites.tasks}/handoff/start`);
  await visitor.confirm.cancel();
  await visitor.problem.explains('cancelled', 'Tasks');
  await portal.open();
  await expect(portal.recent.nth(0)).toContainText(/Tasks\s*You cancelled it/);
  await expect(portal.recent.nth(1)).toContainText(/Notes\s*Opened/);
});
