import { expect, type Locator, type Page } from '@playwright/test';

import { sites } from '../support/sites.ts';

/** The headings of the page, each one reason; at another application its name stands in them. */
export const reasons = {
  notThisBrowser: 'This sign-in was not started in this browser',
  refused: 'This sign-in link is no longer valid',
  cancelled: 'You cancelled the sign-in',
  notAssigned: 'Your account has no access to Notes',
  tooMany: 'Too many sign-in links came from your network',
  authorityUnreachable: 'Harbor ID does not answer',
  nobodyToSwitchFrom: 'Nobody is signed in to Notes any more',
  unavailable: 'Notes cannot sign you in at the moment',
} as const;

/** The page of an application that explains why a sign-in did not happen. */
export class ProblemPage {
  readonly heading: Locator;
  readonly trace: Locator;

  constructor(readonly page: Page) {
    this.heading = page.getByRole('heading', { level: 1 });
    this.trace = page.getByText(/^Trace id [0-9a-f]{16}$/);
  }

  /** The address says nothing but the reason and the trace id. */
  async explains(reason: keyof typeof reasons, app: 'Notes' | 'Tasks' = 'Notes'): Promise<void> {
    await expect(this.heading).toHaveText(reasons[reason].replace('Notes', app));
    await expect(this.trace).toBeVisible();
    const address = new URL(this.page.url());
    const site = app === 'Notes' ? sites.notes : sites.tasks;
    expect(address.origin + address.pathname).toBe(`${site}/signin/problem`);
    expect([...address.searchParams.keys()].sort()).toEqual(['reason', 'trace']);
  }

  async startAgain(): Promise<void> {
    await this.page.getByRole('link', { name: 'Start again', exact: true }).click();
  }

  async backToNotes(): Promise<void> {
    await this.page.getByRole('link', { name: 'Back to Notes', exact: true }).click();
  }
}
