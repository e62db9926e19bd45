import { alice, expect, sites, StepMode, test } from '../fixtures/index.ts';

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
  await step.switchOn('Harbor ID');
  await visitor.page.getByRole('button', { name: 'Switch it off', exact: true }).click();
  await expect(visitor.page.getByText('It is off at Harbor ID in this browser.')).toBeVisible();
  await visitor.openNotesAs(alice);
  await notes.arrived(alice);
});
