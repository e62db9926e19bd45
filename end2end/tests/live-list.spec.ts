import { alice, expect, sites, test } from '../fixtures/index.ts';

// Without JavaScript: the page does not change by itself; loaded again, it has the handoff.
test('the list of flows tells of a handoff while it is open', { tag: ['@engine', '@no-script'] }, async ({ visitor, notes, scripts }) => {
  const list = await visitor.page.context().newPage();
  await list.goto(`${sites.lab}/flows`);
  // The newest one. How many there are says nothing: the page holds no more than two hundred.
  const newest = list.getByRole('table', { name: 'Handoffs' }).getByRole('link').first();
  const before = await newest.or(list.getByRole('link', { name: 'Go to Harbor ID' })).getAttribute('href');
  await visitor.signInAs(alice);
  await visitor.portal.openApp('Notes');
  await notes.arrived(alice);
  if (!scripts) {
    await list.reload();
  }
  await expect(newest).not.toHaveAttribute('href', before ?? '');
  await expect(newest).toHaveAccessibleName(/^Notes/);
  await list.close();
});

// Without JavaScript: a link looks for it.
test('whoever waits for the next handoff sees it', { tag: ['@engine', '@no-script'] }, async ({ visitor, notes, scripts }) => {
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

// Without JavaScript: the page does not change by itself.
test('a handoff of the list keeps the focus while it goes on', { tag: '@engine' }, async ({ visitor }) => {
  const { flows } = await visitor.newTab();
  await visitor.step.switchOn('Harbor ID');
  await visitor.signInAs(alice);
  const before = await flows.newest();
  await flows.open();
  await visitor.portal.openApp('Notes');
  await visitor.step.stopsBetween('Harbor ID', 'Notes');
  const row = flows.rows.first();
  const link = row.getByRole('link');
  await expect(row).toContainText('Not finished');
  await expect(link).not.toHaveAttribute('href', before.replace(sites.lab, '') || 'none');
  await link.focus();
  await visitor.step.goOn();
  await visitor.step.stopsBetween('Harbor ID', 'Notes');
  await visitor.step.goOn();
  await visitor.notes.arrived(alice);
  await expect(row).toContainText('Signed in');
  await expect(link).toBeFocused();
});
