import type { Locator, Page } from '@playwright/test';

/** The page for a request that no other page answers, on every site. */
export class ErrorPage {
  readonly heading: Locator;
  readonly trace: Locator;
  /** Out of the dead end. */
  readonly wayOn: Locator;

  constructor(readonly page: Page) {
    this.heading = page.getByRole('heading', { level: 1 });
    this.trace = page.getByText(/^Trace id [0-9a-f]{16}$/);
    this.wayOn = page.getByRole('main').getByRole('link');
  }
}
