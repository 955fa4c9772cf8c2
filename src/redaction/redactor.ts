import { anyOf, payloadValues } from './payload-values.ts';
import { type RedactionClass, SECRET_PATTERNS } from './secret-patterns.ts';
import { REDACTED, replaceSqlLiterals } from './sql-literals.ts';

export interface RedactorOptions {
  /** Classes to leave in (`--keep`). */
  readonly keep?: readonly RedactionClass[];
  /** Names of this machine and its people, which no shape tells: taken from the capture and the environment. */
  readonly identities?: {
    readonly userNames?: readonly string[];
    readonly hostNames?: readonly string[];
    readonly homeFolders?: readonly string[];
    /** Folders whose names say where something was built. */
    readonly buildFolders?: readonly string[];
  };
  /** Values of the environment that are secrets by the name of their variable. */
  readonly secretValues?: readonly string[];
}

/** Attributes whose whole value is what a user sent: never readable for others, whatever shape it has. */
const PAYLOAD_KEYS =
  /^(task_request|task_info|request(_|\.)?body|response(_|\.)?body|http\.(request|response)\.body(\.\w+)?|body|payload|context|message_body|messaging\.message\.body|results?|step_result|inputs?|args|arguments|params|parameters|db\.query\.parameter\..+|db\.operation\.parameter\..+|rpc\.request\..+|graphql\.document|event_payload|initiator|reason|tags)$/i;

/** Columns whose text names things rather than holding what somebody sent. */
const ROW_KEYS = /(^|_)(uuid|id|at|state|status|name|namespace|version|type)$/i;

/** Attributes that hold SQL. */
const SQL_KEYS = /^(db\.statement|db\.query\.text|statement|sql|query|summary|db\.query\.summary)$/i;

/** Attributes that hold the name of a machine or a person. */
const HOST_KEYS =
  /^(host\.(name|id|ip|mac)|net\.(host|peer|sock)\.\w+(\.\w+)?|server\.address|client\.address|network\.(peer|local)\.address|source\.address|destination\.address|k8s\.(node|pod)\.name|container\.(id|name)|http\.client_ip)$/i;
const USER_KEYS = /^(user|username|user\.(name|id|email|full_name)|enduser\.\w+|process\.owner|db\.user)$/i;
const COMMAND_KEYS = /^process\.(command_line|command_args|command)$/i;

/** Log bodies behind which the whole payload stands. */
const PAYLOAD_BODY = /\b(full|raw|complete)\s+(payload|message|body|request)\b\s*[:=]?/i;

const SECRET_FLAG =
  /^--?(?:[a-z]+-)*(?:password|passwd|pass|token|secret|api-?key|apikey|auth|access-key|secret-key|client-secret|credentials?)$/i;

/** Loopback says nothing of anybody, and joins need it. */
const LOOPBACK = /^(localhost|127(\.\d+){3}|::1|0\.0\.0\.0|\/\S*|)$/;

/**
 * Replaces secrets by placeholders. One redactor serves one archive: the same value becomes the same placeholder in
 * every file, so that joins survive, and nothing in a placeholder leads back to the value.
 */
export class Redactor {
  readonly #keep: ReadonlySet<RedactionClass>;
  readonly #placeholders = new Map<string, string>();
  readonly #distinct = new Map<RedactionClass, number>();
  readonly #replaced = new Map<RedactionClass, number>();
  readonly #known: readonly { readonly class: RedactionClass; readonly pattern: RegExp }[];
  readonly #memo = new Map<string, string>();
  readonly #learned = new Set<string>();
  readonly #spared = new Set<string>();
  #learnedPattern: RegExp | undefined;

  constructor(options: RedactorOptions = {}) {
    this.#keep = new Set(options.keep);
    this.#known = knownValues(options);
  }

  /**
   * Remembers the values inside a payload, so that they are taken out wherever else they are told (a handler's log
   * record that prints its input). To be called with all payloads before anything is redacted.
   */
  learn(payload: string): void {
    for (const value of payloadValues(payload)) this.#learned.add(value);
    this.#forget();
  }

  /** A name of the workflow's own parts: not taken out although a payload repeats it. */
  spare(name: string): void {
    this.#spared.add(name);
    this.#forget();
  }

  #forget(): void {
    this.#learnedPattern = undefined;
    this.#memo.clear();
  }

  /** Whether an attribute of this key holds a payload, whose values `learn` wants to see. */
  isPayload(key: string): boolean {
    return PAYLOAD_KEYS.test(key);
  }

  /** Free text: secrets told by their shape, and the names of this machine. */
  text(text: string): string {
    if (text.length < 3) return text;
    const memo = this.#memo.get(text);
    if (memo !== undefined) return memo;
    let result = text;
    for (const { class: kind, pattern, accept } of SECRET_PATTERNS) {
      result = result.replace(pattern, (...found: unknown[]) => {
        const match = found[0] as string;
        if (match.includes(REDACTED) || accept?.(match) === false) return match;
        const last = found.at(-1);
        const groups = typeof last === 'object' && last !== null ? (last as Record<string, string | undefined>) : {};
        const secret = groups.secret ?? groups.quoted;
        if (secret === undefined) return this.#placeholder(kind, match);
        const at = match.lastIndexOf(secret);
        return match.slice(0, at) + this.#placeholder(kind, secret) + match.slice(at + secret.length);
      });
    }
    for (const { class: kind, pattern } of this.#known)
      result = result.replace(pattern, match => this.#placeholder(kind, match));
    result = result.replace(HOME_FOLDER, (_all, before: string, name: string) =>
      KEPT_HOMES.has(name) ? `${before}${name}` : `${before}${this.#placeholder('home-folder', name)}`,
    );
    this.#learnedPattern ??= anyOf(this.#learned.difference(this.#spared));
    result = result.replace(this.#learnedPattern, match => this.#placeholder('payload', match));
    if (!this.#keep.has('build-path')) result = result.replace(SOURCE_PATH, path => this.#sourcePath(path));
    if (this.#memo.size < 200_000 && text.length < 10_000) this.#memo.set(text, result);
    return result;
  }

  /** An attribute: what its key says of it first, then its text. */
  attribute(key: string, value: string): string {
    if (value === '') return value;
    if (PAYLOAD_KEYS.test(key)) return this.#placeholder('payload', value);
    if (SQL_KEYS.test(key)) return this.sql(value);
    if (HOST_KEYS.test(key) && !LOOPBACK.test(value)) return this.#placeholder('host-name', value);
    if (USER_KEYS.test(key)) return this.#placeholder('user-name', value);
    if (COMMAND_KEYS.test(key)) return this.text(value);
    return this.text(value);
  }

  /** A log body or a message: everything behind "full payload" goes as a whole. */
  body(text: string): string {
    const payload = PAYLOAD_BODY.exec(text);
    if (payload === null) return this.text(text);
    const at = payload.index + payload[0].length;
    const rest = text.slice(at);
    return this.text(text.slice(0, at)) + (rest.trim() === '' ? rest : ` ${this.#placeholder('payload', rest.trim())}`);
  }

  /** A statement: its literals go, its shape stays. */
  sql(statement: string): string {
    if (this.#keep.has('sql-literal')) return this.text(statement);
    return this.text(
      replaceSqlLiterals(statement, literal =>
        literal.trim() === '' ? literal : this.#placeholder('sql-literal', literal),
      ),
    );
  }

  /**
   * Parsed JSON of a user's own data (rows, tags): keys say what is a payload. Walked with a stack of its own, since
   * nobody knows how deep it nests.
   */
  json(value: unknown, key = ''): unknown {
    return mapJson(value, key, {
      text: (text, at) => this.attribute(at, text),
      whole: (inner, at) =>
        PAYLOAD_KEYS.test(at) && !Array.isArray(inner)
          ? this.#placeholder('payload', JSON.stringify(inner))
          : undefined,
      key: name => this.text(name),
    });
  }

  /**
   * Tables of a database: ids, names of things, states and times are kept, since joins need them; every other text is
   * what a user sent or a handler answered.
   */
  rows(document: Readonly<Record<string, unknown>>): Record<string, unknown> {
    const column = (key: string, value: unknown): unknown => {
      if (typeof value === 'string')
        return value === '' || ROW_KEYS.test(key) ? this.text(value) : this.#placeholder('payload', value);
      return typeof value === 'object' && value !== null ? this.#placeholder('payload', JSON.stringify(value)) : value;
    };
    const row = (value: unknown): unknown =>
      typeof value === 'object' && value !== null
        ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, column(key, inner)]))
        : column('', value);
    return Object.fromEntries(
      Object.entries(document).map(([table, value]) => [
        table,
        Array.isArray(value) ? value.map(row) : column(table, value),
      ]),
    );
  }

  /** Parsed JSON of a tool (profiles, manifests): every string is text, and keys are the tool's own. */
  document(value: unknown): unknown {
    return mapJson(value, '', { text: text => this.text(text), whole: () => undefined, key: name => name });
  }

  /** Words of a command line: the word behind `--password` is one. */
  words(words: readonly string[]): string[] {
    return words.map((word, i) =>
      i > 0 && SECRET_FLAG.test(words[i - 1]!) && !word.startsWith('-')
        ? this.#placeholder('credential', word)
        : this.text(word),
    );
  }

  /** What was replaced, by class: how often, and how many different values. */
  replaced(): { class: RedactionClass; times: number; distinct: number }[] {
    return [...this.#replaced]
      .map(([kind, times]) => ({ class: kind, times, distinct: this.#distinct.get(kind) ?? 0 }))
      .sort((a, b) => (a.class < b.class ? -1 : 1));
  }

  /** A source file's path without the folders that say whose machine it was built on; packages keep their own. */
  #sourcePath(path: string): string {
    const keep = PUBLIC_PATH.exec(path)?.index ?? lastSegments(path, 3);
    return keep <= 0 ? path : this.#placeholder('build-path', path.slice(0, keep)) + path.slice(keep);
  }

  #placeholder(kind: RedactionClass, value: string): string {
    if (this.#keep.has(kind) || value.includes(REDACTED)) return value;
    this.#replaced.set(kind, (this.#replaced.get(kind) ?? 0) + 1);
    const key = `${kind}\0${value}`;
    let placeholder = this.#placeholders.get(key);
    if (placeholder === undefined) {
      const number = (this.#distinct.get(kind) ?? 0) + 1;
      this.#distinct.set(kind, number);
      placeholder = `${REDACTED}${kind}-${number}]`;
      this.#placeholders.set(key, placeholder);
    }
    return placeholder;
  }
}

/** An absolute path to a source file, as compilers and engines write it into names. */
const SOURCE_PATH =
  /(?:(?<=file:\/\/)|(?<![\w.\]/~-]))\/(?:[\w.+@~-]+\/)+[\w.+@-]+\.(?:rs|c|cc|cpp|cxx|h|hpp|go|py|rb|java|kt|[cm]?[jt]sx?)\b/g;

/** From here on a path is the same on every machine: a package, a crate, the toolchain, the system. */
const PUBLIC_PATH =
  /(?<=\/)node_modules\/(?!.*\/node_modules\/)|(?<=\/registry\/src\/[^/]+\/)|(?<=\/site-packages\/)|(?<=\/gems\/)|^\/(?:rustc|usr|lib|lib64|opt\/hostedtoolcache)\//;

/** Index at which the last `count` segments begin; 0 where there are no more. */
function lastSegments(path: string, count: number): number {
  let at = path.length;
  for (let n = 0; n < count && at > 0; n++) at = path.lastIndexOf('/', at - 1);
  return Math.max(0, at);
}

interface JsonMapping {
  text(text: string, key: string): string;
  /** What stands for a whole object or array, or undefined to go into it. */
  whole(value: object, key: string): string | undefined;
  key(name: string): string;
}

function mapJson(root: unknown, rootKey: string, mapping: JsonMapping): unknown {
  const result: { root?: unknown } = {};
  const open: { value: unknown; key: string; put: (mapped: unknown) => void }[] = [
    { value: root, key: rootKey, put: mapped => (result.root = mapped) },
  ];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, key, put } = next;
    if (typeof value === 'string') put(mapping.text(value, key));
    else if (typeof value !== 'object' || value === null) put(value);
    else {
      const whole = mapping.whole(value, key);
      if (whole !== undefined) put(whole);
      else if (Array.isArray(value)) {
        const copy: unknown[] = new Array(value.length);
        put(copy);
        // Backwards, so that values are met in their order and placeholders count up with it.
        for (let i = value.length - 1; i >= 0; i--)
          open.push({ value: value[i], key, put: mapped => (copy[i] = mapped) });
      } else {
        const entries = Object.entries(value);
        const copy: Record<string, unknown> = {};
        for (const [name] of entries) copy[mapping.key(name)] = undefined;
        put(copy);
        for (let i = entries.length - 1; i >= 0; i--) {
          const [name, inner] = entries[i]!;
          open.push({ value: inner, key: name, put: mapped => (copy[mapping.key(name)] = mapped) });
        }
      }
    }
  }
  return result.root;
}

/** `/home/NAME`, `/Users/NAME`, `C:\Users\NAME`, and the same behind a `file://`. */
const HOME_FOLDER = /((?:\/home\/|\/Users\/|[A-Za-z]:\\{1,2}Users\\{1,2}))([^/\\\s"'<>:;,)]+)/g;
const KEPT_HOMES: ReadonlySet<string> = new Set(['Shared', 'Public', 'runner']);

function knownValues(options: RedactorOptions): { class: RedactionClass; pattern: RegExp }[] {
  const { userNames = [], hostNames = [], homeFolders = [], buildFolders = [] } = options.identities ?? {};
  const lists: [RedactionClass, readonly string[], 'word' | 'anywhere'][] = [
    ['environment', options.secretValues ?? [], 'anywhere'],
    ['home-folder', homeFolders, 'anywhere'],
    ['build-path', buildFolders, 'anywhere'],
    ['host-name', hostNames, 'word'],
    ['user-name', userNames, 'word'],
  ];
  return lists.flatMap(([kind, values, how]) =>
    values
      // Names of a letter or two, and `root`, stand in too many words to be anybody's.
      .filter(value => value.length > 2 && value !== 'root' && value !== 'localhost' && value !== '/')
      .sort((a, b) => b.length - a.length)
      .map(value => {
        const escaped = value.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
        return { class: kind, pattern: new RegExp(how === 'word' ? `(?<![\\w-])${escaped}(?![\\w-])` : escaped, 'g') };
      }),
  );
}
