import { expect, test } from './moothall.js';

test('an order whose answer was lost is placed once', async ({ moothall, request }) => {
  const headers = { ...(await moothall.headersFor('alan')), 'Idempotency-Key': 'one-order' };
  const order = { headers, data: { lines: [{ sku: 'mug', quantity: 1 }] } };

  await moothall.fail('transactions', 'late');
  expect((await request.post('/api/v1/orders', order)).status()).toBe(503);
  expect((await request.post('/api/v1/orders', order)).status()).toBe(201);

  const placed = await (await request.get('/api/v1/orders', { headers })).json();
  expect(placed.items.filter((found: { status: string }) => found.status === 'placed')).toHaveLength(1);
  const mails = await moothall.mails('alan@example.com');
  expect(mails.map((mail) => mail.subject)).toHaveLength(1);
});

test('what is sold out is told', async ({ moothall, request }) => {
  const headers = await moothall.headersFor('alan');
  const refused = await request.post('/api/v1/orders', { headers, data: { lines: [{ sku: 'almanac', quantity: 1 }] } });
  expect(refused.status()).toBe(409);
  expect((await refused.json()).code).toBe('out-of-stock');
});
