import { alice, bob, test, type Visitor } from '../fixtures/test.ts';

/** Alice is signed in at Notes; then Bob signs in at Harbor ID in the same browser and opens Notes. */
async function bobComesAfterAlice(visitor: Visitor): Promise<void> {
  await visitor.openNotesAs(alice);
  await visitor.portal.open();
  await visitor.portal.signOut();
  await visitor.signIn.arrived();
  await visitor.signIn.enter(bob);
  await visitor.portal.arrived(bob);
  await visitor.portal.openApp('Notes');
  await visitor.switch.arrived(alice, bob);
}

// Without JavaScript: the same. The question is a page with a form.
test("Bob's sign-in does not replace Alice's before somebody says so", async ({ visitor, notes }) => {
  await bobComesAfterAlice(visitor);
  await visitor.switch.switch();
  await notes.arrived(bob);
  await visitor.page.reload();
  await notes.arrived(bob);
});

// Without JavaScript: the same.
test('Alice may stay, and a second answer changes nothing', async ({ visitor, notes }) => {
  await bobComesAfterAlice(visitor);
  await visitor.switch.stay();
  await notes.arrived(alice);
  await visitor.page.reload();
  await notes.arrived(alice);
});
