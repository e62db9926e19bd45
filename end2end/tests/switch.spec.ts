import { alice, bob, expect, sites, test } from '../fixtures/index.ts';

// Without JavaScript: the same. The question is a page with a form.
test("row 24: Bob's sign-in does not replace Alice's before somebody says so", async ({ visitor, notes }) => {
  await visitor.openNotesAs(alice);
  await visitor.openNotesAfter(alice, bob);
  await visitor.switch.switch();
  await notes.arrived(bob);
  await visitor.page.reload();
  await notes.arrived(bob);
});

// Without JavaScript: the same.
test('row 24: Alice may stay, and a second answer changes nothing', async ({ visitor, notes }) => {
  await visitor.openNotesAs(alice);
  await visitor.openNotesAfter(alice, bob);
  await visitor.switch.stay();
  await notes.arrived(alice);
  await visitor.page.reload();
  await notes.arrived(alice);
});

// Without JavaScript: the same.
test("row 24: Alice's Harbor ID cookie deleted without a sign-out, Bob signs in and opens Notes: the switch page names both and asks", async ({
  visitor,
  notes,
}) => {
  await visitor.openNotesAs(alice);
  await visitor.context.clearCookies({ name: '__Host-as_session' });
  await visitor.signInAs(bob);
  await visitor.portal.openApp('Notes');
  await visitor.switch.arrived(alice, bob);
  expect(visitor.page.url()).toBe(`${sites.notes}/switch`);
  for (const { name, email } of [alice, bob]) {
    await expect(visitor.page.getByRole('definition').filter({ hasText: email })).toContainText(name);
  }
  // Nobody has answered: Alice's session is the one that lives.
  await notes.open();
  await notes.arrived(alice);
});
