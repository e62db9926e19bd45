import { expect, type Page } from '@playwright/test';

import type { Persona } from '../fixtures/personas.ts';

/** The question that Notes asks when a sign-in is for another person than the one signed in. */
export class SwitchPage {
  constructor(readonly page: Page) {}

  async arrived(current: Persona, next: Persona): Promise<void> {
    const name = `Switch from ${current.name} to ${next.name}?`;
    await expect(this.page.getByRole('heading', { level: 1, name, exact: true })).toBeVisible();
  }

  async switch(): Promise<void> {
    await this.page.getByRole('button', { name: /^Switch to / }).click();
  }

  async stay(): Promise<void> {
    await this.page.getByRole('button', { name: /^Stay as / }).click();
  }
}
