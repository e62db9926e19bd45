import { alice, bob, expect, mallory, sites, test } from '../fixtures/index.ts';

const SESSION = '__Host-rp_session';

// Without JavaScript: the same. The callback is answered by the server alone.
test("row 21: Mallory's callback address gives Alice no session, and spends nothing", async ({ signedIn }) => {
  const attacker = await signedIn(mallory);
  const callback = await attacker.holdCallback();
  expect(new URL(callback).searchParams.get('handoff_token')).toBeTruthy();

  const victim = await signedIn(alice);
  await victim.page.goto(callback);
  await victim.problem.explains('notThisBrowser');
  expect(await victim.cookies(sites.notes)).not.toContain(SESSION);
  await victim.problem.backToNotes();
  await victim.notes.signedOut();

  // The address was good: where it belongs, it works.
  await attacker.page.goto(callback);
  await attacker.notes.arrived(mallory);
});

// Without JavaScript: the same.
test("row 21: Mallory's callback address does not end the sign-in that Alice has under way", async ({
  newVisitor,
  signedIn,
}) => {
  const attacker = await signedIn(mallory);
  const callback = await attacker.holdCallback();

  const victim = await newVisitor();
  await victim.notes.open();
  await victim.notes.signInWithHarborId();
  await victim.signIn.arrived();
  const waiting = victim.page.url();
  await victim.page.goto(callback);
  await victim.problem.explains('notThisBrowser');
  expect(await victim.cookies(sites.notes)).not.toContain(SESSION);

  await victim.page.goto(waiting);
  await victim.signIn.enter(alice);
  await victim.notes.arrived(alice);
});

// Without JavaScript: the same.
test("row 21: Mallory's callback address leaves Alice signed in as herself", async ({ signedIn, visitor }) => {
  const attacker = await signedIn(mallory);
  const callback = await attacker.holdCallback();

  await visitor.openNotesAs(alice);
  await visitor.page.goto(callback);
  await visitor.problem.explains('signedInAlready');
  await visitor.notes.open();
  await visitor.notes.arrived(alice);
});

// Without JavaScript: the same.
test('row 20: a used callback address is refused in the browser that used it, which stays signed in', async ({
  visitor,
}) => {
  await visitor.openNotesAs(alice);
  const [used] = visitor.callbacks();
  await visitor.page.goto(used ?? '');
  await visitor.problem.explains('signedInAlready');
  await visitor.notes.open();
  await visitor.notes.arrived(alice);
});

// Without JavaScript: the same.
test('row 20: a used callback address gives another browser no session', async ({ newVisitor, visitor }) => {
  await visitor.openNotesAs(alice);
  const [used] = visitor.callbacks();

  const stranger = await newVisitor();
  await stranger.page.goto(used ?? '');
  await stranger.problem.explains('notThisBrowser');
  expect(await stranger.cookies(sites.notes)).not.toContain(SESSION);
  await stranger.notes.open();
  await stranger.notes.signedOut();

  const other = await newVisitor();
  await other.openNotesAs(bob);
  await other.page.goto(used ?? '');
  await other.problem.explains('signedInAlready');
  await other.notes.open();
  await other.notes.arrived(bob);

  await visitor.notes.open();
  await visitor.notes.arrived(alice);
});
