import { expect, type Locator, type Page } from '@playwright/test';

/** The question that Harbor ID asks when nobody just chose to open the app. */
export class ConfirmPage {
  readonly heading: Locator;

  constructor(readonly page: Page) {
    this.heading = page.getByRole('heading', { level: 1, name: /^Continue to .* as .*\?$/ });
  }

  async arrived(): Promise<void> {
    await expect(this.heading).toBeVisible();
  }

  /** The form behind both buttons, for somebody who sends it without the browser. */
  async form(): Promise<{ address: string; fields: Record<string, string> }> {
    const button = this.page.getByRole('button', { name: 'Cancel', exact: true });
    return button.evaluate((element: HTMLButtonElement) => {
      const form = element.form as HTMLFormElement;
      const fields = [...new FormData(form)].map(([name, value]) => [name, String(value)]);
      return { address: form.action, fields: Object.fromEntries(fields) };
    });
  }

  async continue(): Promise<void> {
    await this.page.getByRole('button', { name: /^Continue to / }).click();
  }

  async cancel(): Promise<void> {
    await this.page.getByRole('button', { name: 'Cancel', exact: true }).click();
  }
}
