import { expect, test } from './moothall.js';

const password = 'violet-anchor-42-lamp';

test('who forgot the password chooses another one', async ({ moothall, page, request }) => {
  await request.post('/api/v1/auth/forgot-password', { data: { email: 'ada@example.com' } });
  const [mail] = await moothall.mails('ada@example.com');

  await page.goto(mail!.links[0]!);
  for (const field of await page.locator('input[type=password]').all()) {
    await field.fill(password);
  }
  await page.getByRole('button').first().click();
  await expect(page.locator('main, body').first()).toContainText(/password/i);

  const signedIn = await request.post('/api/v1/auth/login', { form: { username: 'ada', password } });
  expect(signedIn.status()).toBe(200);
});

test('a link is not good for ever', async ({ moothall, page, request }) => {
  await request.post('/api/v1/auth/forgot-password', { data: { email: 'ada@example.com' } });
  const [mail] = await moothall.mails('ada@example.com');
  await moothall.advance(2 * 3600);

  await page.goto(mail!.links[0]!);
  for (const field of await page.locator('input[type=password]').all()) {
    await field.fill(password);
  }
  await page.getByRole('button').first().click();
  const signedIn = await request.post('/api/v1/auth/login', { form: { username: 'ada', password } });
  expect(signedIn.status()).toBe(401);
});
