import { randomUUID } from 'node:crypto';

import { alice, bob, expect, sites, test } from '../fixtures/index.ts';
import { assign } from '../support/program.ts';

/** The server keeps its tasks for the whole run, so each test writes its own. */
const unique = (text: string) => `${text} ${randomUUID().slice(0, 8)}`;

// Without JavaScript: the same. Opening an app is a form and redirects.
test('whoever has opened Notes opens Tasks with no second sign-in', async ({ visitor, portal, tasks }) => {
  await visitor.openNotesAs(alice);
  await portal.open();
  await portal.arrived(alice);
  const before = visitor.watch.requests.length;
  await portal.openApp('Tasks');
  await tasks.arrived(alice);
  const documents = visitor.watch.requests
    .slice(before)
    .map((address) => new URL(address))
    .filter(({ pathname }) => !pathname.startsWith('/assets/'))
    .map(({ origin, pathname }) => origin + pathname);
  expect(documents, 'nobody was asked anything').toEqual([
    `${sites.authority}/apps/tasks/open`,
    `${sites.tasks}/handoff/start`,
    `${sites.authority}/handoff/authorize`,
    `${sites.tasks}/callback`,
    `${sites.tasks}/`,
  ]);
  await visitor.notes.open();
  await visitor.notes.arrived(alice);
});

// Without JavaScript: the same. Adding, ticking and deleting are forms.
test('a task is added, ticked off, taken back and deleted', async ({ visitor, portal, tasks }) => {
  await visitor.signInAs(alice);
  await portal.openApp('Tasks');
  await tasks.arrived(alice);
  const text = unique('Buy <b>rope</b> & paint');
  await tasks.add(text);
  await expect(tasks.withText(text)).toBeVisible();
  await expect(tasks.newTask).toHaveValue('');
  await expect(tasks.done.filter({ hasText: text })).toHaveCount(0);

  await tasks.markDone(text);
  await expect(tasks.done).toContainText(text);
  await visitor.page.reload();
  await expect(tasks.done).toContainText(text);
  await tasks.markNotDone(text);
  await expect(tasks.done.filter({ hasText: text })).toHaveCount(0);
  await expect(tasks.withText(text)).toBeVisible();

  await tasks.delete(text);
  await expect(tasks.withText(text)).toHaveCount(0);
  await tasks.arrived(alice);
});

// Without JavaScript: the same. Undo is a form, too.
test('a task is changed, deleted and brought back', async ({ visitor, portal, tasks }) => {
  await visitor.signInAs(alice);
  await portal.openApp('Tasks');
  await tasks.arrived(alice);
  const [text, changed] = [unique('Rope'), unique('Paint')];
  await tasks.add(text);
  await tasks.edit(text, changed);
  await expect(tasks.withText(changed)).toBeVisible();
  await expect(tasks.withText(text)).toHaveCount(0);
  await tasks.delete(changed);
  await expect(tasks.withText(changed)).toHaveCount(0);
  await tasks.undo();
  await expect(tasks.withText(changed)).toBeVisible();
  await tasks.delete(changed);
});

// The operator gives Tasks to Alice alone, and back to everyone afterwards.
test.describe('with Tasks assigned to Alice alone', () => {
  test.afterEach(async () => {
    await assign('tasks');
  });

  // Without JavaScript: the same.
  test('row 79: an unassigned user is told so, from the portal', async ({ signedIn }) => {
    const visitor = await signedIn(bob);
    await expect(visitor.portal.app('Tasks')).toBeVisible();
    await assign('tasks', alice.email);

    // The page is from before.
    visitor.watch.expect(403);
    await visitor.portal.openApp('Tasks');
    await expect(visitor.error.heading).toHaveText('You cannot open this application');
    await expect(visitor.page.getByRole('main')).toContainText('Your account is not assigned to it.');
    await expect(visitor.error.trace).toBeVisible();

    await visitor.portal.open();
    await visitor.portal.arrived(bob);
    await expect(visitor.portal.app('Notes')).toBeVisible();
    await expect(visitor.portal.app('Tasks')).toHaveCount(0);
    await visitor.tasks.open();
    await visitor.tasks.signedOut();
  });

  // Without JavaScript: the same.
  test("row 79: an unassigned user is told so, from the RP's own button", async ({ visitor, tasks }) => {
    await assign('tasks', alice.email);
    for (const isSignedIn of [false, true]) {
      await tasks.open();
      await tasks.signInWithHarborId();
      if (!isSignedIn) await visitor.signIn.enter(bob);
      await visitor.problem.explains('notAssigned', 'Tasks');
    }
    await tasks.open();
    await tasks.signedOut();
  });

  // Without JavaScript: the same.
  test('row 79: whoever is assigned goes on as before', async ({ visitor, portal, tasks }) => {
    await assign('tasks', alice.email);
    await visitor.signInAs(alice);
    await portal.openApp('Tasks');
    await tasks.arrived(alice);
  });
});
