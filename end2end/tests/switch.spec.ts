import { alice, bob, test } from '../fixtures/test.ts';

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
