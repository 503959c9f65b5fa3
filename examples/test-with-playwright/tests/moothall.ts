import { test as base, type APIRequestContext } from '@playwright/test';

type Mail = { to: string; subject: string; text: string; html: string; links: string[] };

/** What a test has a hand on: the mailbox, the clock, the faults of the server that `playwright.config.ts` begins. */
export class Moothall {
  constructor(private readonly http: APIRequestContext) {}

  async mails(to: string): Promise<Mail[]> {
    return (await this.http.get('/testing/mail', { params: { to } })).json();
  }

  async advance(seconds: number): Promise<void> {
    await this.http.post('/testing/clock', { data: { advance: seconds } });
  }

  async fail(port: string, how: 'fail' | 'slow' | 'late', times = 1): Promise<void> {
    await this.http.post('/testing/fail', { data: { port, how, times } });
  }

  /** The headers of a member who is signed in. */
  async headersFor(user: string): Promise<{ Authorization: string }> {
    const answer = await this.http.post('/testing/token', { data: { user } });
    return { Authorization: `Bearer ${(await answer.json()).access_token}` };
  }
}

/** Each test begins with the club of `--seed demo`, as if nothing had been done before. */
export const test = base.extend<{ moothall: Moothall }>({
  moothall: async ({ request }, use) => {
    await request.post('/testing/reset');
    await use(new Moothall(request));
  },
});

export { expect } from '@playwright/test';
