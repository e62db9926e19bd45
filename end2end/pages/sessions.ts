import { expect, type Locator, type Page } from '@playwright/test';

import { sites } from '../support/sites.ts';

/** Where a person is signed in: their browsers, and the apps that each of them opened. */
export class SessionsPage {
  readonly heading: Locator;
  /** What has just been ended. */
  readonly notice: Locator;
  /** The card of the browser that looks at the page. */
  readonly thisBrowser: Locator;
  /** The cards of all others. */
  readonly otherBrowsers: Locator;
  /** Stands there when there is no other. */
  readonly noOther: Locator;

  constructor(readonly page: Page) {
    const name = 'Where you are signed in';
    this.heading = page.getByRole('heading', { level: 1, name, exact: true });
    this.notice = page.getByRole('status');
    const cards = page.getByRole('main').getByRole('listitem').filter({ hasText: 'Last used' });
    this.thisBrowser = cards.filter({ hasText: 'This browser' });
    this.otherBrowsers = cards.filter({ hasNotText: 'This browser' });
    this.noOther = page.getByText('No other browser.', { exact: true });
  }

  /** Without a sign-in the browser ends up at the sign-in page. */
  async open(): Promise<void> {
    await this.page.goto(`${sites.authority}/sessions`);
  }

  async arrived(): Promise<void> {
    await expect(this.heading).toBeVisible();
    await expect(this.thisBrowser).toHaveCount(1);
  }

  /** The button that ends a card's sign-in, with all that hangs on it. */
  end(browser: Locator): Locator {
    return browser.getByRole('button', { name: /^End the sign-in begun .* UTC in / });
  }

  /** The button that ends a card's session at an app. */
  endApp(browser: Locator, app: string): Locator {
    return browser.getByRole('button', { name: new RegExp(`^End the ${app} session begun .* UTC in `) });
  }

  /** Ends every other browser's sign-in, one by one. */
  async endOthers(): Promise<void> {
    await this.arrived();
    for (let left = await this.otherBrowsers.count(); left > 0; left -= 1) {
      await this.end(this.otherBrowsers.first()).click();
      await expect(this.otherBrowsers).toHaveCount(left - 1);
    }
    await expect(this.noOther).toBeVisible();
  }
}
