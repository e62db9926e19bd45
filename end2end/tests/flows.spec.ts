import { alice, expect, test, type Visitor } from '../fixtures/index.ts';

/** The handoff of *Open Notes*, message by message, as the picture's links are called. */
const openNotes = [
  '1. Browser to Harbor ID: POST /apps/notes/open. Harbor ID: launch ticket stored (rule 26).',
  '2. Harbor ID to Browser: 303 to /handoff/start, launch ticket ….',
  '3. Browser to Notes: GET /handoff/start, launch ticket …. Notes: state made (rule 20).',
  '4. Notes to Browser: 303 to /handoff/authorize, state …, launch ticket …, challenge …, sets rp_pre.',
  '5. Browser to Harbor ID: GET /handoff/authorize, state …, launch ticket …, challenge …. Harbor ID: handoff token issued (rules 1, 2, 25).',
  '6. Harbor ID to Browser: 303 to /callback, handoff token …, state ….',
  '7. Browser to Notes: GET /callback, handoff token …, state …. Notes: state matches browser (rule 20).',
  '8. Notes to Harbor ID, on the back channel: POST /auth/external/handoff/verify, handoff token …, state …, verifier …. Harbor ID: verify arrived. Harbor ID: token redeemed (rules 3, 6, 13, 80).',
  '9. Harbor ID to Notes, on the back channel: 200, access token …. Notes: session begins (rule 23).',
  '10. Notes to Browser: 303 to /, sets rp_session, ends rp_pre.',
];
const notFinished = 'Not finished: Notes has begun no session, and nothing was refused.';
const finished = /^Notes began a session after message 9, \d+(?:\.\d)? (?:ms|s) after the first one\.$/;

/**
 * Begins to open Notes and stands before the first redirect, which step mode has stopped. The answer
 * is a second tab, with the page of this handoff.
 */
async function beginStepping(visitor: Visitor, ...sites: ('Harbor ID' | 'Notes')[]): Promise<Visitor> {
  const tab = await visitor.newTab();
  await visitor.step.switchOn(...sites);
  await visitor.signInAs(alice);
  const before = await tab.flows.newest();
  await visitor.portal.openApp('Notes');
  await visitor.step.stopsBetween('Harbor ID', 'Notes');
  await tab.flows.openNewerThan(before);
  await tab.flow.arrived();
  await expect(tab.flow.outcome).toHaveText(notFinished);
  return tab;
}

// Without JavaScript: three tests below.
test('each message is drawn when it happens and not before, in its order', { tag: '@engine' }, async ({
  visitor,
}) => {
  const { step, notes } = visitor;
  const { flow, watch } = await beginStepping(visitor, 'Harbor ID', 'Notes');
  await expect(flow.status).toHaveText('Live: steps appear as they happen.');
  const loaded = watch.documents.length;

  // Step mode stops the browser, so that what has not happened cannot be there yet.
  await expect.poll(() => flow.says()).toEqual(openNotes.slice(0, 2));
  await expect(flow.opened).toHaveId('o2');
  await step.goOn();
  await step.stopsBetween('Notes', 'Harbor ID');
  await expect.poll(() => flow.says()).toEqual(openNotes.slice(0, 4));
  // What is open follows the newest message, to the one that decides the handoff.
  await expect(flow.opened).toHaveId('o4');
  await expect(flow.current).toHaveAccessibleName(/^4\. /);
  await step.goOn();
  await step.stopsBetween('Harbor ID', 'Notes');
  await expect.poll(() => flow.says()).toEqual(openNotes.slice(0, 6));
  await expect(flow.opened).toHaveId('o6');
  await expect(flow.outcome).toHaveText(notFinished);

  // The callback, the call from server to server and its answer, before the browser goes on.
  await step.goOn();
  await step.stopsAt('Notes');
  await expect.poll(() => flow.says()).toEqual(openNotes);
  await expect(flow.outcome).toHaveText(finished);
  await expect(flow.opened).toHaveId('o9');
  await expect(flow.opened.locator('> summary')).toBeInViewport();
  await step.goOn();
  await notes.arrived(alice);
  await flow.showWords();
  expect(await flow.reads()).toEqual(openNotes.map((message) => message.replace(/^\d+\. /, '')));
  expect(watch.documents, 'the page was not loaded again').toHaveLength(loaded);
});

// Without JavaScript: the page does not change by itself.
test('focus and what a reader opened stay while the picture grows', { tag: '@engine' }, async ({ visitor }) => {
  const { step } = visitor;
  const { flow, page } = await beginStepping(visitor, 'Harbor ID', 'Notes');
  await expect(flow.status).toHaveText('Live: steps appear as they happen.');
  // The newest message is open by itself. Whoever opens a box inside it has chosen it.
  await expect(flow.opened).toHaveId('o2');
  await flow.opened.getByText('Headers').click();
  const headers = flow.message(2).locator('.wire-headers');
  await expect(headers).toHaveAttribute('open');
  await flow.messages.nth(1).focus();
  await step.goOn();
  await step.stopsBetween('Notes', 'Harbor ID');
  await expect(flow.messages).toHaveCount(4);
  await expect(flow.messages.nth(1)).toBeFocused();
  await expect(flow.current).toHaveAccessibleName(/^2\. /);
  await expect(flow.opened).toHaveId('o2');
  await expect(headers).toHaveAttribute('open');

  // While it is paused, nothing changes; then all of it comes, and the button keeps the focus.
  await page.getByRole('button', { name: 'Pause' }).click();
  await step.goOn();
  await step.stopsBetween('Harbor ID', 'Notes');
  await expect(page.getByText(/^\d+ waiting$/)).toBeVisible();
  await expect(flow.messages).toHaveCount(4);
  await page.getByRole('button', { name: 'Go on' }).click();
  await expect.poll(() => flow.says()).toEqual(openNotes.slice(0, 6));
  await expect(page.getByRole('button', { name: 'Pause' })).toBeFocused();

  // A message that the browser opens by itself, as when it finds a text in it, stays open.
  await flow.message(4).evaluate((message) => message.setAttribute('open', ''));
  await expect(flow.opened).toHaveId('o4');

  // The focus of a message that the server has no more goes to the picture, to the last message at that moment.
  await page.evaluate(() => {
    const last = document.querySelector('.flow-message:last-child');
    const more = last?.cloneNode(true) as HTMLElement;
    more.id = 'o99';
    last?.after(more);
    more.querySelector('summary')?.focus();
  });
  await step.goOn();
  await step.stopsAt('Notes');
  await expect.poll(() => flow.says()).toEqual(openNotes);
  await expect(flow.message(99)).toHaveCount(0);
  await expect(flow.opened).toHaveId('o4');
  await expect(flow.drawing.locator('.flow-mark:focus')).toHaveCount(1);
});

// Without JavaScript: two tests below.
test('what happens without a stop is drawn in its order too', { tag: '@engine' }, async ({ visitor }) => {
  const { flow } = await beginStepping(visitor, 'Harbor ID');
  await expect.poll(() => flow.says()).toEqual(openNotes.slice(0, 2));
  await expect(flow.status).toHaveText('Live: steps appear as they happen.');
  const growth = await flow.watchGrowth();

  await visitor.step.goOn();
  await visitor.step.stopsBetween('Harbor ID', 'Notes');
  await expect(flow.messages).toHaveCount(6);
  await visitor.step.goOn();
  await visitor.notes.arrived(alice);
  await expect.poll(() => flow.says()).toEqual(openNotes);
  await expect(flow.status).toHaveText('Complete. Later steps appear here too.');

  // Of the last message, what its receiver made of it may still be missing.
  const pictures = await growth();
  expect(pictures.length).toBeGreaterThan(1);
  for (const names of pictures) {
    const last = names.pop() ?? '';
    expect(openNotes.slice(0, names.length), 'all but the last').toEqual(names);
    expect(openNotes[names.length]).toContain(last);
  }
});

// Without JavaScript: this is how it is. What there is when the page is loaded stands in it.
test('without a script, loading the page again shows the rest', { tag: '@only-no-script' }, async ({ visitor }) => {
  const { flow, page } = await beginStepping(visitor, 'Harbor ID');
  expect(await flow.says()).toEqual(openNotes.slice(0, 2));
  await expect(flow.status).toContainText('Load this page again');

  await visitor.step.goOn();
  await visitor.step.stopsBetween('Harbor ID', 'Notes');
  await visitor.step.goOn();
  await visitor.notes.arrived(alice);
  expect(await flow.says()).toEqual(openNotes.slice(0, 2));
  await page.reload();
  expect(await flow.says()).toEqual(openNotes);
  await expect(flow.outcome).toHaveText(finished);
  await flow.showWords();
  expect(await flow.reads()).toEqual(openNotes.map((message) => message.replace(/^\d+\. /, '')));
});

/** A callback address that was used before: which message it is, and what became of it. */
const again = [
  '11. Browser to Notes: GET /callback, handoff token …, state …. Notes: Refused: no sign-in under way here (rules 20, 21).',
  '12. Notes to Browser: 303 to /signin/problem.',
];
const stoppedAfterwards =
  'Notes began a session. What came later was stopped at message 11: no sign-in under way here.';

/** The picture and the list have the refusal at its message, which is open, with its rules. */
async function refusedAtTheSecondCallback({ flow }: Visitor): Promise<void> {
  await expect(flow.outcome).toHaveText(stoppedAfterwards);
  expect(await flow.says()).toEqual([...openNotes, ...again]);
  await expect(flow.current).toHaveAccessibleName(/^11\. /);
  await expect(flow.message(10)).not.toContainText('Refused');
  await expect(flow.summary(11)).toContainText('Refused here');
  await expect(flow.opened).toHaveCount(1);
  await expect(flow.opened).toContainText('Refused by Notes: no sign-in under way here');
  await expect(flow.opened).toContainText('Rule 20: state ≥128 bit');
  await expect(flow.opened).toContainText('Rule 21: Unsolicited callback never creates a session');
  await expect(flow.opened.getByRole('link', { name: /^OWASP ASVS 5\.0, / }).first()).toBeVisible();
}

// Without JavaScript: the same. The refusal leads to its handoff by its trace id.
test('a used callback address is refused in the picture at its step, with its rule', { tag: '@no-script' }, async ({ visitor }) => {
  await visitor.openNotesAs(alice);
  const [used] = visitor.callbacks();
  await visitor.page.goto(used ?? '');
  await visitor.problem.explains('signedInAlready');
  const trace = await visitor.problem.trace.textContent();
  await visitor.flow.openByTrace(trace ?? '');
  await refusedAtTheSecondCallback(visitor);
});

// Without JavaScript: the same, once the page is loaded again.
test("another visitor's replay comes into the picture that is open", { tag: '@no-script' }, async ({ newVisitor, scripts, visitor }) => {
  const tab = await beginStepping(visitor, 'Harbor ID');
  await visitor.step.goOn();
  await visitor.step.stopsBetween('Harbor ID', 'Notes');
  await visitor.step.goOn();
  await visitor.notes.arrived(alice);
  const [used] = visitor.callbacks();

  const stranger = await newVisitor();
  await stranger.page.goto(used ?? '');
  await stranger.problem.explains('notThisBrowser');
  if (!scripts) await tab.page.reload();
  await refusedAtTheSecondCallback(tab);
});

// Without JavaScript: the same, once the page is loaded again. The pages of step mode are forms.
test('a state that was changed on the way is refused in the picture that is open', { tag: '@no-script' }, async ({ scripts, visitor }) => {
  const { problem, step } = visitor;
  const { flow, page, watch } = await beginStepping(visitor, 'Harbor ID');
  const loaded = watch.documents.length;
  await step.goOn();
  await step.stopsBetween('Harbor ID', 'Notes');
  const state = await step.parameter('state').inputValue();
  await step.parameter('state').fill([...state].reverse().join(''));
  await step.goOn();
  await problem.explains('notThisBrowser');

  if (scripts) expect(watch.documents).toHaveLength(loaded);
  else await page.reload();
  await expect(flow.outcome).toHaveText(
    "Stopped at message 7: not this browser's state. Nobody was signed in by it.",
  );
  await expect.poll(() => flow.says()).toEqual([
    ...openNotes.slice(0, 6),
    "7. Browser to Notes: GET /callback, handoff token …, state … (changed on the way). Notes: Refused: not this browser's state (rules 20, 21).",
    '8. Notes to Browser: 303 to /signin/problem.',
  ]);
  await expect(flow.current).toHaveAccessibleName(/^7\. /);
  await expect(flow.opened).toContainText("Refused by Notes: not this browser's state");
  await expect(flow.opened).toContainText('Rule 20: state ≥128 bit');
  await expect(flow.opened).toContainText('Changed on the way: state has another value');
  // It shows: the same token, and another state than before.
  const fingerprint = async (message: number, kind: string) => {
    const name = await flow.messages.nth(message - 1).getAttribute('aria-label');
    return new RegExp(`${kind} ([0-9a-f]{6})`).exec(name ?? '')?.[1];
  };
  expect(await fingerprint(7, 'handoff token')).toBe(await fingerprint(6, 'handoff token'));
  expect(await fingerprint(7, 'state')).not.toBe(await fingerprint(6, 'state'));

  // The trace id that the refusal shows leads to the same page. Its address is the launch's no more.
  await page.reload();
  const trace = await problem.trace.textContent();
  await visitor.flow.openByTrace(trace ?? '');
  expect(visitor.page.url()).toBe(page.url());
});

// Without JavaScript: the message opens, and the picture marks the one that it marked before.
test('a message that the address names is open, and marked in the picture', { tag: '@engine' }, async ({
  visitor,
}) => {
  const before = await visitor.flows.newest();
  await visitor.openNotesAs(alice);
  await visitor.flows.openNewerThan(before);
  await expect(visitor.flow.outcome).toHaveText(finished);
  const { flow, page } = await visitor.newTab();
  await page.goto(`${visitor.page.url()}#m8`);
  await expect(flow.current).toHaveAccessibleName(/^8\. /);
  await expect(flow.opened).toHaveCount(1);
  await expect(flow.opened).toContainText('Notes presents the token');
});

// Without JavaScript: the marks are links, and Tab walks over them.
test('keys walk in the picture from the message that has the focus, and nowhere else', { tag: '@engine' }, async ({
  visitor,
}) => {
  const { flow, flows, page } = visitor;
  const before = await flows.newest();
  await visitor.openNotesAs(alice);
  await flows.openNewerThan(before);
  await expect(flow.outcome).toHaveText(finished);
  await expect(page.getByText('arrow keys walk from message to message')).toBeVisible();
  // The one that decided is open; the focus is elsewhere.
  await flow.messages.nth(2).focus();
  await page.keyboard.press('ArrowDown');
  await expect(flow.messages.nth(3)).toBeFocused();
  await expect(flow.current).toHaveAccessibleName(/^4\. /);
  await page.keyboard.press('8');
  await expect(flow.messages.nth(7)).toBeFocused();
  // In the list of messages these keys scroll, as everywhere.
  await flow.list.locator('summary').first().focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('2');
  await expect(flow.list.locator('summary').first()).toBeFocused();
  await expect(flow.current).toHaveAccessibleName(/^8\. /);
});

// Without JavaScript: the list of messages is no box, and all of it stands in the page.
test('a refusal that is far down in the list of messages is in view', { tag: '@engine' }, async ({ visitor }) => {
  await visitor.openNotesAs(alice);
  await visitor.page.goto(visitor.callbacks()[0] ?? '');
  await visitor.problem.explains('signedInAlready');
  const trace = await visitor.problem.trace.textContent();
  const { flow, page } = await visitor.newTab();
  await flow.openByTrace(trace ?? '');
  await expect(flow.opened.getByRole('heading', { level: 3 }).first()).toBeInViewport();
  expect(await page.evaluate(() => window.scrollY), 'the page stays at its top').toBe(0);
});

// Without JavaScript: the same. The style sheet does it.
test('the picture is as large as the reader wants text, and scrolls in its place', { tag: '@engine' }, async ({ visitor }) => {
  const { flow, flows, page } = visitor;
  const before = await flows.newest();
  await visitor.openNotesAs(alice);
  await flows.openNewerThan(before);
  await expect(flow.outcome).toHaveText(finished);
  const address = page.url();
  for (const width of [1280, 360]) {
    await page.setViewportSize({ width, height: 800 });
    await page.goto(`${address}?scale=100`);
    const plain = await flow.letters();
    for (const scale of [120, 140, 160]) {
      await page.goto(`${address}?scale=${scale}`);
      const percent = ((await flow.letters()) / plain) * 100;
      expect(Math.round(percent), `${width} px wide`).toBe(scale);
    }
    const widths = await flow.picture.locator('.flow-drawing').evaluate((drawing) => ({
      page: document.documentElement.scrollWidth - document.documentElement.clientWidth,
      shown: drawing.clientWidth,
      whole: drawing.scrollWidth,
    }));
    expect(widths.page).toBe(0);
    expect(widths.whole > widths.shown).toBe(width === 360);
  }
});

// Without JavaScript: the same. All of it is made on the server.
test('a finished handoff reads right without its picture', { tag: '@no-script' }, async ({ visitor }) => {
  const before = await visitor.flows.newest();
  await visitor.openNotesAs(alice);
  await visitor.flows.openNewerThan(before);
  await visitor.flow.arrived();
  await visitor.flow.showWords();
  const link = (message: string) => `        - 'link ${pattern(message)}'`;
  const line = (message: string) => {
    const text = pattern(message.replace(/^\d+\. /, ''), String.raw`(?:[\d.]+ (?:ms|s)\. )`);
    return `          - listitem: '${text}'`;
  };
  await expect(visitor.page.getByRole('main')).toMatchAriaSnapshot(String.raw`
    - paragraph:
      - link "All flows":
        - /url: /flows
    - heading "A handoff to Notes" [level=1]
    - paragraph:
      - text: /just now|seconds? ago/
      - time: /\d+ \w+ \d{4}, \d\d:\d\d UTC/
    - status:
      - paragraph: /Notes began a session after message 9, [\d.]+ m?s after the first one\./
    - region "Picture":
      - list "Secrets in the picture":
        - /children: equal
        - listitem: launch ticket
        - listitem: state
        - listitem: challenge
        - listitem: handoff token
        - listitem: verifier
        - listitem: access token
      - group "10 messages between Browser, Harbor ID, Notes":
        - /children: equal
${openNotes.map(link).join('\n')}
      - group:
        - text: The same in words
        - list:
          - /children: equal
${openNotes.map(line).join('\n')}
    - region "Messages":
      - heading "Messages" [level=2]
      - group:
        - text: "1"
        - strong: The person opens Notes
        - code: POST /apps/notes/open
        - text: Browser to Harbor ID · 0 ms
      - group:
        - text: "2"
        - strong: The browser is sent on
        - code: 303 → /handoff/start
        - text: /Harbor ID to Browser · [\d.]+ ms/
      - group:
        - text: "3"
        - strong: Notes is asked to begin
        - code: GET /handoff/start
        - text: /Browser to Notes · [\d.]+ ms/
      - group:
        - text: "4"
        - strong: The browser is sent on
        - code: 303 → /handoff/authorize
        - text: /Notes to Browser · [\d.]+ ms/
      - group:
        - text: "5"
        - strong: Notes asks Harbor ID who this is
        - code: GET /handoff/authorize
        - text: /Browser to Harbor ID · [\d.]+ ms/
      - group:
        - text: "6"
        - strong: The browser is sent on
        - code: 303 → /callback
        - text: /Harbor ID to Browser · [\d.]+ ms/
      - group:
        - text: "7"
        - strong: The browser returns to Notes
        - code: GET /callback
        - text: /Browser to Notes · [\d.]+ ms/
      - group:
        - text: "8"
        - strong: Notes presents the token
        - code: POST /auth/external/handoff/verify
        - text: /Notes to Harbor ID, back channel · [\d.]+ ms/
      - group:
        - text: "9"
        - strong: Harbor ID answers Notes
        - code: "200"
        - text: /Harbor ID to Notes, back channel · [\d.]+ ms/
        - paragraph: "The answer to verify is back at Notes, on the same way between the servers. When all is well it names the person and brings an access token; otherwise it never says which check failed."
        - 'heading "Notes: A session begins" [level=3]'
        - paragraph: "Notes begins a session of its own, under a new id. An id that somebody knew before the sign-in is worth nothing after it."
        - list:
          - listitem:
            - emphasis: Why is there always a new session id?
            - text: /Rule 23:/
            - list:
              - listitem:
                - link "OWASP ASVS 5.0, 7.2.4"
        - heading "The answer" [level=3]
        - paragraph:
          - code: "200"
        - heading "Fields of the body" [level=4]
        - term: access_token
        - definition: '/access token [0-9a-f]{6}/'
        - group: /Headers \(\d+\)/
        - paragraph:
          - text: Trace id
          - code: /[0-9a-f]{16}/
      - group:
        - text: "10"
        - strong: The browser is sent on
        - code: 303 → /
        - text: /Notes to Browser · [\d.]+ ms/
    - region "Keep it, share it":
      - heading "Keep it, share it" [level=2]
      - paragraph:
        - code: /http:\/\/lab\.localhost:\d+\/flows\/[0-9a-f]{32}/
      - list:
        - listitem:
          - link "Save the picture (SVG)"
        - listitem:
          - link "Save as Mermaid"
        - listitem:
          - link "Save the steps (JSON)"
  `);
});

/** A text as a snapshot matches it, with a fingerprint wherever it has an ellipsis. */
function pattern(text: string, before = ''): string {
  const literal = text.replace(/[.*+?^$()[\]{}|/\\]/g, '\\$&').replaceAll('…', '[0-9a-f]{6}');
  return `/^${before}${literal}$/`;
}
