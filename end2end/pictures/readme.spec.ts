import { fileURLToPath } from 'node:url';

import { alice, expect, test, type Visitor } from '../fixtures/index.ts';
import { prefer } from '../support/looks.ts';

/** The pictures in the README. They are looked at and committed; nothing is compared with them. */
async function take({ page }: Visitor, name: string): Promise<void> {
  await prefer(page, 'light');
  await page.setViewportSize({ width: 1280, height: 760 });
  const path = fileURLToPath(new URL(`../../docs/pictures/${name}.png`, import.meta.url));
  await page.screenshot({ path });
}

test('the portal and Notes, as the README shows them', async ({ visitor, portal, notes, tasks }) => {
  await visitor.signInAs(alice);
  await portal.openApp('Tasks');
  await tasks.arrived(alice);
  await portal.open();
  await portal.openApp('Notes');
  await notes.arrived(alice);
  for (const text of [
    'The tide turns at ten past four.',
    'Ask the harbour master about the berth at pier 4. The old one silts up.',
    'Rope, paint, and a new mooring ring for the dinghy.',
  ]) {
    await notes.add(text);
    await expect(notes.withText(text)).toBeVisible();
  }
  // Where the visitor stands after opening Notes, with nothing that happened a moment ago.
  await notes.open();
  await take(visitor, 'notes');
  await portal.open();
  await portal.arrived(alice);
  await take(visitor, 'portal');
});

test('the picture of a handoff, as the README shows it', async ({ visitor, portal, notes }) => {
  const before = await visitor.flows.newest();
  await visitor.signInAs(alice);
  await portal.openApp('Notes');
  await notes.arrived(alice);
  await visitor.flows.openNewerThan(before);
  await visitor.flow.arrived();
  await prefer(visitor.page, 'light');
  await visitor.page.setViewportSize({ width: 1280, height: 900 });
  const path = fileURLToPath(new URL('../../docs/pictures/flow.png', import.meta.url));
  await visitor.flow.picture.screenshot({ path });
});
