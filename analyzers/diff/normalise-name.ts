/**
 * What one build or run adds to a name and another does not: compared raw, every such function would show as removed
 * and new. Each rule is one such habit; order matters (hashes before numbers).
 */
const RULES: readonly (readonly [RegExp, string])[] = [
  // Rust's legacy mangling ends in a hash of the crate's build.
  [/::h[0-9a-f]{16}(?=$|\W)/g, ''],
  // Crate disambiguators of Rust v0: `serde[1a2b3c]::de`.
  [/(\w)\[[0-9a-f]{6,16}\](?=::)/g, '$1'],
  // JVM lambdas and generated accessors.
  [/\$\$Lambda[$/]\d+(\/(0x)?[0-9a-f]+)?/g, '$$$$Lambda'],
  [/\bGeneratedMethodAccessor\d+/g, 'GeneratedMethodAccessor'],
  [/\$Proxy\d+/g, '$$Proxy'],
  // LLVM's and GCC's clones: `foo.llvm.123`, `foo.constprop.0`, `foo.isra.3`, `foo.part.1`, `foo.cold`.
  [/\.llvm\.\d+/g, ''],
  [/\.(constprop|isra|part|lto_priv)\.\d+/g, ''],
  // Numbered closures of one function are told apart by position, which an inserted line shifts.
  [/\{\{closure\}\}#\d+|\{closure#\d+\}/g, '{closure}'],
  // Generated methods of query engines (`__m1206`).
  [/\b__m\d+\b/g, '__m'],
  // Unsymbolised addresses.
  [/\b0x[0-9a-f]+\b/gi, '0x…'],
];

/** A function's name without hashes, addresses, lambda and clone numbers. */
export function normaliseName(name: string): string {
  let result = name;
  for (const [pattern, replacement] of RULES) result = result.replace(pattern, replacement);
  return result;
}

/**
 * A file's or module's last parts without what differs between machines and versions: build folders, registry hashes,
 * versions in package folders. `/home/u/.cargo/registry/src/index-1a2b/serde-1.0.2/src/de.rs` → `serde/src/de.rs`.
 */
export function normalisePlace(place: string): string {
  const parts = place
    .replace(/^file:\/\//, '')
    .replaceAll('\\', '/')
    .split('/')
    .filter(part => part !== '')
    .map(part => part.replace(/[-@]v?\d+\.\d+(\.\d+)?([-+.][\w.]+)?$/, ''));
  const packages = parts.lastIndexOf('node_modules');
  return (packages >= 0 ? parts.slice(packages + 1) : parts.slice(-3)).join('/');
}
