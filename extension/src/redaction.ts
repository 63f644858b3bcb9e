/** Takes out of a text what nobody else should read. It rather takes out too much. Pure. */

const patterns: [RegExp, string][] = [
  [/\b(sk|pk|rk|ghp|gho|ghs|github_pat|glpat|xox[abps]|hf|AKIA)[-_A-Za-z0-9]{8,}/g, "[redacted]"],
  [/\beyJ[\w-]{8,}\.[\w-]+(\.[\w-]+)?/g, "[redacted]"],
  [/\b(bearer|basic)\s+[^\s"',;]{6,}/gi, "$1 [redacted]"],
  [
    /([\w-]*(?:key|token|secret|passw(?:or)?d|passphrase|credential|authorization|cookie)[\w-]*["']?\s*=\s*)("[^"\n]*"|'[^'\n]*'|[^\s,;}]+)/gi,
    "$1[redacted]",
  ],
  [
    /([\w-]*(?:key|token|secret|passw(?:or)?d|passphrase|credential|authorization|cookie)[\w-]*["']?\s*:\s*)("[^"\n]*"|'[^'\n]*')/gi,
    "$1[redacted]",
  ],
  // in plain words only what is no word: not "Key: nothing is missing"
  [
    /([\w-]*(?:key|token|secret|passw(?:or)?d|passphrase|credential|authorization|cookie)[\w-]*\s*:\s*)(?=\S*\d)[^\s,;}]{8,}/gi,
    "$1[redacted]",
  ],
  [/(\w+:\/\/)[^\s/?#@]*:[^\s/?#]+@/g, "$1[redacted]@"],
];

/** `secrets`: what is known to be one. `home`: shown as ~. */
export function redacted(text: string, secrets: readonly string[], home: string): string {
  let found = text;
  for (const secret of secrets) if (secret.length >= 4) found = found.replaceAll(secret, "[redacted]");
  for (const [pattern, instead] of patterns) found = found.replace(pattern, instead);
  return home.length > 1 ? found.replaceAll(home, "~") : found;
}
