/** Classes of what is taken out; `--keep CLASS` leaves one in. */
export const REDACTION_CLASSES = [
  'payload',
  'sql-literal',
  'environment',
  'credential',
  'vendor-key',
  'token',
  'private-key',
  'card-number',
  'social-security-number',
  'bank-account',
  'email',
  'home-folder',
  'user-name',
  'host-name',
  'build-path',
  'ip-address',
] as const;

export type RedactionClass = (typeof REDACTION_CLASSES)[number];

export interface SecretPattern {
  readonly class: RedactionClass;
  /** Global. Where it has a group named `secret`, that part is replaced and the rest stays readable. */
  readonly pattern: RegExp;
  /** Rejects matches that only look alike. */
  readonly accept?: (match: string) => boolean;
}

/**
 * Secrets that are told by their own shape, wherever they stand. Key formats are the vendors' published ones. Order
 * matters: blocks and whole headers before the tokens inside them, so that one secret is replaced once.
 */
export const SECRET_PATTERNS: readonly SecretPattern[] = [
  {
    class: 'private-key',
    pattern:
      /-----BEGIN (?:[A-Z0-9]+ )*(?:PRIVATE KEY|CERTIFICATE|PGP MESSAGE|PGP PRIVATE KEY BLOCK)-----[\s\S]*?(?:-----END [A-Z0-9 ]+-----|$)/g,
  },
  { class: 'private-key', pattern: /PuTTY-User-Key-File-\d:[\s\S]*?(?:Private-MAC: [0-9a-f]+|$)/g },
  { class: 'private-key', pattern: /\bAGE-SECRET-KEY-1[0-9A-Z]{58}\b/g },

  // Headers and URLs.
  {
    class: 'credential',
    pattern:
      /\b(?:proxy-)?authorization["']?\s*[:=]\s*["']?(?:(?:basic|bearer|digest|token|negotiate|apikey|aws4-hmac-sha256)\s+)?(?<secret>[^\s"',;][^"'\r\n,;]*)/gi,
  },
  { class: 'credential', pattern: /\b(?:set-)?cookie["']?\s*[:=]\s*["']?(?<secret>[^"'\r\n]+)/gi },
  { class: 'credential', pattern: /\b(?:basic|bearer)\s+(?<secret>[A-Za-z0-9+/_~.-]{8,}={0,2})/gi },
  { class: 'credential', pattern: /\b[a-z][a-z0-9+.-]*:\/\/(?<secret>[^\s/?#"'<>@]*:[^\s/?#"'<>]*)@/gi },
  {
    class: 'credential',
    pattern:
      /[?&](?:access_token|api_?key|apikey|auth|code|key|password|pwd|secret|sig|signature|token|x-amz-signature|x-amz-credential|x-amz-security-token)=(?<secret>[^&\s"'#]+)/gi,
  },

  // Tokens by shape.
  { class: 'token', pattern: /\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?/g },
  { class: 'token', pattern: /\beyJ[A-Za-z0-9_-]{10,}(?:\.[A-Za-z0-9_-]*){4}/g },
  { class: 'token', pattern: /\bv[1-4]\.(?:local|public)\.[A-Za-z0-9_-]{20,}/g },

  // Vendors.
  { class: 'vendor-key', pattern: /\b(?:AKIA|ASIA|AGPA|AIDA|AROA|AIPA|ANPA|ANVA|ABIA|ACCA)[A-Z2-7]{16}\b/g },
  { class: 'vendor-key', pattern: /\bamzn\.mws\.[0-9a-f-]{36}\b/g },
  { class: 'vendor-key', pattern: /\bgh[pousr]_[A-Za-z0-9]{36,}\b/g },
  { class: 'vendor-key', pattern: /\bgithub_pat_[A-Za-z0-9_]{22,}\b/g },
  { class: 'vendor-key', pattern: /\bgl(?:pat|oas|dt|rt|cbt|ptt|ft|imt|agent|soat)-[A-Za-z0-9_-]{20,}/g },
  { class: 'vendor-key', pattern: /\bxox[abeprs]-[A-Za-z0-9-]{10,}/g },
  { class: 'vendor-key', pattern: /\bxapp-\d-[A-Za-z0-9-]{10,}/g },
  { class: 'vendor-key', pattern: /https:\/\/hooks\.slack\.com\/(?:services|workflows)\/[A-Za-z0-9/_-]+/g },
  { class: 'vendor-key', pattern: /https:\/\/(?:\w+\.)?discord(?:app)?\.com\/api\/webhooks\/\d+\/[\w-]+/g },
  { class: 'vendor-key', pattern: /https:\/\/[\w.-]+\.webhook\.office\.com\/[^\s"']+/g },
  { class: 'vendor-key', pattern: /\b[MNO][A-Za-z\d_-]{23,25}\.[A-Za-z\d_-]{6}\.[A-Za-z\d_-]{27,38}\b/g },
  { class: 'vendor-key', pattern: /\b\d{8,10}:AA[A-Za-z0-9_-]{32,33}\b/g },
  { class: 'vendor-key', pattern: /\b(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,}\b/g },
  { class: 'vendor-key', pattern: /\bwhsec_[A-Za-z0-9+/=]{20,}/g },
  { class: 'vendor-key', pattern: /\bsk-(?:ant-|proj-|or-v1-|svcacct-|admin-)?[A-Za-z0-9_-]{20,}/g },
  { class: 'vendor-key', pattern: /\bhf_[A-Za-z0-9]{30,}\b/g },
  { class: 'vendor-key', pattern: /\br8_[A-Za-z0-9]{30,}\b/g },
  { class: 'vendor-key', pattern: /\bAIza[A-Za-z0-9_-]{35}/g },
  { class: 'vendor-key', pattern: /\bGOCSPX-[A-Za-z0-9_-]{20,}/g },
  { class: 'vendor-key', pattern: /\bya29\.[A-Za-z0-9_-]{20,}/g },
  { class: 'vendor-key', pattern: /\b1\/\/0[A-Za-z0-9_-]{30,}/g },
  { class: 'vendor-key', pattern: /\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{30,}/g },
  { class: 'vendor-key', pattern: /\bkey-[0-9a-f]{32}\b/g },
  { class: 'vendor-key', pattern: /\b[0-9a-f]{32}-us\d{1,2}\b/g },
  { class: 'vendor-key', pattern: /\b(?:AC|SK)[0-9a-f]{32}\b/g },
  { class: 'vendor-key', pattern: /\bnpm_[A-Za-z0-9]{36}\b/g },
  { class: 'vendor-key', pattern: /\bpypi-[A-Za-z0-9_-]{50,}/g },
  { class: 'vendor-key', pattern: /\brubygems_[0-9a-f]{48}\b/g },
  { class: 'vendor-key', pattern: /\bcio[A-Za-z0-9]{32}\b/g },
  { class: 'vendor-key', pattern: /\bdckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}/g },
  { class: 'vendor-key', pattern: /\bdo[opr]_v1_[0-9a-f]{64}\b/g },
  { class: 'vendor-key', pattern: /\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}\b/g },
  { class: 'vendor-key', pattern: /\bsq0(?:atp|csp|idp)-[A-Za-z0-9_-]{22,}/g },
  { class: 'vendor-key', pattern: /\bEAAA[A-Za-z0-9_-]{60}/g },
  { class: 'vendor-key', pattern: /\bdapi[0-9a-f]{32}(?:-\d)?\b/g },
  { class: 'vendor-key', pattern: /\blin_(?:api|oauth|wh)_[A-Za-z0-9]{20,}\b/g },
  { class: 'vendor-key', pattern: /\bdp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9._-]{30,}/g },
  { class: 'vendor-key', pattern: /\bhv[sbr]\.[A-Za-z0-9_-]{20,}/g },
  { class: 'vendor-key', pattern: /\b[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,}/g },
  { class: 'vendor-key', pattern: /\bNR(?:AK|JS|RA|II|BR)-[A-Za-z0-9]{20,}/g },
  { class: 'vendor-key', pattern: /\b(?:glsa|glc)_[A-Za-z0-9+/=_-]{30,}/g },
  { class: 'vendor-key', pattern: /\bsntr(?:ys|yu)_[A-Za-z0-9+/=_-]{30,}/g },
  {
    class: 'vendor-key',
    pattern: /https?:\/\/(?<secret>[0-9a-f]{32}(?::[0-9a-f]{32})?)@[\w.-]*(?:sentry|ingest)[\w.-]*/g,
  },
  { class: 'vendor-key', pattern: /\bphc_[A-Za-z0-9]{40,}\b/g },
  { class: 'vendor-key', pattern: /\bPMAK-[0-9a-f]{24}-[0-9a-f]{34}\b/g },
  { class: 'vendor-key', pattern: /\bATATT3[A-Za-z0-9_=-]{30,}/g },
  { class: 'vendor-key', pattern: /\bsecret_[A-Za-z0-9]{40,}\b|\bntn_[A-Za-z0-9]{40,}\b/g },
  { class: 'vendor-key', pattern: /\bfigd_[A-Za-z0-9_-]{30,}/g },
  { class: 'vendor-key', pattern: /\btskey-[a-z]+-[A-Za-z0-9-]{20,}/g },
  { class: 'vendor-key', pattern: /\bpscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.=-]{30,}/g },
  {
    class: 'vendor-key',
    pattern: /\b(?:AccountKey|SharedAccessKey|SharedSecretValue)=(?<secret>[A-Za-z0-9+/=]{20,})/g,
  },

  // `key = value` in logs, command lines, connection strings and JSON.
  {
    class: 'credential',
    pattern:
      /(?<![A-Za-z0-9_.-])[A-Za-z0-9_.-]*(?:password|passwd|passphrase|pwd|secret|api[_-]?key|apikey|access[_-]?key|secret[_-]?key|private[_-]?key|client[_-]?secret|auth[_-]?token|access[_-]?token|refresh[_-]?token|id[_-]?token|session[_-]?(?:id|token|key)|encryption[_-]?key|signing[_-]?key|credentials?|token)\\?["']?\s*(?:=>|[:=])\s*(?:Some\()?(?:\\?["'](?<quoted>(?:[^"'\\]|\\[^"'])+)\\?["']|(?<secret>[^\s"',;&|)\]}]+))/gi,
    accept: match => !/[:=]\s*(?:Some\()?\\?["']?(?:null|none|nil|undefined|true|false|\[|\{|\$\d)/i.test(match),
  },
  {
    class: 'credential',
    pattern:
      /(?:^|\s)--?(?:password|passwd|pass|token|secret|api-key|apikey|auth|access-key|secret-key|client-secret)(?:=|\s+)(?<secret>[^\s-][^\s]*)/gi,
  },
  { class: 'credential', pattern: /(?:^|\s)(?:mysql|mysqldump|mariadb)\b[^\n]*?\s-p(?<secret>\S+)/g },
  { class: 'credential', pattern: /(?:^|\s)(?:curl|http|wget)\b[^\n]*?\s(?:-u|--user)\s+(?<secret>\S+)/g },

  // Numbers of people.
  { class: 'card-number', pattern: /\b(?:\d[ -]?){12,18}\d\b/g, accept: isCardNumber },
  { class: 'social-security-number', pattern: /\b(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}\b/g },
  { class: 'bank-account', pattern: /\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b/g, accept: isIban },
  {
    class: 'email',
    pattern: /\b[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}\b/g,
    accept: match => !/@\d+(\.\d+)*\b/.test(match),
  },
];

/** Luhn's check digit and an issuer's first digit: a span's duration or an id is not a card. */
export function isCardNumber(text: string): boolean {
  const digits = text.replace(/\D/g, '');
  if (
    digits.length < 13 ||
    digits.length > 19 ||
    !/^(?:4|5[1-5]|2[2-7]|3[47]|30|36|38|39|6(?:011|4|5)|35)/.test(digits)
  )
    return false;
  // Unix nanoseconds and the like are plain runs of 19 digits; cards of that length are not in use.
  if (digits.length > 16 && /^\d+$/.test(text)) return false;
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    let digit = Number(digits[digits.length - 1 - i]);
    if (i % 2 === 1) digit = digit > 4 ? digit * 2 - 9 : digit * 2;
    sum += digit;
  }
  return sum % 10 === 0;
}

/** ISO 13616: moved to the end and read as one number, the first four characters leave 1 modulo 97. */
export function isIban(text: string): boolean {
  const compact = text.replaceAll(' ', '');
  if (compact.length < 15 || compact.length > 34) return false;
  let remainder = 0;
  for (const c of compact.slice(4) + compact.slice(0, 4)) {
    const digits = /\d/.test(c) ? c : String(c.charCodeAt(0) - 55);
    for (const digit of digits) remainder = (remainder * 10 + Number(digit)) % 97;
  }
  return remainder === 1;
}
