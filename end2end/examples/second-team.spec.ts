// A second team's test of the way into Notes and back. It knows docs/TESTING.md and the package
// `@handoff-lab/fixtures`, and nothing else of this repository.

import { alice, bob, expect, sites, test } from '@handoff-lab/fixtures';

test('the way from the portal into Notes is four redirects over two origins', async ({ signedIn }) => {
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

  const [callback, ...others] = visitor.callbacks();
  expect(others).toEqual([]);
  expect([...new URL(callback ?? '').searchParams.keys()]).toEqual(['handoff_token', 'state', 'iss']);
});

test('two people at two browsers keep their notes apart', async ({ newVisitor }, { testId, project }) => {
  const text = `Only for Alice ${testId} ${project.name}`;
  const [hers, his] = [await newVisitor(), await newVisitor()];
  await hers.openNotesAs(alice);
  await his.openNotesAs(bob);
  await hers.notes.add(text);
  await expect(hers.notes.withText(text)).toBeVisible();
  await his.page.reload();
  await his.notes.arrived(bob);
  await expect(his.notes.withText(text)).toHaveCount(0);
});

test('a callback address is worth nothing in another browser', async ({ signedIn, newVisitor }) => {
  const sender = await signedIn(bob);
  const callback = await sender.holdCallback();
  const receiver = await newVisitor();
  await receiver.page.goto(callback);
  await receiver.problem.explains('notThisBrowser');
  await receiver.notes.open();
  await receiver.notes.signedOut();
});

test('when the session at Notes is over, one click and one question lead back', async ({ visitor }) => {
  await visitor.openNotesAs(alice);
  await visitor.sessionExpires(sites.notes);
  await visitor.notes.open();
  await visitor.notes.signedOut();
  await visitor.notes.signInWithHarborId();
  await visitor.confirm.arrived();
  await visitor.confirm.continue();
  await visitor.notes.arrived(alice);
});
