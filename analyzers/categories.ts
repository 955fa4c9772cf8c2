import { FrameFlag } from '../src/model/profile.ts';

/** What a frame is told by. Strings are '' where the profile does not say. */
export interface CategoryInput {
  readonly name: string;
  readonly module: string;
  readonly file: string;
  /** The source's own category (`JavaScript`, `GC`). */
  readonly category: string;
  readonly flags: number;
}

export type CategoryId =
  | 'application'
  | 'database-client'
  | 'messaging-client'
  | 'serialisation'
  | 'logging-tracing'
  | 'compression-crypto'
  | 'allocation'
  | 'locks'
  | 'gc'
  | 'kernel'
  | 'startup'
  | 'runtime'
  | 'waiting'
  | 'unknown';

interface CategoryRule {
  readonly id: CategoryId;
  /** Matched against the bare function name. */
  readonly name?: RegExp;
  /** Matched against file and module, with forward slashes. */
  readonly place?: RegExp;
  /** Matched against the source's own category. */
  readonly category?: RegExp;
}

/** First match wins. Packages and crates by their published names; extend freely. */
const RULES: readonly CategoryRule[] = [
  { id: 'waiting', name: /^\((idle|sleep)\)$/i, category: /^idle$/i },
  { id: 'gc', name: /^\(garbage collector\)$/, category: /^(gc|gc \/ cc|garbage collection)$/i },
  {
    id: 'gc',
    name: /^(v8::internal::(Heap|MarkCompact|Scavenger|MinorMarkSweep|ConcurrentMarking|Sweeper)|gc_collect|rb_gc|gc_mark)/,
  },
  {
    id: 'logging-tracing',
    place: /node_modules\/(@opentelemetry|pino|sonic-boom|thread-stream|winston|bunyan|loglevel|debug)\//,
  },
  {
    id: 'logging-tracing',
    name: /^<?(opentelemetry|tracing|tracing_\w+|log|slog|env_logger|tonic_?\w*::otlp)(_\w+)?::|^<.* as (tracing|opentelemetry)/,
  },
  {
    id: 'database-client',
    place: /node_modules\/(pg|pg-\w+|postgres|mysql2?|mongodb|ioredis|redis|better-sqlite3|knex|typeorm|@prisma)\//,
  },
  {
    id: 'database-client',
    name: /^<?(sqlx|sqlx_\w+|tokio_postgres|postgres|diesel|redis|deadpool\w*)::/,
    place: /(psycopg|asyncpg|libpq|sqlalchemy)/,
  },
  {
    id: 'messaging-client',
    place: /node_modules\/(amqplib|kafkajs|nats|bullmq|@grpc\/grpc-js)\//,
    name: /^<?(lapin|amq_protocol|pgmq|tasker_pgmq|rdkafka|tonic|h2)::/,
  },
  {
    id: 'serialisation',
    name: /^(stringify|parse|JSON\.(stringify|parse)|structuredClone|serialize|deserialize)$/,
    place: /^$/,
  },
  {
    id: 'serialisation',
    name: /^<?(serde|serde_json|simd_json|prost|rmp_serde|bincode|ciborium)(_\w+)?::|^<.* as serde/,
    place: /node_modules\/(protobufjs|@bufbuild|msgpack\w*|cbor\w*|fast-json-stringify)\//,
  },
  {
    id: 'compression-crypto',
    name: /^(deflate|inflate|ZSTD_|LZ4_|EVP_|AES_|SHA(1|256|512)|ring::|rustls::|sha2::)/,
    place: /\/(libz|libzstd|libcrypto|libssl|libgnutls)[.-]/,
  },
  {
    id: 'allocation',
    name: /^(_?_?int_(malloc|free|realloc)|malloc|calloc|realloc|free|cfree|mi_\w+|je_\w+|__rust_(alloc|dealloc|realloc)|_?operator (new|delete)|unlink_chunk|sysmalloc|malloc_consolidate)/,
  },
  {
    id: 'locks',
    name: /^(pthread_(mutex|cond|rwlock|spin)_|__lll_|futex|parking_lot|std::sync::(mutex|rwlock|poison)|std::sys::\w*::?(futex|locks)|__psynch_(mutex|rw_))/,
  },
  { id: 'allocation', place: /\/libsystem_malloc\.dylib$/ },
  // Darwin's calls into the kernel are functions of a library: its samples do not go further down.
  {
    id: 'kernel',
    category: /^kernel$/i,
    place: /^\[kernel|^\[guest\.kernel|vmlinux|\.ko(\.\w+)?$|\/libsystem_kernel\.dylib$/,
  },
  {
    id: 'startup',
    place: /^node:internal\/(modules|bootstrap|main|process\/execution|vm|source_map|deps\/(amaro|cjs-module-lexer))/,
  },
  {
    id: 'startup',
    name: /^(compileFunction\w*|compileSourceTextModule|compileForPublicLoader|dlopen|_dl_\w+|do_lookup_x|internalModuleStat)$/,
  },
  {
    id: 'runtime',
    name: /^\((program|root|anonymous native)\)$/,
    place: /^node:|^(internal|native|extensions)[/:]|\/node$|^\[vdso\]/,
  },
  {
    id: 'runtime',
    name: /^<?(v8|node|uv_|uv__|std|core|alloc|tokio|mio|futures|futures_\w+|hyper|tower|axum)::|^uv__?\w+$|^Builtins_|^_?Py[A-Z_]|^rb_|^vm_exec/,
  },
  {
    id: 'runtime',
    place:
      /\/(libc|libpthread|libm|ld-linux|libstdc\+\+|libgcc_s|libuv|libv8|libpython|libruby)[-.\d]|^\/usr\/lib\/(system\/|libobjc|libc\+\+|dyld)/,
  },
];

/** The category of one frame by the catalogue above; code of the user's own is `application`. */
export function categoryOf(frame: CategoryInput): CategoryId {
  if ((frame.flags & FrameFlag.waiting) !== 0) return 'waiting';
  if ((frame.flags & FrameFlag.kernel) !== 0) return 'kernel';
  const place = (frame.file === '' ? frame.module : frame.file).replaceAll('\\', '/');
  for (const rule of RULES) {
    if (rule.category?.test(frame.category) === true && frame.category !== '') return rule.id;
    const byName = rule.name?.test(frame.name) === true;
    const byPlace = rule.place?.test(place) === true;
    // A rule whose place is the empty string narrows its name (built-ins have no file); otherwise either suffices.
    if (rule.place?.source === '^$' ? byName && byPlace : byName || byPlace) return rule.id;
  }
  if (place === '' && (frame.name === '' || frame.name === '[unknown]' || /^0x[0-9a-f]+$/.test(frame.name)))
    return 'unknown';
  // What perf script prints where it has a module and no symbol.
  if (/^\[[^[\]]+\]$/.test(frame.name)) return 'unknown';
  // Built-ins of a JavaScript engine (`push`, `sort`) have a name, no file and no module.
  if (place === '' && (frame.category === 'JavaScript' || frame.category === 'Native')) return 'runtime';
  return 'application';
}

/** Categories that claim the runtime code which they call: a socket write below the database client is its work. */
export const CLAIMS_RUNTIME: ReadonlySet<CategoryId> = new Set([
  'database-client',
  'messaging-client',
  'serialisation',
  'logging-tracing',
  'compression-crypto',
  'startup',
]);
