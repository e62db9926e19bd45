import { readFile } from 'node:fs/promises';

import { alice, expect, sites, test } from '../fixtures/index.ts';

/** Each would say so if it ran: in a page, in a picture, out of an attribute. */
const markup = `"'><script>alert(1)</script><img src=x onerror=alert(2)></text></svg><svg onload=alert(3)>`;
/** What turns the direction of writing, and what no page may have at all. */
const unseen = '\u{202e}\u{0}\u{1b}';

// Without JavaScript: the same. What a page of markup would do, it would do without scripts of ours.
test('what a stranger sends stands in the lab as text', { tag: ['@engine', '@no-script'] }, async ({ newVisitor, scripts }) => {
  const stranger = await newVisitor();
  const { page } = stranger;
  const ran: string[] = [];
  page.on('dialog', (dialog) => {
    ran.push(dialog.message());
    void dialog.dismiss();
  });
  const watching = await page.context().newPage();
  await watching.goto(`${sites.lab}/flows/next`);

  // A document's own headers are the browser's; these go with every request, and last only for this one.
  await page.setExtraHTTPHeaders({ 'accept-language': `en;${markup}`, tracestate: markup });
  stranger.watch.expect(400);
  const query = new URLSearchParams({ error_description: markup + unseen, [markup.slice(0, 30)]: markup });
  await page.goto(`${sites.notes}/handoff/start?${query}`);
  await page.setExtraHTTPHeaders({});
  if (!scripts) await watching.getByRole('link', { name: 'Look for it' }).click();
  await expect(watching.getByRole('heading', { level: 1, name: 'A handoff to Notes' })).toBeVisible();
  const flow = watching.url();
  await watching.close();

  await page.goto(flow);
  const shown = page.getByText('<img src=x onerror=alert(2)>');
  await expect(shown.first()).toBeAttached();
  await expect(page.locator('img[src="x"], svg[onload]')).toHaveCount(0);
  expect(await page.content()).not.toMatch(/[\u{202e}\u{0}\u{1b}]/u);

  // The picture by itself has no policy of a page around it: it is opened as one opens a file.
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Save the picture (SVG)' }).click(),
  ]);
  const file = await download.path();
  const picture = await readFile(file, 'utf8');
  expect(picture).toContain('<svg');
  expect(picture).not.toMatch(/<script|onload=alert|<img/);
  expect(ran).toEqual([]);
});

// Without JavaScript: the page does not change by itself; the test above loads it.
test('what a stranger sends stands as text in a page that is open', { tag: '@engine' }, async ({ newVisitor, visitor }) => {
  const ran: string[] = [];
  const { flow, flows, page } = await visitor.newTab();
  page.on('dialog', (dialog) => {
    ran.push(dialog.message());
    void dialog.dismiss();
  });
  const before = await flows.newest();
  await visitor.openNotesAs(alice);
  await flows.openNewerThan(before);
  await expect(flow.status).toHaveText('Complete. Later steps appear here too.');
  await expect(flow.messages).toHaveCount(10);

  const stranger = await newVisitor();
  await stranger.page.setExtraHTTPHeaders({ 'accept-language': `en;${markup}`, tracestate: markup });
  await stranger.page.goto(visitor.callbacks()[0] ?? '');
  await stranger.problem.explains('notThisBrowser');
  // It came by the stream: the page was not loaded again.
  await expect(flow.messages).toHaveCount(12);
  await expect(flow.message(11).getByText('<img src=x onerror=alert(2)>').first()).toBeAttached();
  await expect(page.locator('img[src="x"], svg[onload]')).toHaveCount(0);
  expect(ran).toEqual([]);
});
