import { expect, type Locator, type Page } from '@playwright/test';

import { sites } from '../support/sites.ts';

/** The lab's front page. */
export class LabPage {
  readonly heading: Locator;
  readonly verifier: Locator;
  readonly challenge: Locator;

  constructor(readonly page: Page) {
    this.heading = page.getByRole('heading', { level: 1, name: 'See a sign-in cross' });
    this.verifier = page.getByLabel('Verifier');
    this.challenge = page.getByLabel('Challenge');
  }

  async open(): Promise<void> {
    await this.page.goto(`${sites.lab}/`);
    await expect(this.heading).toBeVisible();
  }
}
