import { expect, type Locator, type Page } from '@playwright/test';

import type { Persona } from '../fixtures/personas.ts';
import { sites } from '../support/sites.ts';

/** Harbor ID's sign-in page. */
export class SignInPage {
  readonly heading: Locator;
  readonly email: Locator;
  readonly password: Locator;
  readonly submit: Locator;
  /** Why the form did not go through. */
  readonly alert: Locator;
  /** What happened just before. */
  readonly notice: Locator;

  constructor(readonly page: Page) {
    this.heading = page.getByRole('heading', { level: 1, name: 'Sign in', exact: true });
    this.email = page.getByLabel('Email');
    this.password = page.getByLabel('Password');
    this.submit = page.getByRole('button', { name: 'Sign in', exact: true });
    this.alert = page.getByRole('alert');
    this.notice = page.getByRole('status');
  }

  async open(): Promise<void> {
    await this.page.goto(`${sites.authority}/login`);
    await this.arrived();
  }

  async arrived(): Promise<void> {
    await expect(this.heading).toBeVisible();
  }

  /** Says which application waits for the sign-in. */
  continuesTo(app: string): Locator {
    return this.page.getByText(`Sign in to continue to ${app}`, { exact: true });
  }

  /** Types what the person knows, and sends it. */
  async enter({ email, password }: Pick<Persona, 'email' | 'password'>): Promise<void> {
    await this.email.fill(email);
    await this.password.fill(password);
    await this.submit.click();
  }

  /** Lets the page fill the form with a demo account. */
  async choose(persona: Persona): Promise<void> {
    await this.page.getByRole('button', { name: persona.name, exact: true }).click();
    await expect(this.email).toHaveValue(persona.email);
    await expect(this.password).toHaveValue(persona.password);
  }
}
