import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, test } from 'node:test';
import { speedscopePages } from '../../src/cli/view/speedscope-pages.ts';
import { startViewServer, type ViewServer } from '../../src/cli/view/view-server.ts';

let server: ViewServer;
before(async () => {
  const pages = speedscopePages();
  pages.set('/', { type: 'text/html; charset=utf-8', body: () => '<p>report</p>' });
  server = await startViewServer(pages);
});
after(() => server.close());

function get(
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<{ status: number; headers: Record<string, unknown>; body: string }> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port: server.port, path, method, headers }, response => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', chunk => {
        body += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    })
      .on('error', reject)
      .end();
  });
}

test('without the token nothing is shown, to a foreign host name neither', async () => {
  assert.equal((await get('/')).status, 403);
  assert.equal((await get('/?token=guess')).status, 403);
  assert.equal((await get('/', { host: 'evil.example' })).status, 421);
});

test('the token opens once and leaves a cookie that opens every page', async () => {
  const link = new URL(server.url);
  const first = await get(link.pathname + link.search);
  assert.equal(first.status, 303);
  const cookie = String(first.headers['set-cookie']).split(';')[0]!;
  assert.match(String(first.headers['set-cookie']), /HttpOnly; SameSite=Strict/);
  assert.equal((await get('/', { cookie })).body, '<p>report</p>');
  assert.equal((await get(link.pathname + link.search)).status, 403, 'a second browser is refused');
  const viewer = await get('/speedscope/', { cookie });
  assert.match(viewer.body, /<title>speedscope<\/title>/);
  assert.equal((await get('/speedscope/../package.json', { cookie })).status, 404);
  assert.equal((await get('/', { cookie }, 'POST')).status, 405);
});
