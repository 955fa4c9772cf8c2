import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ticketAddress, ticketName } from '../../../src/cli/attach/ticket-address.ts';

test('tickets by their short names and by their addresses', () => {
  const shop = { tracker: 'github', owner: 'acme', repo: 'shop.js', number: 12, api: 'https://api.github.com' };
  for (const ticket of [
    'acme/shop.js#12',
    'https://github.com/acme/shop.js/issues/12',
    'https://www.github.com/acme/shop.js/issues/12/',
    'https://github.com/acme/shop.js/pull/12#discussion_r1',
  ]) {
    assert.deepEqual(ticketAddress('github', ticket, {}), shop, ticket);
    assert.equal(ticketName(ticket), 'acme/shop.js#12');
  }
  const tas = { tracker: 'linear', identifier: 'TAS-162', api: 'https://api.linear.app/graphql' };
  for (const ticket of ['TAS-162', 'https://linear.app/acme/issue/TAS-162/a-slow-queue']) {
    assert.deepEqual(ticketAddress('linear', ticket, {}), tas, ticket);
    assert.equal(ticketName(ticket), 'TAS-162');
  }
  assert.equal(ticketName('anything at all'), 'anything at all');
});

test('an Enterprise server by GITHUB_API_URL; a token goes to no server that only the ticket names', () => {
  const ticket = 'https://git.acme.example/a/b/issues/3';
  const address = ticketAddress('github', ticket, { GITHUB_API_URL: 'https://git.acme.example/api/v3/' });
  assert.equal(address.api, 'https://git.acme.example/api/v3');
  assert.equal(
    ticketAddress('github', 'https://acme.ghe.com/a/b/issues/3', { GITHUB_API_URL: 'https://api.acme.ghe.com' }).api,
    'https://api.acme.ghe.com',
  );
  for (const [word, env] of [
    [ticket, {}],
    ['https://github.com.evil.example/a/b/issues/3', {}],
    ['https://github.com/a/b/issues/3', { GITHUB_API_URL: 'https://git.acme.example/api/v3' }],
  ] as const) {
    assert.throws(() => ticketAddress('github', word, env), { code: 'usage', message: /the token would go to/ }, word);
  }
});

test('what is no ticket, or no safe address of an API, is refused in words that hold no password', () => {
  for (const word of ['12', '#12', 'acme/shop', 'acme/..#1', 'https://github.com/acme/shop', 'a/b#0', 'a/b/c#1']) {
    assert.throws(() => ticketAddress('github', word, {}), { code: 'usage' }, word);
  }
  for (const word of ['162', 'TAS162', 'acme/shop#1', 'https://linear.example/acme/issue/TAS-1']) {
    assert.throws(() => ticketAddress('linear', word, {}), { code: 'usage' }, word);
  }
  assert.throws(
    () => ticketAddress('github', 'https://me:pass-word@github.com/a/b/issues/1', {}),
    (error: Error) => !error.message.includes('pass-word'),
  );
  assert.throws(() => ticketAddress('github', 'a/b#1', { GITHUB_API_URL: 'http://git.acme.example' }), {
    message: /expected an https address/,
  });
});
