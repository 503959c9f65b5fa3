import { defineConfig } from '@playwright/test';

const port = process.env.PORT ?? '8000';
const url = `http://127.0.0.1:${port}`;
const chromium = process.env.CHROMIUM;

export default defineConfig({
  testDir: 'tests',
  workers: 1, // one server, which each test resets
  use: {
    baseURL: url,
    launchOptions: chromium ? { executablePath: chromium, args: ['--no-sandbox'] } : {},
  },
  webServer: {
    command: `${process.env.MOOTHALL ?? 'moothall'} serve --memory --seed demo --port ${port}`,
    url: `${url}/ready`,
    env: { MOOTHALL_RATE_LIMIT_DEFAULT: 'off', MOOTHALL_RATE_LIMIT_LOGIN: 'off', MOOTHALL_RATE_LIMIT_MAIL: 'off' },
  },
});
