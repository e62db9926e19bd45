import { alice, expect, sites, test } from '../fixtures/index.ts';

// Without JavaScript: the same. The server shows the page again, with the address filled in.
test('a wrong password says so, keeps the address and signs nobody in', { tag: '@engine' }, async ({ visitor, portal }) => {
  visitor.watch.expect(422);
  const { signIn } = visitor;
  await signIn.open();
  await signIn.enter({ email: alice.email, password: 'not this one' });
  await expect(signIn.alert).toHaveText(
    'The email or the password is not right. Check both and try again.',
  );
  await expect(signIn.alert).toBeFocused();
  await expect(signIn.email).toHaveValue(alice.email);
  await expect(signIn.password).toHaveValue('');
  expect(await visitor.cookies(sites.authority)).not.toContain('__Host-as_session');

  await portal.open();
  await signIn.arrived();
});

// Without JavaScript: the same.
test('row 64: an address without an account gets the same words as a wrong password', async ({ visitor }) => {
  visitor.watch.expect(422);
  await visitor.signIn.open();
  await visitor.signIn.enter({ email: 'nobody@harbor.example', password: alice.password });
  await expect(visitor.signIn.alert).toHaveText(
    'The email or the password is not right. Check both and try again.',
  );
});

// Without JavaScript: the same. Everything from sign-in to sign-out is a form or a link.
test('rows 53 and 57: signing out of Notes keeps Harbor ID, and Harbor ID can be left from there', { tag: '@engine' }, async ({
  visitor,
  portal,
  notes,
}) => {
  await visitor.openNotesAs(alice);
  await notes.signOut();
  await notes.signedOut();
  await expect(notes.notice).toContainText(
    'You are signed out of Notes. You may still be signed in to Harbor ID.',
  );
  expect(await visitor.cookies(sites.notes)).not.toContain('__Host-rp_session');

  await portal.open();
  await portal.arrived(alice);
  await visitor.page.goBack();
  await notes.alsoSignOutOfHarborId();
  await visitor.signOut.arrived();
  await visitor.signOut.confirm();
  await visitor.signIn.arrived();
  await expect(visitor.signIn.notice).toHaveText('You are signed out of Harbor ID.');
  expect(await visitor.cookies(sites.authority)).not.toContain('__Host-as_session');

  await portal.open();
  await visitor.signIn.arrived();
});

// Without JavaScript: the same.
test('row 53: signing out in the portal ends the session there', async ({ signedIn }) => {
  const visitor = await signedIn(alice);
  await visitor.portal.signOut();
  await visitor.signIn.arrived();
  await expect(visitor.signIn.notice).toHaveText('You are signed out of Harbor ID.');
  await visitor.portal.open();
  await visitor.signIn.arrived();
});

// Without JavaScript: the same.
test('row 55: the sign-out page can be left without signing out', async ({ signedIn }) => {
  const visitor = await signedIn(alice);
  await visitor.signOut.open();
  await visitor.signOut.arrived();
  await visitor.signOut.stay();
  await visitor.portal.arrived(alice);
});

// Without JavaScript: the same.
test('a path that leads nowhere is explained on every site, with a trace id and a way on', async ({ visitor }) => {
  visitor.watch.expect(404);
  for (const [site, origin] of Object.entries(sites)) {
    const answer = await visitor.page.goto(`${origin}/there-is-no-such-page`);
    expect(answer?.status(), site).toBe(404);
    await expect(visitor.error.heading).toHaveText('There is no such page');
    await expect(visitor.error.trace).toBeVisible();
    await visitor.error.wayOn.click();
    await expect(visitor.page).toHaveURL(site === 'authority' ? `${origin}/login` : `${origin}/`);
  }
});
