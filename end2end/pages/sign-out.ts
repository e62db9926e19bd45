import { expect, type Locator, type Page } from '@playwright/test';

import { sites } from '../support/sites.ts';

/** The page where Harbor ID asks whether to sign out. */
export class SignOutPage {
  readonly heading: Locator;

  constructor(readonly page: Page) {
    const name = 'Sign out of Harbor ID?';
    this.heading = page.getByRole('heading', { level: 1, name, exact: true });
  }

  async open(): Promise<void> {
    await this.page.goto(`${sites.authority}/logout`);
  }

  async arrived(): Promise<void> {
    await expect(this.heading).toBeVisible();
  }

  async confirm(): Promise<void> {
    await this.page.getByRole('button', { name: 'Sign out', exact: true }).click();
  }

  async stay(): Promise<void> {
    await this.page.getByRole('link', { name: 'Stay signed in', exact: true }).click();
  }
}
