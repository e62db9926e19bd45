import { expect, type Locator, type Page } from '@playwright/test';

import type { Persona } from '../fixtures/personas.ts';
import { sites } from '../support/sites.ts';

/** Tasks: the signed-out page and the tasks behind it, which share one address. */
export class TasksApp {
  /** Who is signed in, and how they came here. */
  readonly session: Locator;
  readonly newTask: Locator;
  /** The way in, for a visitor who is not signed in. */
  readonly signInLink: Locator;
  /** What is done, below the rest. */
  readonly done: Locator;

  constructor(readonly page: Page) {
    this.session = page.getByRole('region', { name: 'Your session' });
    this.newTask = page.getByLabel('New task');
    this.signInLink = page.getByRole('link', { name: 'Sign in with Harbor ID', exact: true });
    this.done = page.getByRole('region', { name: 'Done', exact: true });
  }

  async open(): Promise<void> {
    await this.page.goto(`${sites.tasks}/`);
  }

  /** Stands in Tasks, on its own origin, signed in as this person. */
  async arrived(persona: Persona): Promise<void> {
    const name = 'Your tasks';
    await expect(this.page.getByRole('heading', { level: 1, name, exact: true })).toBeVisible();
    await expect(this.session).toContainText(`${persona.name} · via Harbor ID`);
    expect(new URL(this.page.url()).origin).toBe(sites.tasks);
  }

  /** Stands in Tasks and nobody is signed in. */
  async signedOut(): Promise<void> {
    await expect(this.signInLink).toBeVisible();
    await expect(this.session).toHaveCount(0);
    expect(new URL(this.page.url()).origin).toBe(sites.tasks);
  }

  async signInWithHarborId(): Promise<void> {
    await this.signInLink.click();
  }

  async add(text: string): Promise<void> {
    await this.newTask.fill(text);
    await this.page.getByRole('button', { name: 'Add task', exact: true }).click();
  }

  /** The task with this text, done or not. */
  withText(text: string): Locator {
    return this.page.getByRole('listitem').filter({ hasText: text });
  }

  async markDone(text: string): Promise<void> {
    await this.page.getByRole('button', { name: `Mark done: ${text}`, exact: true }).click();
  }

  async markNotDone(text: string): Promise<void> {
    await this.page.getByRole('button', { name: `Mark not done: ${text}`, exact: true }).click();
  }

  async delete(text: string): Promise<void> {
    await this.page.getByRole('button', { name: `Delete task: ${text}`, exact: true }).click();
  }
}
