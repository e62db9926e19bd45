import { join } from 'node:path';

import type { Page, TestInfo } from '@playwright/test';

import { alice, bob, expect, mallory, sites, StepMode, test, Visitor, type Persona } from '../fixtures/index.ts';
import { findings, losses, prefer, themes } from '../support/looks.ts';
import { addApp, addPerson, assign } from '../support/program.ts';

/** Somebody who has more apps than one sees at a glance; nobody else sees these. */
async function withManyApps(): Promise<Persona> {
  const person = await addPerson('Dora Lindqvist');
  for (const [name, description] of apps) await addApp(name, description, person.email);
  return person;
}
const apps = [
  ['Berths', 'Who lies where, and until when.'],
  ['Cargo', 'What is in which hold.'],
  ['Crew', 'Who is on board.'],
  ['Customs', 'What has to be declared before it may leave the free port, and on which of the forms.'],
  ['Fuel', 'How much is left.'],
  ['Harbour dues and mooring fees', 'What each ship owes.'],
  ['Tide tables', 'When to leave.'],
  ['Weather', 'Whether to leave.'],
] as const;

type Pages = Record<string, (visitor: Visitor) => Promise<void>>;

/** Every page, and how to get there. */
const pages: Pages = {
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
  'sign-in-must-wait': async (visitor) => {
    const { page, signIn, watch } = visitor;
    watch.expect(422);
    watch.expect(429);
    const guess = { email: 'guessed@harbor.example', password: 'not this one' };
    await signIn.open();
    const csrf = await page.locator('input[name="csrf"]').first().inputValue();
    const guesses = async () => (await visitor.sendForm(page.url(), { ...guess, csrf })).status();
    // The first waits are shorter than a browser takes to send a form. Each is twice the one before.
    await expect(async () => {
      while ((await guesses()) !== 429);
      await signIn.enter(guess);
      await expect(signIn.alert).toContainText('Too many sign-ins went wrong here.', { timeout: 1000 });
    }).toPass({ intervals: [0] });
  },
  'sign-in-session-ended': async (visitor) => {
    await visitor.signInAs(bob);
    const other = await Visitor.elsewhere(visitor);
    await other.signInAs(bob);
    await other.sessions.open();
    await other.sessions.endOthers();
    await other.context.close();
    await visitor.portal.open();
    await expect(visitor.signIn.notice).toContainText('Your session has ended.');
  },
  'sign-in-after-sign-out': async (visitor) => {
    await visitor.signInAs(alice);
    await visitor.portal.signOut();
    await expect(visitor.signIn.notice).toBeVisible();
  },
  portal: async (visitor) => {
    await visitor.openNotesAs(alice);
    await visitor.notes.signOut();
    await visitor.notes.signInWithHarborId();
    await visitor.confirm.cancel();
    // Firefox lets the redirects that are under way interrupt the next address.
    await visitor.problem.explains('cancelled');
    await visitor.portal.open();
    await visitor.portal.arrived(alice);
    await expect(visitor.page.getByRole('region', { name: 'Recent handoffs' })).toContainText('Notes');
  },
  'portal-first-time': async (visitor) => {
    await visitor.signInAs(await addPerson('Carol Ek'));
    await expect(visitor.page.getByText('No handoffs yet.')).toBeVisible();
  },
  'portal-no-apps': async (visitor) => {
    const everyones = ['notes', 'tasks'];
    for (const app of everyones) await assign(app, mallory.email);
    try {
      await visitor.signInAs(alice);
      await expect(visitor.page.getByText('No apps yet.')).toBeVisible();
    } finally {
      for (const app of everyones) await assign(app);
    }
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
  'notes-empty': async (visitor) => {
    await visitor.openNotesAs(mallory);
    await expect(visitor.page.getByText('No notes yet.')).toBeVisible();
  },
  'notes-refused': async (visitor) => {
    visitor.watch.expect(422);
    await visitor.openNotesAs(mallory);
    await visitor.notes.add('   ');
    await expect(visitor.page.getByRole('alert')).toContainText('Write something first.');
  },
  'notes-edit': async (visitor) => {
    const text = berth();
    await visitor.openNotesAs(bob);
    await visitor.notes.add(text);
    await visitor.page.getByRole('link', { name: `Edit note: ${text}`, exact: true }).click();
    await expect(visitor.page.getByLabel('Note', { exact: true })).toHaveValue(text);
  },
  'notes-deleted': async (visitor) => {
    const text = berth();
    await visitor.openNotesAs(bob);
    await visitor.notes.add(text);
    await visitor.notes.delete(text);
    await expect(visitor.notes.notice).toContainText(text);
  },
  'notes-edit-refused': async (visitor) => {
    visitor.watch.expect(422);
    const text = berth();
    await visitor.openNotesAs(bob);
    await visitor.notes.add(text);
    await visitor.page.getByRole('link', { name: `Edit note: ${text}`, exact: true }).click();
    await visitor.page.getByLabel('Note', { exact: true }).fill('   ');
    await visitor.page.getByRole('button', { name: 'Save', exact: true }).click();
    await expect(visitor.page.getByRole('alert')).toContainText('Write something first.');
  },
  'notes-many': async (visitor) => {
    await visitor.openNotesAs(await addPerson('Erin Dahl'));
    // Sent for the browser: by hand it takes a minute.
    const csrf = await visitor.page.locator('form:has([name="text"]) [name="csrf"]').inputValue();
    for (let berth = 1; berth <= 51; berth += 1) {
      const answer = await visitor.sendForm(`${sites.notes}/notes`, { csrf, text: `Berth ${berth} is free` });
      expect(answer.status()).toBe(303);
    }
    await visitor.notes.open();
    await visitor.page.getByRole('link', { name: 'Older', exact: true }).click();
    await expect(visitor.notes.withText('Berth 1 is free')).toBeVisible();
  },
  'tasks-edit': async (visitor) => {
    const text = berth();
    await visitor.signInAs(bob);
    await visitor.portal.openApp('Tasks');
    await visitor.tasks.add(text);
    await visitor.page.getByRole('link', { name: `Edit task: ${text}`, exact: true }).click();
    await expect(visitor.page.getByLabel('Task', { exact: true })).toHaveValue(text);
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
  switch: async (visitor) => {
    await visitor.openNotesAs(alice);
    await visitor.openNotesAfter(alice, bob);
  },
  'error-unknown-application': async ({ page, error, watch }) => {
    watch.expect(400);
    await page.goto(`${sites.authority}/handoff/authorize?client_id=nobody`);
    await expect(error.heading).toHaveText('This application is not known here');
  },
  'error-out-of-date': async (visitor) => {
    const { context, page, error, watch } = visitor;
    watch.expect(403);
    await visitor.signInAs(alice);
    await page.goto(`${sites.authority}/logout`);
    await context.clearCookies({ name: '__Host-as_session' });
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await expect(error.heading).toHaveText('This page is out of date');
  },
  'step-off': async ({ page }) => {
    await page.goto(`${sites.lab}/step`);
    await expect(page.getByRole('button', { name: 'Switch it on at all sites' })).toBeVisible();
  },
  'step-on': async ({ page }) => {
    await new StepMode(page).switchOnEverywhere();
  },
  'step-at-a-site': async ({ page }) => {
    await new StepMode(page).switchOnEverywhere();
    await page.goto(`${sites.notes}/lab/step`);
  },
  'step-held': async (visitor) => {
    const step = new StepMode(visitor.page);
    await step.switchOn('Notes');
    await visitor.signInAs(alice);
    await visitor.portal.openApp('Notes');
    await step.stopsBetween('Notes', 'Harbor ID');
  },
  'lab-start': async ({ lab }) => {
    await lab.open();
  },
  flows: async (visitor) => {
    await visitor.openNotesAs(alice);
    await visitor.notes.signOut();
    await visitor.notes.signInWithHarborId();
    await visitor.confirm.cancel();
    await visitor.problem.explains('cancelled');
    await visitor.notes.open();
    await visitor.notes.signInWithHarborId();
    await visitor.confirm.arrived();
    const { flows } = visitor;
    await flows.open();
    await comes(visitor, async () => {
      await expect(flows.rows.nth(0)).toContainText('Not finished', { timeout: 1000 });
      await expect(flows.rows.nth(1)).toContainText('Declined', { timeout: 1000 });
      await expect(flows.rows.nth(2)).toContainText('Signed in', { timeout: 1000 });
    });
  },
  'flow-under-way': async (visitor) => {
    await visitor.step.switchOn('Harbor ID');
    await openFlow(visitor, /^Not finished/, async () => {
      await visitor.signInAs(alice);
      await visitor.portal.openApp('Notes');
      await visitor.step.stopsBetween('Harbor ID', 'Notes');
    });
  },
  'flow-finished': (visitor) => openFinished(visitor),
  'flow-in-words': async (visitor) => {
    await openFinished(visitor);
    await visitor.flow.showWords();
    await expect(visitor.page.getByRole('listitem').filter({ hasText: 'session begins' })).toBeVisible();
  },
  'flow-message-open': async (visitor) => {
    await openFinished(visitor);
    await visitor.flow.open(8);
    await expect(visitor.flow.opened).toContainText('The token is redeemed');
    await visitor.flow.opened.getByText('Headers').click();
  },
  'flow-with-a-question': async (visitor) => {
    await visitor.openNotesAs(bob);
    await openFlow(visitor, /^Not finished/, () => visitor.openNotesAfter(bob, alice));
    await expect(visitor.flow.list).toContainText('303 → /switch');
  },
  'flow-refused': (visitor) =>
    openFlow(visitor, /was stopped at message 11/, async () => {
      await visitor.openNotesAs(alice);
      await visitor.page.goto(visitor.callbacks()[0] ?? '');
      await visitor.problem.explains('signedInAlready');
    }),
  'flow-cancelled': async (visitor) => {
    await visitor.signInAs(alice);
    await openFlow(visitor, /^Declined at message/, async () => {
      await visitor.notes.open();
      await visitor.notes.signInWithHarborId();
      await visitor.confirm.cancel();
      await visitor.problem.explains('cancelled');
    });
  },
  monitor: async (visitor) => {
    await visitor.openNotesAs(alice);
    await visitor.page.goto(visitor.callbacks()[0] ?? '');
    await visitor.problem.explains('signedInAlready');
    await visitor.monitor.open();
  },
};

async function openFinished(visitor: Visitor): Promise<void> {
  await openFlow(visitor, /^Notes began a session/, () => visitor.openNotesAs(alice));
}

/** What is recorded comes into an open page a moment later; without scripts, when it is loaded again. */
async function comes({ page, watch }: Visitor, expected: () => Promise<void>): Promise<void> {
  await expect(async () => {
    if (!watch.scripts) await page.reload();
    await expected();
  }).toPass();
}

/** Lets somebody begin a handoff, and opens its page, of which this came. */
async function openFlow(visitor: Visitor, outcome: RegExp, begin: () => Promise<void>): Promise<void> {
  const { flow, flows } = visitor;
  const before = await flows.newest();
  await begin();
  await flows.openNewerThan(before);
  await flow.arrived();
  await comes(visitor, () => expect(flow.outcome).toHaveText(outcome, { timeout: 1000 }));
}

/** A text that no other test has, so that its buttons are found among whatever else is there. */
function berth(): string {
  return `Berth ${Math.floor(Math.random() * 1e9)} is free`;
}

async function find({ page, portal }: Visitor, words: string, answer: string): Promise<void> {
  await portal.open();
  await page.getByLabel('Find an app').fill(words);
  await page.getByRole('button', { name: 'Find', exact: true }).click();
  await expect(page.getByText(answer)).toBeVisible();
}

/** Pages that are quickly reached from each other, or by their address: each group in one browser. */
const groups: Record<string, Pages> = {
  'many apps': {
    'portal-many-apps': async (visitor) => {
      await visitor.signInAs(await withManyApps());
      await expect(visitor.page.getByLabel('Find an app')).toBeVisible();
    },
    'portal-found': (visitor) => find(visitor, 'tide', '1 app matches “tide”.'),
    'portal-found-none': (visitor) => find(visitor, 'no such app', 'No app matches “no such app”.'),
  },
  'what went wrong': Object.fromEntries(
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
      async ({ page, problem }) => {
        await page.goto(`${sites.notes}/signin/problem?trace=0123456789abcdef&reason=${reason}`);
        await problem.explains(heading);
      },
    ]),
  ),
  'no such page': Object.fromEntries(
    Object.entries(sites).map(([site, origin]) => [
      `no-such-page-${site}`,
      async ({ page, error, watch }) => {
        watch.expect(404);
        await page.goto(`${origin}/there-is-no-such-page`);
        await expect(error.trace).toBeVisible();
      },
    ]),
  ),
  glossary: Object.fromEntries(
    Object.entries(sites).map(([site, origin]) => [
      `glossary-${site}`,
      async ({ page }) => {
        await page.goto(`${origin}/glossary`);
        await expect(page.getByRole('heading', { level: 1 })).toHaveText('Glossary');
      },
    ]),
  ),
};

/** The states of pages that have a script: these alone are looked at without scripts too. */
const withScripts = new Set([
  'lab-start',
  'flows',
  'flow-under-way',
  'flow-finished',
  'flow-in-words',
  'flow-message-open',
  'flow-with-a-question',
  'flow-refused',
  'flow-cancelled',
]);

/** A phone of the narrowest kind, and a window of 1280 × 800 px: zoomed, and with the largest text. */
const windows = [
  ['320 px', 320, 640, '100'],
  ['200 % zoom', 640, 400, '100'],
  ['text of 160 %', 1280, 800, '160'],
] as const;

/** `npm run screens`: pictures of every page for people to look at; nothing is compared. */
const takesScreens = Boolean(process.env.HANDOFF_LAB_SCREENS);

/** Looks at the page that stands open. */
async function fitForEverybody(name: string, { page }: Visitor, info: TestInfo): Promise<void> {
  // What axe reads, the document and its colours, is the same in every engine and without scripts.
  for (const theme of info.project.name === 'chromium' ? themes : []) {
    await prefer(page, theme);
    expect.soft(await findings(page, theme), `what axe finds on ${name} (${theme})`).toEqual([]);
  }
  for (const [window, width, height, scale] of windows) {
    await page.evaluate((scale) => (document.documentElement.dataset.scale = scale), scale);
    expect.soft(await losses(page, width, height), `what ${name} loses at ${window}`).toEqual([]);
  }

  if (takesScreens) await takeScreens(name, page, info);
}

async function takeScreens(name: string, page: Page, info: TestInfo): Promise<void> {
  await page.evaluate(() => (document.documentElement.dataset.scale = '100'));
  for (const theme of themes) {
    await prefer(page, theme);
    for (const width of [360, 768, 1280]) {
      await page.setViewportSize({ width, height: 800 });
      const path = join(info.project.outputDir, 'screens', `${name}-${theme}-${width}.png`);
      await page.screenshot({ path, fullPage: true });
    }
  }
  await prefer(page, 'light');
  await page.emulateMedia({ media: 'print' });
  await page.setViewportSize({ width: 680, height: 960 });
  const path = join(info.project.outputDir, 'screens', `${name}-print.png`);
  await page.screenshot({ path, fullPage: true });
  await page.emulateMedia({ media: null });
}

for (const [name, open] of Object.entries(pages)) {
  // Where lines break and boxes end, the engine decides. As after every test, the browser's console
  // must be empty too.
  const tag = withScripts.has(name) ? ['@engine', '@no-script'] : ['@engine'];
  test(`${name}: fit for everybody, light and dark, narrow and zoomed`, { tag }, async ({ visitor }, info) => {
    await open(visitor);
    await fitForEverybody(name, visitor, info);
  });
}

for (const [group, members] of Object.entries(groups)) {
  test(`${group}: fit for everybody, light and dark, narrow and zoomed`, { tag: '@engine' }, async ({ visitor }, info) => {
    for (const [name, open] of Object.entries(members)) {
      await open(visitor);
      await fitForEverybody(name, visitor, info);
    }
  });
}
