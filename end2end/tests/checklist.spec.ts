import type { Request } from '@playwright/test';

import { alice, expect, sites, test, type Visitor } from '../fixtures/index.ts';

/** What a script on the page that stands open could find: web storage, and cookies that it may read. */
function readableByScripts(visitor: Visitor): Promise<string[]> {
  return visitor.page.evaluate(() => [
    ...Object.keys(localStorage),
    ...Object.keys(sessionStorage),
    ...document.cookie.split('; ').filter((cookie) => cookie !== ''),
  ]);
}

// Without JavaScript: the same. Nothing but our own sites is ever asked for anything.
test('row 10: from sign-in to Notes and back no other origin is asked for anything', { tag: '@engine' }, async ({
  visitor,
  notes,
}) => {
  await visitor.openNotesAs(alice);
  await visitor.page.reload();
  await notes.arrived(alice);
  await visitor.page.goBack();
  await visitor.portal.arrived(alice);
  const origins = new Set(visitor.watch.requests.map((address) => new URL(address).origin));
  expect([...origins].sort()).toEqual([sites.authority, sites.notes].sort());
});

// Without JavaScript: the same. Cookies and headers need none.
test('row 57: signing out leaves the cookies of other hosts of the site alone', { tag: '@engine' }, async ({ signedIn }) => {
  const visitor = await signedIn(alice);
  const others = [`evil.${new URL(sites.authority).hostname}`, new URL(sites.lab).hostname];
  for (const domain of others) {
    await visitor.context.addCookies([
      { name: 'neighbour', value: '1', domain, path: '/', expires: -1, httpOnly: true, secure: true },
    ]);
  }
  const kept = async (): Promise<string[]> => {
    const cookies = await visitor.context.cookies();
    return cookies.filter(({ name }) => name === 'neighbour').map(({ domain }) => domain);
  };
  expect((await kept()).sort()).toEqual([...others].sort());
  await visitor.portal.signOut();
  await visitor.signIn.arrived();
  expect(await visitor.cookies(sites.authority)).not.toContain('__Host-as_session');
  expect((await kept()).sort()).toEqual([...others].sort());
});

// Without JavaScript: the same. The browser decides by the cookies' SameSite.
test('rows 60 and 61: browsers take Harbor ID and Notes for two sites, and bring the cookies across', { tag: '@engine' }, async ({
  signedIn,
}) => {
  const visitor = await signedIn(alice);
  const crossings: Request[] = [];
  visitor.page.on('request', (request) => {
    const { origin, pathname } = new URL(request.url());
    if (origin === sites.notes && ['/handoff/start', '/callback'].includes(pathname)) {
      crossings.push(request);
    }
  });
  await visitor.portal.openApp('Notes');
  await visitor.notes.arrived(alice);
  expect(crossings).toHaveLength(2);
  expect(await crossings[0]?.headerValue('sec-fetch-site')).toBe('cross-site');
  // Firefox says "none" at the end of a chain of redirects that changed sites several times.
  expect(['cross-site', 'none']).toContain(await crossings[1]?.headerValue('sec-fetch-site'));
  const pre = await crossings[1]?.headerValue('cookie');
  expect(pre, 'the pre-session came along from another site').toContain('__Host-rp_pre=');
});

// Without JavaScript: the same; `evaluate` is the test's own script.
test('row 70: no page leaves a token, or anything at all, where a script could read it', { tag: '@engine' }, async ({
  visitor,
  notes,
}) => {
  await visitor.signIn.open();
  expect(await readableByScripts(visitor)).toEqual([]);
  await visitor.openNotesAs(alice);
  expect(await readableByScripts(visitor)).toEqual([]);
  await visitor.portal.open();
  await visitor.portal.arrived(alice);
  expect(await readableByScripts(visitor)).toEqual([]);
  await notes.open();
  await notes.signOut();
  await notes.signedOut();
  expect(await readableByScripts(visitor)).toEqual([]);
});
