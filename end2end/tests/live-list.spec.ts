import { alice, expect, sites, test } from '../fixtures/index.ts';

// Without JavaScript: the page does not change by itself; loaded again, it has the handoff.
test('the list of flows tells of a handoff while it is open', async ({ visitor, notes, scripts }) => {
  const list = await visitor.page.context().newPage();
  await list.goto(`${sites.lab}/flows`);
  const rows = list.getByRole('table', { name: 'Handoffs' }).getByRole('link', { name: /^Notes/ });
  const before = await rows.count();
  await visitor.signInAs(alice);
  await visitor.portal.openApp('Notes');
  await notes.arrived(alice);
  if (!scripts) {
    expect(await rows.count()).toBe(before);
    await list.reload();
  }
  await expect(rows).toHaveCount(before + 1);
  await list.close();
});

// Without JavaScript: a link looks for it.
test('whoever waits for the next handoff sees it', async ({ visitor, notes, scripts }) => {
  const waiting = await visitor.page.context().newPage();
  await visitor.signInAs(alice);
  await waiting.goto(`${sites.lab}/flows`);
  await waiting.getByRole('link', { name: 'Watch the next one' }).click();
  await expect(waiting.getByRole('heading', { level: 1, name: 'The next handoff' })).toBeVisible();
  const look = waiting.getByRole('link', { name: 'Look for it' });
  if (scripts) {
    await expect(waiting.getByText('Waiting.')).toBeVisible();
    await expect(look).toBeHidden();
  }
  await visitor.portal.openApp('Notes');
  await notes.arrived(alice);
  if (!scripts) await look.click();
  await expect(waiting.getByRole('heading', { level: 1, name: 'A handoff to Notes' })).toBeVisible();
  await waiting.close();
});
