import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Redactor } from '../../src/redaction/redactor.ts';
import { isCardNumber, isIban } from '../../src/redaction/secret-patterns.ts';
import { replaceSqlLiterals } from '../../src/redaction/sql-literals.ts';

/** Assembled at run time, so that scanners of this repository do not take the samples for leaked keys. */
const s = (...parts: string[]): string => parts.join('');
const A = 'AbCdEfGhIjKlMnOpQrStUvWxYz0123456789AbCdEfGhIjKlMnOpQrStUvWxYz0123456789';
const H = '0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef';

/** [what it is, the text it stands in, the part that must not survive]. */
const SECRETS: readonly (readonly [string, string, string])[] = [
  ['AWS access key', s('key AK', 'IA', 'IOSFODNN7EXAMPLE used'), s('AK', 'IAIOSFODNN7EXAMPLE')],
  ['AWS temporary key', s('AS', 'IA', 'IOSFODNN7EXAMPLE'), 'IOSFODNN7EXAMPLE'],
  ['AWS secret by name', `aws_secret_access_key=${A.slice(0, 40)}`, A.slice(0, 40)],
  ['GitHub token', s('gh', 'p_', A.slice(0, 36)), A.slice(0, 36)],
  ['GitHub app token', s('gh', 's_', A.slice(0, 36)), A.slice(0, 36)],
  ['GitHub fine-grained token', s('github', '_pat_', A.slice(0, 40)), A.slice(0, 30)],
  ['GitLab token', s('gl', 'pat-', A.slice(0, 20)), A.slice(0, 20)],
  ['Slack bot token', s('xo', 'xb-', '123456789012-', A.slice(0, 24)), A.slice(0, 24)],
  ['Slack webhook', s('https://hooks.slack', '.com/services/T00000000/B00000000/', A.slice(0, 24)), A.slice(0, 24)],
  ['Discord webhook', s('https://discord', '.com/api/webhooks/1234567890/', A.slice(0, 40)), A.slice(0, 40)],
  ['Telegram bot', s('123456789', ':AA', A.slice(0, 33)), A.slice(0, 33)],
  ['Stripe secret key', s('sk', '_live_', A.slice(0, 24)), A.slice(0, 24)],
  ['Stripe restricted key', s('rk', '_live_', A.slice(0, 24)), A.slice(0, 24)],
  ['Stripe webhook secret', s('wh', 'sec_', A.slice(0, 32)), A.slice(0, 32)],
  ['OpenAI key', s('sk', '-proj-', A.slice(0, 40)), A.slice(0, 40)],
  ['Anthropic key', s('sk', '-ant-api03-', A.slice(0, 40)), A.slice(0, 40)],
  ['Hugging Face token', s('h', 'f_', A.slice(0, 34)), A.slice(0, 34)],
  ['Google API key', s('AI', 'za', A.slice(0, 35)), A.slice(0, 35)],
  ['Google OAuth secret', s('GOC', 'SPX-', A.slice(0, 28)), A.slice(0, 28)],
  ['Google OAuth token', s('ya', '29.', A.slice(0, 40)), A.slice(0, 40)],
  ['SendGrid key', s('S', 'G.', A.slice(0, 22), '.', A.slice(0, 43)), A.slice(0, 43)],
  ['Mailgun key', s('ke', 'y-', H.slice(0, 32)), H.slice(0, 32)],
  ['Mailchimp key', s(H.slice(0, 32), '-us12'), H.slice(0, 32)],
  ['Twilio account', s('A', 'C', H.slice(0, 32)), H.slice(0, 32)],
  ['npm token', s('np', 'm_', A.slice(0, 36)), A.slice(0, 36)],
  ['PyPI token', s('py', 'pi-', A.slice(0, 60)), A.slice(0, 60)],
  ['RubyGems key', s('ruby', 'gems_', H.slice(0, 48)), H.slice(0, 48)],
  ['crates.io token', s('ci', 'o', A.slice(0, 32)), A.slice(0, 32)],
  ['Docker Hub token', s('dck', 'r_pat_', A.slice(0, 27)), A.slice(0, 27)],
  ['DigitalOcean token', s('do', 'p_v1_', H), H],
  ['Shopify token', s('shp', 'at_', H.slice(0, 32)), H.slice(0, 32)],
  ['Square token', s('sq0', 'atp-', A.slice(0, 22)), A.slice(0, 22)],
  ['Databricks token', s('da', 'pi', H.slice(0, 32)), H.slice(0, 32)],
  ['Linear key', s('lin', '_api_', A.slice(0, 40)), A.slice(0, 40)],
  ['Doppler token', s('dp', '.pt.', A.slice(0, 43)), A.slice(0, 43)],
  ['Vault token', s('hv', 's.', A.slice(0, 24)), A.slice(0, 24)],
  ['New Relic key', s('NR', 'AK-', A.slice(0, 27)), A.slice(0, 27)],
  ['Grafana token', s('gl', 'sa_', A.slice(0, 41)), A.slice(0, 41)],
  ['Sentry DSN', s('https://', H.slice(0, 32), '@o1.ingest.sentry.io/1'), H.slice(0, 32)],
  ['Postman key', s('PM', 'AK-', H.slice(0, 24), '-', H.slice(0, 34)), H.slice(0, 34)],
  ['Azure storage key', `DefaultEndpointsProtocol=https;AccountName=x;AccountKey=${A.slice(0, 60)}==;`, A.slice(0, 60)],
  ['Tailscale key', s('ts', 'key-auth-', A.slice(0, 30)), A.slice(0, 30)],
  ['JWT', s('ey', 'JhbGciOiJIUzI1NiJ9', '.ey', 'JzdWIiOiIxMjM0In0', '.', A.slice(0, 43)), 'JzdWIiOiIxMjM0In0'],
  ['Basic header', 'Authorization: Basic dXNlcjpwYXNzd29yZA==', 'dXNlcjpwYXNzd29yZA'],
  ['Bearer header in JSON', '{"authorization":"Bearer abcdef.123456.token"}', 'abcdef.123456.token'],
  ['cookie', 'Set-Cookie: session=abc123def; Path=/', 'abc123def'],
  ['password in a URL', 'postgres://tasker:hunter2secret@db:5432/x', 'hunter2secret'],
  ['empty user in a URL', 'redis://:hunter2secret@cache:6379', 'hunter2secret'],
  ['token in a query', 'GET /v1/tasks?api_key=abcdef123456&x=1', 'abcdef123456'],
  ['signed URL', 'https://b.s3.amazonaws.com/k?X-Amz-Signature=deadbeefcafe01', 'deadbeefcafe01'],
  ['password in a log', 'login failed, password="correct horse battery"', 'correct horse battery'],
  ['password in escaped JSON', '{\\"db_password\\": \\"s3cr3t-value\\"}', 's3cr3t-value'],
  ['password in an environment', 'PGPASSWORD=opensesame psql', 'opensesame'],
  ['Rust debug option', 'api_key: Some("abcd-efgh-ijkl")', 'abcd-efgh-ijkl'],
  ['flag on a command line', 'worker --password hunter2 --verbose', 'hunter2'],
  ['mysql -p', 'mysql -u root -phunter2x db', 'hunter2x'],
  ['curl user', 'curl -u alice:wonder123 https://x', 'wonder123'],
  ['private key', s('-----BEGIN RSA PRIV', 'ATE KEY-----\nMIIEabc\ndef\n-----END RSA PRIV', 'ATE KEY-----'), 'MIIEabc'],
  ['private key that was cut', s('-----BEGIN PRIV', 'ATE KEY-----\nMIIEabc'), 'MIIEabc'],
  ['card number', 'paid with 4111 1111 1111 1111 today', '4111 1111 1111 1111'],
  ['card number without spaces', '{"card":"5555555555554444"}', '5555555555554444'],
  ['social security number', 'ssn 078-05-1120', '078-05-1120'],
  ['bank account', 'to DE89 3704 0044 0532 0130 00', '0532 0130'],
  ['e-mail address', 'mail alice.b+x@example.co.uk', 'alice.b'],
  ['home folder on Linux', '/home/alice/src/app.ts:12', 'alice'],
  ['home folder on macOS', 'file:///Users/alice/src/app.ts', 'alice'],
  ['home folder on Windows', 'C:\\Users\\alice\\src', 'alice'],
];

test(`${SECRETS.length} kinds of secrets are taken out of text`, () => {
  const left: string[] = [];
  for (const [kind, text, secret] of SECRETS) {
    assert.ok(text.includes(secret), kind);
    const redacted = new Redactor().text(`before ${text} after`);
    if (redacted.includes(secret)) left.push(`${kind}: ${redacted}`);
    assert.ok(redacted.startsWith('before '), kind);
    assert.match(redacted, /\[redacted-[a-z-]+-1\]/, kind);
  }
  assert.deepEqual(left, []);
});

test('what joins and figures need is left alone', () => {
  const harmless = [
    '0199a3f2-7c1e-7d20-9a6b-0c8f1e2d3c4b',
    '1763696810123456789',
    '4bf92f3577b34da6a3ce929d0e0e4736',
    'pub_a1b2c3d4',
    'SELECT COALESCE(MAX(sort_key), 0) + 1 as next_sort_key FROM tasker.workflow_step_transitions WHERE workflow_step_uuid = $1::uuid',
    'worker_rust_e2e_linear_queue',
    'token_count=17 tokens',
    'elapsed_secs 0.000123456',
    'sqlx::query',
    'duration: 4111111111111112 ns',
    'http://127.0.0.1:4317/v1/traces',
    'core::ops::function::FnOnce::call_once{{vtable.shim}}',
    'node:internal/process/task_queues:105',
    'Step state transition',
    'x86_64-unknown-linux-gnu',
    'tokio-runtime-worker',
    'password: null',
  ];
  const redactor = new Redactor();
  for (const text of harmless) assert.equal(redactor.text(text), text);
  assert.deepEqual(redactor.replaced(), []);
});

test('the same value gets the same placeholder, another value another', () => {
  const redactor = new Redactor();
  const a = redactor.text('mail a@example.com');
  const b = redactor.text('mail b@example.com');
  assert.notEqual(a, b);
  assert.equal(redactor.attribute('note', 'from a@example.com'), a.replace('mail', 'from'));
  assert.deepEqual(redactor.replaced(), [{ class: 'email', times: 3, distinct: 2 }]);
});

test('payloads go whole, by key and by body, statements keep their shape', () => {
  const redactor = new Redactor();
  assert.match(
    redactor.attribute('task_request', 'TaskRequest { context: {"amount": 500} }'),
    /^\[redacted-payload-1\]$/,
  );
  assert.equal(
    redactor.body('received, full payload: {"amount": 500}'),
    'received, full payload: [redacted-payload-2]',
  );
  assert.equal(
    redactor.attribute('db.statement', "SELECT * FROM t WHERE name = 'O''Brien' AND id = $1 AND n > 12345 LIMIT 50"),
    "SELECT * FROM t WHERE name = '[redacted-sql-literal-1]' AND id = $1 AND n > [redacted-sql-literal-2] LIMIT 50",
  );
});

test('names of this machine and its people, home and build folders', () => {
  const redactor = new Redactor({
    identities: { userNames: ['alice', 'root'], hostNames: ['build-7.corp'], buildFolders: ['/srv/ci/agent7'] },
    secretValues: ['zwiebelkuchen'],
  });
  const text = redactor.text('alice on build-7.corp built /srv/ci/agent7/src/x.rs with zwiebelkuchen as root; malice');
  assert.doesNotMatch(text, /\balice|build-7|agent7|zwiebel/);
  assert.match(text, /as root; malice$/);
});

test('source paths lose the folders of the machine that built them, packages keep their own', () => {
  const redactor = new Redactor();
  assert.equal(
    redactor.text('event /cargo/registry/src/index.crates.io-1949cf8c6b5b557f/sqlx-core-0.8.6/src/logger.rs:143'),
    'event [redacted-build-path-1]sqlx-core-0.8.6/src/logger.rs:143',
  );
  assert.equal(
    redactor.text('file:///srv/agent/app/node_modules/pg/lib/client.js'),
    'file://[redacted-build-path-2]node_modules/pg/lib/client.js',
  );
  assert.equal(redactor.text('/srv/agent/app/src/steps/handle.ts'), '[redacted-build-path-3]/src/steps/handle.ts');
  assert.equal(
    redactor.text('/rustc/17067e9ac6d/library/core/src/ops/function.rs'),
    '/rustc/17067e9ac6d/library/core/src/ops/function.rs',
  );
  assert.equal(redactor.text('/usr/lib/x86_64-linux-gnu/libc.so.6'), '/usr/lib/x86_64-linux-gnu/libc.so.6');
});

test('command lines, rows and documents', () => {
  const redactor = new Redactor();
  assert.deepEqual(redactor.words(['worker', '--db-password', 'hunter2', '--name', 'x']), [
    'worker',
    '--db-password',
    '[redacted-credential-1]',
    '--name',
    'x',
  ]);
  assert.deepEqual(redactor.json({ tasks: [{ task_uuid: 'u', context: { amount: 500 }, name: 'n' }] }), {
    tasks: [{ task_uuid: 'u', context: '[redacted-payload-1]', name: 'n' }],
  });
  assert.deepEqual(redactor.document({ inputs: ['a@example.com', 1, null] }), {
    inputs: ['[redacted-email-1]', 1, null],
  });
  let deep: unknown = 'a@example.com';
  for (let i = 0; i < 50_000; i++) deep = [deep];
  assert.ok(Array.isArray(redactor.document(deep)));
});

test('--keep leaves a class in', () => {
  assert.equal(new Redactor({ keep: ['email'] }).text('a@example.com'), 'a@example.com');
});

test('redacting what is redacted changes nothing', () => {
  const redactor = new Redactor();
  for (const [kind, text] of SECRETS) {
    const once = redactor.text(text);
    assert.equal(redactor.text(once), once, kind);
    const statement = redactor.sql(`SELECT 123456, '${kind}'`);
    assert.equal(redactor.sql(statement), statement);
  }
});

test('SQL: any text is walked to its end, and shape survives', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 200 }), text => {
      assert.equal(replaceSqlLiterals(text, literal => literal).length >= 0, true);
    }),
    { seed: 2, numRuns: 500 },
  );
  assert.equal(
    replaceSqlLiterals(`SELECT "a'b", E'x\\'y', $$raw 'q'$$, $1, t2.c /* secret */ -- tail`, () => '?'),
    `SELECT "a'b", E'?', $$?$$, $1, t2.c /* ? */ -- ?`,
  );
});

test('check digits tell cards and accounts from other numbers', () => {
  assert.ok(isCardNumber('4111111111111111') && !isCardNumber('4111111111111112'));
  assert.ok(isIban('GB82 WEST 1234 5698 7654 32') && !isIban('GB82 WEST 1234 5698 7654 33'));
});
