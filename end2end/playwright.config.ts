import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { defineConfig, type Project } from '@playwright/test';

import { portOfWorker, type Options } from './fixtures/index.ts';
import { ports } from './support/ports.ts';
import { data, program, results } from './support/program.ts';

const here = dirname(fileURLToPath(import.meta.url));

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

/**
 * What a test's tags say (README): chromium runs every test. `@engine`: the browser decides what the
 * test asks, so it runs in Firefox too. `@no-script`: its page has a script and must do without it as
 * well. `@only-no-script`: it asks about pages without their scripts alone. `@both-no-script`: that, in
 * both engines.
 *
 * `HANDOFF_LAB_E2E_FULL` (`cargo xtask test --full`) runs every test in every engine.
 */
const isFull = Boolean(process.env.HANDOFF_LAB_E2E_FULL);
const onlyWithoutScripts = /@only-no-script|@both-no-script/;
const withoutScripts = /@no-script|@only-no-script|@both-no-script/;

/** `npm run pictures`: no test of anything, and in one browser, so that pictures look alike. */
const isForPictures = Boolean(process.env.HANDOFF_LAB_PICTURES);

/** Each worker has a program of its own, so that a test shares it with nothing that runs beside it. */
const WORKERS = 2;
// The workers inherit it; `fixtures/sites.ts` reads it there.
process.env.HANDOFF_LAB_E2E_PROGRAMS = 'worker';

export default defineConfig<Options>({
  // Whole paths: a pattern that begins with `tests` would match any folder of that name above.
  testMatch: (isForPictures ? ['pictures'] : ['tests', 'examples']).map((name) => join(here, name, '*.spec.ts')),
  outputDir: results,
  workers: WORKERS,
  fullyParallel: true,
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
    {
      name: 'chromium',
      grepInvert: onlyWithoutScripts,
      use: { ...inChromium(), scripts: true },
    },
    {
      name: 'firefox',
      grep: isFull ? /./ : /@engine/,
      grepInvert: onlyWithoutScripts,
      use: { ...inFirefox(), scripts: true },
    },
    {
      name: 'chromium-noscript',
      grep: withoutScripts,
      use: { ...inChromium(throughTheProxy.chromium), scripts: false },
    },
    {
      name: 'firefox-noscript',
      grep: isFull ? withoutScripts : /@both-no-script/,
      use: { ...inFirefox(throughTheProxy.firefox), scripts: false },
    },
  ].filter(({ name }) => !isForPictures || name === 'chromium'),
  webServer: [
    ...Array.from({ length: WORKERS }, (_, worker) => ({
      name: `handoff-lab ${worker}`,
      command: [
        'node',
        'support/serve.mjs',
        JSON.stringify(program),
        `127.0.0.1:${portOfWorker(ports.sites, worker)}`,
        `127.0.0.1:${portOfWorker(ports.ops, worker)}`,
        JSON.stringify(join(results, `server-${worker}.log`)),
        JSON.stringify(data(worker)),
      ].join(' '),
      // Of the sites, `127.0.0.1` has only a list of them, and Node does not resolve `*.localhost`.
      url: `http://127.0.0.1:${portOfWorker(ports.ops, worker)}/ready`,
      reuseExistingServer: false,
      gracefulShutdown: { signal: 'SIGTERM' as const, timeout: 5_000 },
    })),
    {
      name: 'no-script proxy',
      command: `node support/noscript-proxy.mjs ${ports.proxy}`,
      url: `http://127.0.0.1:${ports.proxy}/ready`,
      reuseExistingServer: false,
      gracefulShutdown: { signal: 'SIGTERM', timeout: 5_000 },
    },
  ],
});
