import { randomUUID } from 'node:crypto';

import { alice, bob, expect, test } from '../fixtures/index.ts';

/** The server keeps its notes for the whole run, so each test writes its own. */
const unique = (text: string) => `${text} ${randomUUID().slice(0, 8)}`;

// Without JavaScript: the same. Writing and deleting are forms.
test('a note is kept, shown as it was written, and deleted', async ({ visitor, notes }) => {
  await visitor.openNotesAs(alice);
  const text = unique('Buy <b>rope</b> & paint');
  await notes.add(text);
  await expect(notes.withText(text)).toBeVisible();
  await expect(notes.newNote).toHaveValue('');

  await visitor.page.reload();
  await expect(notes.withText(text)).toBeVisible();
  await notes.delete(text);
  await expect(notes.withText(text)).toHaveCount(0);
  await notes.arrived(alice);
});

// Without JavaScript: the same. Undo is a form, too.
test('a note is changed, deleted and brought back', async ({ visitor, notes }) => {
  await visitor.openNotesAs(alice);
  const [text, changed] = [unique('Rope'), unique('Paint')];
  await notes.add(text);
  await notes.edit(text, changed);
  await expect(notes.withText(changed)).toContainText('Edited');
  await expect(notes.withText(text)).toHaveCount(0);

  await notes.delete(changed);
  await expect(notes.withText(changed)).toHaveCount(0);
  await expect(notes.notice).toContainText(changed);
  await notes.undo();
  await expect(notes.notice).toContainText('The note is back.');
  await expect(notes.withText(changed)).toBeVisible();
  await notes.delete(changed);
});

// Without JavaScript: the same.
test("nobody reads another person's notes", async ({ newVisitor, visitor, notes }) => {
  await visitor.openNotesAs(alice);
  const text = unique('Only for me');
  await notes.add(text);
  await expect(notes.withText(text)).toBeVisible();

  const other = await newVisitor();
  await other.openNotesAs(bob);
  await expect(other.notes.withText(text)).toHaveCount(0);
  await notes.delete(text);
  await expect(notes.withText(text)).toHaveCount(0);
});
