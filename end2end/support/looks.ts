/** How a page stands on the screen: its theme, its width, its focus, and what axe says. */

import { AxeBuilder } from '@axe-core/playwright';
import { expect, type Locator, type Page } from '@playwright/test';

export const themes = ['light', 'dark'] as const;
export type Theme = (typeof themes)[number];

/**
 * Firefox under automation does not learn the system's preference, so it gets the attribute that
 * wins over it. Colours change gradually; half-way they would fail the contrast that both ends keep.
 */
export async function prefer(page: Page, theme: Theme): Promise<void> {
  await page.emulateMedia({ colorScheme: theme });
  await page.evaluate(async (theme) => {
    if (!matchMedia(`(prefers-color-scheme: ${theme})`).matches) {
      document.documentElement.dataset.theme = theme;
    }
    await Promise.allSettled(document.getAnimations().map((animation) => animation.finished));
  }, theme);
}

/**
 * What axe finds, short enough to read in a report. Its other mode opens a page of its own for each
 * report, for the sake of frames from elsewhere; we have none, and Firefox takes a second for it.
 */
export async function findings(page: Page, theme: Theme): Promise<unknown[]> {
  const axe = new AxeBuilder({ page }).setLegacyMode();
  // The document is the same in both themes: in the second, what is left to ask about is its colours.
  if (theme === 'dark') axe.withRules(['color-contrast', 'link-in-text-block']);
  const { violations } = await axe.analyze();
  return violations.map(({ id, help, nodes }) => ({
    id,
    help,
    where: nodes.map(({ html, failureSummary }) => ({ html, failureSummary })),
  }));
}

/**
 * What a window of this size loses of the page: that one must scroll sideways, what lies beyond its
 * edges, and text that its own box or the box of a parent cuts off. Empty when nothing is lost.
 */
export async function losses(page: Page, width: number, height: number): Promise<string[]> {
  await page.setViewportSize({ width, height });
  return page.evaluate(() => {
    const lost: string[] = [];
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth > clientWidth) lost.push(`scrolls sideways by ${scrollWidth - clientWidth} px`);
    /** Half a pixel is rounding. */
    const tolerance = 1;
    for (const element of document.body.querySelectorAll<HTMLElement>('*')) {
      // What only screen readers get, or only whoever comes by Tab, is not on the screen.
      if (element.closest('svg svg, svg > *, .skip, .unseen, [hidden]') !== null) continue;
      if (getComputedStyle(element).clipPath === 'inset(50%)') continue;
      const box = element.getBoundingClientRect();
      const style = getComputedStyle(element);
      if (box.width === 0 || box.height === 0 || style.visibility === 'hidden') continue;
      const what = `<${element.tagName.toLowerCase()}> ${element.textContent?.trim().slice(0, 40)}`;
      if (box.left < -tolerance || box.right > clientWidth + tolerance) {
        lost.push(`${what} lies beyond the window`);
      }
      // A field scrolls what it holds; that is no loss.
      if (element.matches('input, textarea, select')) continue;
      const isCut = (overflow: string) => overflow === 'hidden' || overflow === 'clip';
      const isWider = element.scrollWidth > element.clientWidth + tolerance;
      const isTaller = element.scrollHeight > element.clientHeight + tolerance;
      if ((isCut(style.overflowX) && isWider) || (isCut(style.overflowY) && isTaller)) {
        lost.push(`${what} is cut off`);
      }
      // An inline box has no client size.
      const isBox = style.display !== 'inline' && style.display !== 'contents';
      if (isBox && style.overflowX === 'visible' && isWider) lost.push(`${what} spills over its box`);
    }
    return lost;
  });
}

/** Whether the focus is there. */
async function hasFocus(target: Locator): Promise<boolean> {
  return target.evaluate((element) => element === document.activeElement);
}

/** Why one cannot see where the focus is; empty when one can. */
export async function blindness(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const element = document.activeElement;
    // Between the last stop and the first one it is in the browser's own bars.
    if (element === null || element === document.body) return [];
    const faults: string[] = [];
    const what = `<${element.tagName.toLowerCase()}> ${element.textContent?.trim().slice(0, 40)}`;
    if (!element.matches(':focus-visible')) faults.push(`${what} does not count as focused by keyboard`);
    // A button whose row is its click area has the ring around the row.
    const ring = [undefined, '::before', '::after']
      .map((part) => getComputedStyle(element, part))
      .find((style) => style.outlineStyle !== 'none' && Number.parseFloat(style.outlineWidth) >= 2);
    if (ring === undefined) faults.push(`${what} has no ring`);
    const behind = (from: Element | null): string => {
      for (let at = from; at !== null; at = at.parentElement) {
        const { backgroundColor } = getComputedStyle(at);
        if (!/^(?:transparent|rgba\(.*, 0\))$/.test(backgroundColor)) return backgroundColor;
      }
      return '';
    };
    if (ring?.outlineColor === behind(element.parentElement)) faults.push(`${what} has an invisible ring`);
    const { top, bottom, left, right } = element.getBoundingClientRect();
    const middle = [(left + right) / 2, (top + bottom) / 2] as const;
    const there = document.elementFromPoint(...middle);
    if (there === null || !(element.contains(there) || there.contains(element))) {
      faults.push(`${what} is out of sight or behind something`);
    }
    return faults;
  });
}

/**
 * Presses Tab until the focus is on `target`. At each stop on the way one must see where it is, and
 * it takes no more stops than a page has.
 */
export async function tabTo(target: Locator): Promise<void> {
  const page = target.page();
  await expect(target).toBeVisible();
  for (let stops = 0; stops < 60; stops += 1) {
    if (await hasFocus(target)) return;
    await page.keyboard.press('Tab');
    expect(await blindness(page), 'where is the focus?').toEqual([]);
  }
  throw new Error(`Tab does not reach ${String(target)}`);
}
