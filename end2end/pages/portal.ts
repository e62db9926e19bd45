import { expect, type Locator, type Page } from '@playwright/test';

import type { Persona } from '../fixtures/personas.ts';
import { sites } from '../support/sites.ts';

/** Harbor ID's portal: the apps of whoever is signed in. */
export class PortalPage {
  /** Who is signed in. */
  readonly session: Locator;

  constructor(readonly page: Page) {
    this.session = page.getByRole('region', { name: 'Your session' });
  }

  /** Without a sign-in the browser ends up at the sign-in page. */
  async open(): Promise<void> {
    await this.page.goto(`${sites.authority}/`);
  }

  async arrived(persona: Persona): Promise<void> {
    const greeting = `Hello, ${persona.firstName}`;
    await expect(this.page.getByRole('heading', { level: 1, name: greeting })).toBeVisible();
    await expect(this.session).toContainText(persona.name);
    await expect(this.session).toContainText(persona.email);
    expect(this.page.url()).toBe(`${sites.authority}/`);
  }

  /** The button that opens an app. */
  app(name: string): Locator {
    return this.page.getByRole('button', { name: `Open ${name}`, exact: true });
  }

  async openApp(name: string): Promise<void> {
    await this.app(name).click();
  }

  /** The way to where they are signed in. */
  async yourSessions(): Promise<void> {
    await this.page.getByRole('link', { name: 'Your sessions', exact: true }).click();
  }

  async signOut(): Promise<void> {
    await this.session.getByRole('button', { name: 'Sign out' }).click();
  }
}
