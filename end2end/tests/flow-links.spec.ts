/** From where one is to what was recorded of the handoff that led there, or that failed. */

import { alice, bob, expect, mallory, sites, test, type Visitor } from '../fixtures/index.ts';

/** Stands at a flow of the lab; tells its address. */
async function flow(visitor: Visitor, name: string | RegExp): Promise<string> {
  await expect(visitor.page.getByRole('heading', { level: 1, name, exact: true })).toBeVisible();
  // Whoever leaves before the picture is awake breaks what it is still loading.
  if (visitor.watch.scripts) await expect(visitor.page.getByText('arrow keys walk')).toBeVisible();
  const address = visitor.page.url();
  expect(address).toMatch(new RegExp(`^${sites.lab}/flows/[0-9a-f]{16,32}$`));
  return address;
}

// Without JavaScript: the same. The ways are links, and the finished picture needs none.
test('Notes leads to the handoff that gave this session, and each person to their own', { tag: '@no-script' }, async ({ visitor, newVisitor }) => {
  await visitor.openNotesAs(alice);
  await visitor.notes.howDidIGetHere();
  const alices = await flow(visitor, 'A handoff to Notes');
  // What the picture is of, in words.
  await expect(visitor.page.getByRole('main')).toContainText('Harbor ID');

  const other = await newVisitor();
  await other.openNotesAs(bob);
  await other.notes.howDidIGetHere();
  expect(await flow(other, 'A handoff to Notes')).not.toBe(alices);

  await visitor.notes.open();
  await visitor.notes.howDidIGetHere();
  expect(await flow(visitor, 'A handoff to Notes')).toBe(alices);
});

// Without JavaScript: the same.
test('Tasks leads to the handoff that gave its session, the portal to each of the last', async ({ visitor }) => {
  await visitor.openNotesAs(alice);
  await visitor.notes.howDidIGetHere();
  const notes = await flow(visitor, 'A handoff to Notes');
  await visitor.portal.open();
  await visitor.portal.openApp('Tasks');
  await visitor.tasks.arrived(alice);
  await visitor.tasks.howDidIGetHere();
  const tasks = await flow(visitor, 'A handoff to Tasks');

  await visitor.portal.open();
  await visitor.portal.stepByStep(0);
  expect(await flow(visitor, 'A handoff to Tasks')).toBe(tasks);
  await visitor.portal.open();
  await visitor.portal.stepByStep(1);
  expect(await flow(visitor, 'A handoff to Notes')).toBe(notes);
});

// Without JavaScript: the same.
test("an application's page about a refused sign-in leads to what was refused", async ({ signedIn }) => {
  const attacker = await signedIn(mallory);
  const callback = await attacker.holdCallback();
  const victim = await signedIn(alice);
  await victim.page.goto(callback);
  await victim.problem.explains('notThisBrowser');
  await victim.problem.recorded.click();
  await flow(victim, 'A handoff to Notes');
  // The step that refused it, by its rule.
  await expect(victim.page.getByRole('main')).toContainText('no_pre_session');
});

// Without JavaScript: the same.
test("Harbor ID's page about a failure leads to it too; a page that is no part of a handoff leads nowhere", async ({
  visitor,
}) => {
  visitor.watch.expect(400);
  visitor.watch.expect(404);
  await visitor.page.goto(`${sites.authority}/handoff/authorize?client_id=nobody`);
  await expect(visitor.error.heading).toHaveText('This application is not known here');
  await visitor.error.recorded.click();
  await flow(visitor, /^A handoff/);
  await expect(visitor.page.getByRole('main')).toContainText('unknown_client');

  await visitor.page.goto(`${sites.authority}/nowhere`);
  await expect(visitor.error.trace).toBeVisible();
  await expect(visitor.error.recorded).toHaveCount(0);
});
