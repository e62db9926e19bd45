import { join } from 'node:path';

import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';

import { alice, bob, expect, mallory, sites, test, type Visitor } from '../fixtures/index.ts';

/** Every page, and how to get there. */
const pages: Record<string, (visitor: Visitor) => Promise<void>> = {
  'sign-in': async ({ signIn }) => {
    await signIn.open();
  },
  'sign-in-filled': async ({ signIn }) => {
    await signIn.open();
    await signIn.choose(alice);
  },
  'sign-in-for-notes': async ({ notes, signIn }) => {
    await notes.open();
    await notes.signInWithHarborId();
    await signIn.arrived();
  },
  'sign-in-refused': async ({ signIn, watch }) => {
    watch.expect(422);
    await signIn.open();
    await signIn.enter({ email: alice.email, password: 'not this one' });
    await expect(signIn.alert).toBeVisible();
  },
  'sign-in-after-sign-out': async (visitor) => {
    await visitor.signInAs(alice);
    await visitor.portal.signOut();
    await expect(visitor.signIn.notice).toBeVisible();
  },
  portal: async (visitor) => {
    await visitor.signInAs(alice);
  },
  sessions: async (visitor) => {
    await visitor.openNotesAs(bob);
    await visitor.sessions.open();
    await visitor.sessions.arrived();
  },
  'sessions-only-this': async (visitor) => {
    await visitor.openNotesAs(bob);
    await visitor.sessions.open();
    await visitor.sessions.endOthers();
    await visitor.sessions.open();
    await visitor.sessions.arrived();
  },
  'sessions-app-ended': async (visitor) => {
    await visitor.openNotesAs(bob);
    await visitor.sessions.open();
    await visitor.sessions.endApp(visitor.sessions.thisBrowser, 'Notes').click();
    await expect(visitor.sessions.notice).toBeVisible();
  },
  confirm: async (visitor) => {
    await visitor.signInAs(alice);
    await visitor.notes.open();
    await visitor.notes.signInWithHarborId();
    await visitor.confirm.arrived();
  },
  'sign-out': async (visitor) => {
    await visitor.signInAs(alice);
    await visitor.signOut.open();
    await visitor.signOut.arrived();
  },
  'sign-out-nobody': async ({ page }) => {
    await page.goto(`${sites.authority}/logout`);
    await expect(page.getByRole('heading', { level: 1 })).toContainText('You are not signed in');
  },
  'notes-signed-out': async ({ notes }) => {
    await notes.open();
    await notes.signedOut();
  },
  'notes-after-sign-out': async (visitor) => {
    await visitor.openNotesAs(alice);
    await visitor.notes.signOut();
    await expect(visitor.notes.notice).toBeVisible();
  },
  notes: async (visitor) => {
    const text = 'Ask the harbour master about the berth at pier 4';
    await visitor.openNotesAs(bob);
    if ((await visitor.notes.withText(text).count()) === 0) await visitor.notes.add(text);
    await expect(visitor.notes.withText(text)).toBeVisible();
  },
  'tasks-signed-out': async ({ tasks }) => {
    await tasks.open();
    await tasks.signedOut();
  },
  'tasks-empty': async (visitor) => {
    await visitor.signInAs(mallory);
    await visitor.portal.openApp('Tasks');
    await visitor.tasks.arrived(mallory);
  },
  'tasks-refused': async (visitor) => {
    visitor.watch.expect(422);
    await visitor.signInAs(mallory);
    await visitor.portal.openApp('Tasks');
    await visitor.tasks.add('   ');
    await expect(visitor.page.getByRole('alert')).toContainText('Write something first.');
  },
  tasks: async (visitor) => {
    await visitor.signInAs(bob);
    await visitor.portal.openApp('Tasks');
    await visitor.tasks.arrived(bob);
    const done = 'Ask the harbour master';
    for (const text of [
      'Renew the berth at pier 4',
      'Buy rope, paint, and a new mooring ring for the dinghy that lies at the end of the quay',
      done,
    ]) {
      if ((await visitor.tasks.withText(text).count()) === 0) await visitor.tasks.add(text);
      await expect(visitor.tasks.withText(text)).toBeVisible();
    }
    if ((await visitor.tasks.done.count()) === 0) await visitor.tasks.markDone(done);
    await expect(visitor.tasks.done).toContainText(done);
  },
  'problem-not-this-browser': async ({ page, problem }) => {
    await page.goto(`${sites.notes}/callback?handoff_token=none&state=none&iss=none`);
    await problem.explains('notThisBrowser');
  },
  'problem-cancelled': async (visitor) => {
    await visitor.signInAs(alice);
    await visitor.notes.open();
    await visitor.notes.signInWithHarborId();
    await visitor.confirm.cancel();
    await visitor.problem.explains('cancelled');
  },
  ...Object.fromEntries(
    (
      [
        ['refused', 'refused'],
        ['not-assigned', 'notAssigned'],
        ['too-many', 'tooMany'],
        ['authority-unreachable', 'authorityUnreachable'],
        ['nobody-to-switch-from', 'nobodyToSwitchFrom'],
        ['unavailable', 'unavailable'],
      ] as const
    ).map(([reason, heading]) => [
      `problem-${reason}`,
      async ({ page, problem }: Visitor) => {
        await page.goto(`${sites.notes}/signin/problem?trace=0123456789abcdef&reason=${reason}`);
        await problem.explains(heading);
      },
    ]),
  ),
  switch: async (visitor) => {
    await visitor.openNotesAs(alice);
    await visitor.openNotesAfter(alice, bob);
  },
  'no-such-page': async ({ page, error, watch }) => {
    watch.expect(404);
    await page.goto(`${sites.authority}/there-is-no-such-page`);
    await expect(error.trace).toBeVisible();
  },
  'lab-start': async ({ lab }) => {
    await lab.open();
  },
};

const schemes = ['light', 'dark'] as const;

/**
 * Firefox under automation does not learn the system's preference, so it gets the attribute that
 * wins over it. Colours change gradually; half-way they would fail the contrast that both ends keep.
 */
async function prefer(page: Page, scheme: (typeof schemes)[number]): Promise<void> {
  await page.emulateMedia({ colorScheme: scheme });
  await page.evaluate(async (theme) => {
    if (!matchMedia(`(prefers-color-scheme: ${theme})`).matches) {
      document.documentElement.dataset.theme = theme;
    }
    await Promise.allSettled(document.getAnimations().map((animation) => animation.finished));
  }, scheme);
}

/** What axe finds, short enough to read in a report. */
async function findings(page: Page): Promise<unknown[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations.map(({ id, help, nodes }) => ({
    id,
    help,
    where: nodes.map(({ html, failureSummary }) => ({ html, failureSummary })),
  }));
}

/** By how much the page is wider than its window, in CSS pixels. */
async function overhang(page: Page): Promise<number> {
  return page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    return scrollWidth - clientWidth;
  });
}

for (const [name, open] of Object.entries(pages)) {
  // Without JavaScript: the same. These pages are made on the server. As after every test, the
  // browser's console must be empty too.
  test(`${name}: fit for everybody, light and dark, narrow and wide`, async ({ visitor }, info) => {
    const { page } = visitor;
    await open(visitor);
    for (const scheme of schemes) {
      await prefer(page, scheme);
      expect.soft(await findings(page), `what axe finds (${scheme})`).toEqual([]);
    }
    await page.setViewportSize({ width: 320, height: 640 });
    expect.soft(await overhang(page), 'scrolls sideways at 320 px').toBe(0);

    // For people to look at; nothing is compared.
    if (info.project.name !== 'chromium') return;
    for (const scheme of schemes) {
      await prefer(page, scheme);
      for (const width of [360, 1280]) {
        await page.setViewportSize({ width, height: 800 });
        const path = join(info.project.outputDir, 'screens', `${name}-${scheme}-${width}.png`);
        await page.screenshot({ path, fullPage: true });
      }
    }
  });
}
