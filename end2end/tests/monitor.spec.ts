import { alice, expect, sites, test } from '../fixtures/index.ts';

// Without JavaScript: the numbers are those of the moment when the page was loaded, and the page says so.
test('the monitor changes by itself, and its largest text says whether all is well @engine @no-script', async ({ newVisitor }) => {
  const [watcher, visitor] = [await newVisitor(), await newVisitor()];
  await watcher.page.goto(`${sites.lab}/monitor`);
  const { monitor } = watcher;
  await monitor.arrived();
  if (!watcher.watch.scripts) {
    await expect(monitor.status).toHaveText('As it was when this page was loaded.');
    return;
  }
  await expect(monitor.status).toHaveText('Live: the page changes by itself.');
  const before = await monitor.well();
  await visitor.openNotesAs(alice);
  await expect.poll(() => monitor.well()).toBe(before + 1);

  // *Is all well?* is answered in the largest type.
  await expect(monitor.verdict).toHaveText(/^(All is well|Not all is well)$/);
  const sizes = await watcher.page.getByRole('main').evaluate((main) => {
    const texts = [...main.querySelectorAll('*')].filter((element) => element.textContent?.trim());
    return texts.map((element) => [element.className, parseFloat(getComputedStyle(element).fontSize)] as const);
  });
  const largest = Math.max(...sizes.map(([, size]) => size));
  expect(sizes.filter(([, size]) => size === largest).map(([name]) => name.split(' ')[0])).toEqual(['verdict']);
});
