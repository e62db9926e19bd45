import { createHash } from 'node:crypto';

import { alice, expect, sites, test } from '../fixtures/index.ts';

/** RFC 7636, appendix B, which the lab's page opens with. */
const example = {
  verifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
  challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
};

// Without JavaScript: does not run; the next test is its counterpart.
test('the lab computes a challenge as one types', { tag: '@engine' }, async ({ visitor }) => {
  const { lab } = visitor;
  await lab.open();
  await expect(lab.challenge).toHaveText(example.challenge);
  await expect(lab.verifier).toBeEditable();
  const verifier = 'a-verifier-of-our-own.0123456789~abcdefghijklmnopq';
  await lab.verifier.fill(verifier);
  await expect(lab.challenge).toHaveText(createHash('sha256').update(verifier).digest('base64url'));
});

// Without JavaScript: the page reads with the standard's example; the field is closed for writing,
// because nothing stands behind it.
test('no script runs and the lab shows the example', { tag: '@only-no-script' }, async ({ visitor }) => {
  const { lab } = visitor;
  const answer = await visitor.page.goto(`${sites.lab}/`);
  const policies = await answer?.headerValue('content-security-policy');
  expect(policies, "the proxy's policy stands beside the page's own").toContain("script-src 'none'");
  await expect(lab.heading).toBeVisible();
  await expect(lab.verifier).toHaveValue(example.verifier);
  await expect(lab.challenge).toHaveText(example.challenge);

  // The page has scripts, and the browser refused them. (It may still fetch what the page preloads.)
  const refused = () => visitor.watch.violations.map(({ directive }) => directive);
  await expect.poll(refused).toContain('script-src');
  await expect(lab.verifier).not.toBeEditable();
});

// The one whole handoff without scripts, in both engines: every other page on the way has none anyway.
test('a whole handoff without scripts, and the lab shows it', { tag: '@both-no-script' }, async ({ visitor, notes }) => {
  const { flow, page, watch } = visitor;
  await visitor.openNotesAs(alice);
  await notes.howDidIGetHere();
  await flow.arrived();
  await expect(async () => {
    await page.reload();
    expect(await flow.says()).toHaveLength(10);
    await expect(flow.outcome).toHaveText(/^Notes began a session after message 9/, { timeout: 1000 });
  }).toPass();
  // The lab's page has scripts, and the browser refused them.
  await expect.poll(() => watch.violations.map(({ directive }) => directive)).toContain('script-src');
  await notes.open();
  await notes.signOut();
  await notes.signedOut();
});

test('sign-in, portal and Notes load no script and no wasm', async ({ visitor }) => {
  await visitor.openNotesAs(alice);
  await visitor.notes.signOut();
  await visitor.notes.signedOut();
  await visitor.notes.signInWithHarborId();
  await visitor.confirm.arrived();
  await visitor.signOut.open();
  await visitor.signOut.confirm();
  await visitor.signIn.arrived();

  const { requests } = visitor.watch;
  expect(requests.length).toBeGreaterThan(5);
  expect(requests.filter((address) => /\.(m?js|wasm)(\?|$)/.test(address))).toEqual([]);
});

// Without JavaScript: the same. It shows that the check after each test would see something.
test('a page that breaks its content security policy is noticed', { tag: '@engine' }, async ({ visitor }) => {
  const { signIn, page, watch } = visitor;
  await signIn.open();
  await page.evaluate(() => {
    document.body.append(Object.assign(new Image(), { src: 'http://elsewhere.localhost/' }));
  });
  await expect.poll(() => watch.violations.map(({ directive }) => directive)).toContain('img-src');
  expect(watch.complaints()).toHaveLength(1);
  // Not to be complained about once more.
  watch.violations.length = 0;
});
