import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { defineConfig, type Project } from '@playwright/test';

import type { Options } from './fixtures/index.ts';
import { ports } from './support/ports.ts';
import { data, program, results } from './support/program.ts';

/** The browser that the variable names, else the system's, else Playwright's own. */
function browser(variable: string, system: string): string | undefined {
  return process.env[variable] || (existsSync(system) ? system : undefined);
}
const chromium = browser('CHROMIUM', '/usr/bin/chromium');
const firefox = browser('FIREFOX', '/usr/bin/firefox-esr');

const inChromium = (flags: string[] = []): Project['use'] => ({
  browserName: 'chromium',
  launchOptions: {
    ...(chromium ? { executablePath: chromium } : {}),
    args: [
      // Without it Chromium does not start as root; here it opens nothing but our own pages.
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      ...flags,
    ],
  },
});

const inFirefox = (prefs: Record<string, string | number | boolean> = {}): Project['use'] => ({
  browserName: 'firefox',
  // A Firefox that is not Playwright's own needs both keys.
  ...(firefox ? { channel: 'moz-firefox' } : {}),
  launchOptions: {
    ...(firefox ? { executablePath: firefox } : {}),
    firefoxUserPrefs: prefs,
  },
});

/** Browsers reach loopback directly unless they are told twice. */
const throughTheProxy = {
  chromium: [`--proxy-server=127.0.0.1:${ports.proxy}`, '--proxy-bypass-list=<-loopback>'],
  firefox: {
    'network.proxy.type': 1,
    'network.proxy.http': '127.0.0.1',
    'network.proxy.http_port': ports.proxy,
    'network.proxy.ssl': '127.0.0.1',
    'network.proxy.ssl_port': ports.proxy,
    'network.proxy.no_proxies_on': '',
    'network.proxy.allow_hijacking_localhost': true,
  },
};

/** A test that makes sense one way only carries a tag, so that no run has to skip it. */
const withScripts = { grepInvert: /@scripts-off/ };
const withoutScripts = { grepInvert: /@scripts-on/ };

/** `npm run pictures`: no test of anything, and in one browser, so that pictures look alike. */
const isForPictures = Boolean(process.env.HANDOFF_LAB_PICTURES);

export default defineConfig<Options>({
  testMatch: isForPictures ? 'pictures/*.spec.ts' : ['tests/**/*.spec.ts', 'examples/**/*.spec.ts'],
  outputDir: results,
  // One server for all projects, and its people have one set of notes each.
  workers: 1,
  fullyParallel: false,
  forbidOnly: Boolean(process.env.CI),
  retries: 0,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  reporter: 'list',
  use: {
    viewport: { width: 1280, height: 800 },
    screenshot: 'only-on-failure',
    // It doubles the time that Firefox takes. To look into a failure: --trace=retain-on-failure
    trace: 'off',
  },
  projects: [
    { name: 'chromium', ...withScripts, use: { ...inChromium(), scripts: true } },
    { name: 'firefox', ...withScripts, use: { ...inFirefox(), scripts: true } },
    {
      name: 'chromium-noscript',
      ...withoutScripts,
      use: { ...inChromium(throughTheProxy.chromium), scripts: false },
    },
    {
      name: 'firefox-noscript',
      ...withoutScripts,
      use: { ...inFirefox(throughTheProxy.firefox), scripts: false },
    },
  ].filter(({ name }) => !isForPictures || name === 'chromium'),
  webServer: [
    {
      name: 'handoff-lab',
      command: [
        'node',
        'support/serve.mjs',
        JSON.stringify(program),
        `127.0.0.1:${ports.sites}`,
        `127.0.0.1:${ports.ops}`,
        JSON.stringify(join(results, 'server.log')),
        JSON.stringify(data),
      ].join(' '),
      // The sites answer 421 to `127.0.0.1`, and Node does not resolve `*.localhost`.
      url: `http://127.0.0.1:${ports.ops}/ready`,
      reuseExistingServer: false,
      gracefulShutdown: { signal: 'SIGTERM', timeout: 5_000 },
    },
    {
      name: 'no-script proxy',
      command: `node support/noscript-proxy.mjs ${ports.proxy}`,
      url: `http://127.0.0.1:${ports.proxy}/ready`,
      reuseExistingServer: false,
      gracefulShutdown: { signal: 'SIGTERM', timeout: 5_000 },
    },
  ],
});
