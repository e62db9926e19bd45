import { bob, expect, sites, test, type Visitor } from '../fixtures/index.ts';

/**
 * Opens Notes again and again, as a person at work does, until it has noticed. The program under test
 * runs with a recheck of a second (`support/serve.mjs`); with the usual 30 this would fail.
 */
async function notesNoticesWithinTheRecheck({ notes }: Visitor): Promise<void> {
  await expect(async () => {
    await notes.open();
    await expect(notes.signInLink).toBeVisible({ timeout: 1000 });
  }).toPass({ timeout: 15_000 });
  await notes.signedOut();
}

async function staysInNotes({ notes }: Visitor): Promise<void> {
  await notes.open();
  await notes.arrived(bob);
}

// Without JavaScript: the same. The list is a page, and each End is a form.
test('row 62: End on a Notes session in the portal signs Notes out within the recheck', async ({
  newVisitor,
}) => {
  const [here, there] = [await newVisitor(), await newVisitor()];
  await here.openNotesAs(bob);
  await there.openNotesAs(bob);

  await here.portal.open();
  await here.portal.yourSessions();
  await here.sessions.arrived();
  const end = here.sessions.endApp(here.sessions.thisBrowser, 'Notes');
  await end.click();
  await expect(here.sessions.notice).toContainText('That session has ended.');
  await expect(end).toHaveCount(0);

  await notesNoticesWithinTheRecheck(here);
  await staysInNotes(there);
  await here.portal.open();
  await here.portal.arrived(bob);
});

// Without JavaScript: the same.
test('row 62: End on another browser signs that browser out, and its Notes', async ({
  newVisitor,
  signedIn,
}) => {
  const here = await signedIn(bob);
  await here.sessions.open();
  await here.sessions.endOthers();
  const there = await newVisitor();
  await there.openNotesAs(bob);

  await here.sessions.open();
  await expect(here.sessions.otherBrowsers).toHaveCount(1);
  await here.sessions.end(here.sessions.otherBrowsers).click();
  await expect(here.sessions.notice).toContainText('That browser is signed out.');
  await expect(here.sessions.noOther).toBeVisible();

  await there.portal.open();
  await there.signIn.arrived();
  await notesNoticesWithinTheRecheck(there);
  await here.sessions.open();
  await here.sessions.arrived();
});

// Without JavaScript: the same.
test('row 62: End on this browser signs out of Harbor ID', async ({ signedIn }) => {
  const visitor = await signedIn(bob);
  await visitor.sessions.open();
  await visitor.sessions.end(visitor.sessions.thisBrowser).click();
  await expect(visitor.signIn.notice).toBeVisible();
  expect(await visitor.cookies(sites.authority)).not.toContain('__Host-as_session');
  await visitor.sessions.open();
  await visitor.signIn.arrived();
});
