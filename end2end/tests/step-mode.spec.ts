import { alice, expect, sites, StepMode, test } from '../fixtures/index.ts';

// The browser decides whether a chain of redirects through four sites keeps its cookies and its way back.
test('one click switches it on at all sites, and the page survives Back', { tag: '@engine' }, async ({ visitor }) => {
  const { page, portal, step } = visitor;
  await visitor.signInAs(alice);
  await page.goto(`${sites.lab}/step`);
  expect(await step.saysOfSites()).toEqual(['Harbor IDoff', 'Notesoff', 'Tasksoff']);
  await page.getByRole('button', { name: 'Switch it on at all sites', exact: true }).click();
  await expect(page).toHaveURL(`${sites.lab}/step`);
  expect(await step.saysOfSites()).toEqual(['Harbor IDon', 'Noteson', 'Taskson']);
  await page.getByRole('link', { name: 'Go to your apps at Harbor ID' }).click();
  await portal.openApp('Notes');
  await step.stopsBetween('Harbor ID', 'Notes');
  await page.goBack();
  await portal.arrived(alice);
  await page.goBack();
  await expect(page).toHaveURL(`${sites.lab}/step`);
  expect(await step.saysOfSites()).toEqual(['Harbor IDon', 'Noteson', 'Taskson']);
  await page.reload();
  expect(await step.saysOfSites()).toEqual(['Harbor IDon', 'Noteson', 'Taskson']);
  await page.getByRole('link', { name: 'Notes', exact: true }).click();
  await page.getByRole('link', { name: 'Step mode at all sites' }).click();
  await expect(page.getByRole('button', { name: 'Switch it off at all sites' })).toBeVisible();
});

// Without JavaScript: the same. The pages are forms and links.
test('a handoff stops before each redirect, and goes on to Notes', { tag: '@engine' }, async ({ visitor, notes }) => {
  const step = new StepMode(visitor.page);
  await step.switchOn('Harbor ID', 'Notes');
  await visitor.signInAs(alice);
  await visitor.portal.openApp('Notes');

  await step.stopsBetween('Harbor ID', 'Notes');
  await expect(step.nextRequest).toContainText(`GET ${sites.notes}/handoff/start`);
  await expect(step.parameter('launch')).toHaveValue(/^[\w-]{43}$/);
  await step.goOn();

  await step.stopsBetween('Notes', 'Harbor ID');
  await expect(visitor.page.getByText('__Host-rp_pre')).toBeVisible();
  const state = await step.parameter('state').inputValue();
  await expect(step.nextRequest.getByText('new', { exact: true })).not.toHaveCount(0);
  await step.goOn();

  await step.stopsBetween('Harbor ID', 'Notes');
  await expect(step.parameter('state')).toHaveValue(state);
  await step.goOn();

  await step.stopsAt('Notes');
  await step.goOn();
  await notes.arrived(alice);
});

// Without JavaScript: the same.
test('a state that the visitor changes is refused', async ({ visitor }) => {
  const step = new StepMode(visitor.page);
  await step.switchOn('Harbor ID');
  await visitor.signInAs(alice);
  await visitor.portal.openApp('Notes');
  await step.stopsBetween('Harbor ID', 'Notes');
  await step.goOn();

  await step.stopsBetween('Harbor ID', 'Notes');
  await step.parameter('state').fill('a state of my own');
  await step.goOn();
  await visitor.problem.explains('notThisBrowser');
});

// Without JavaScript: the same.
test('switched off, nothing stops', async ({ visitor, notes }) => {
  const step = new StepMode(visitor.page);
  await step.switchOnEverywhere();
  await visitor.page.getByRole('button', { name: 'Switch it off at all sites', exact: true }).click();
  await expect(visitor.page.getByRole('heading', { name: 'Step mode is off in this browser' })).toBeVisible();
  await visitor.openNotesAs(alice);
  await notes.arrived(alice);
});
