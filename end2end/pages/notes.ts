import { expect, type Locator, type Page } from '@playwright/test';

import type { Persona } from '../fixtures/personas.ts';
import { sites } from '../support/sites.ts';

/** Notes: the signed-out page and the notes behind it, which share one address. */
export class NotesApp {
  /** Who is signed in, and how they came here. */
  readonly session: Locator;
  readonly newNote: Locator;
  /** The way in, for a visitor who is not signed in. */
  readonly signInLink: Locator;
  /** What happened just before. */
  readonly notice: Locator;

  constructor(readonly page: Page) {
    this.session = page.getByRole('region', { name: 'Your session' });
    this.newNote = page.getByLabel('New note');
    this.signInLink = page.getByRole('link', { name: 'Sign in with Harbor ID', exact: true });
    this.notice = page.getByRole('status');
  }

  async open(): Promise<void> {
    await this.page.goto(`${sites.notes}/`);
  }

  /** Stands in Notes, on its own origin, signed in as this person. */
  async arrived(persona: Persona): Promise<void> {
    const name = 'Your notes';
    await expect(this.page.getByRole('heading', { level: 1, name, exact: true })).toBeVisible();
    await expect(this.session).toContainText(`${persona.name} · via Harbor ID`);
    expect(new URL(this.page.url()).origin).toBe(sites.notes);
  }

  /** Stands in Notes and nobody is signed in. */
  async signedOut(): Promise<void> {
    await expect(this.signInLink).toBeVisible();
    await expect(this.session).toHaveCount(0);
    expect(new URL(this.page.url()).origin).toBe(sites.notes);
  }

  async signInWithHarborId(): Promise<void> {
    await this.signInLink.click();
  }

  async add(text: string): Promise<void> {
    await this.newNote.fill(text);
    await this.page.getByRole('button', { name: 'Add note', exact: true }).click();
  }

  /** The notes that hold this text. */
  withText(text: string): Locator {
    return this.page.getByRole('listitem').filter({ hasText: text });
  }

  /** The button's name repeats the first words of its note. */
  async delete(firstWords: string): Promise<void> {
    const name = `Delete note: ${firstWords}`;
    await this.page.getByRole('button', { name, exact: true }).click();
  }

  async signOut(): Promise<void> {
    await this.session.getByRole('button', { name: 'Sign out' }).click();
  }

  /** Offered after signing out here. */
  async alsoSignOutOfHarborId(): Promise<void> {
    await this.page.getByRole('link', { name: 'Also sign out of Harbor ID' }).click();
  }
}
