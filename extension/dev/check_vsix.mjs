// What is in the packaged extension: `check_vsix.mjs FILE.vsix`. Fails on source maps, tests, sources, what looks like a secret, what is
// missing, a list that is not that of `vsce ls`, and on a file that is too large. It reads the archive itself, not what was meant to be in it.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inflateRawSync } from 'node:zlib';

const extension = join(dirname(fileURLToPath(import.meta.url)), '..');
const LIMIT = 24_000_000;
const bundled = (name) => name.startsWith('bundled/');

const forbidden = [
  [/\.map$/, () => true, 'a source map'],
  [/\.(ts|tsx|mts|pyi|pyc)$/, () => true, 'a source or a cache'],
  [/(^|\/)(tests?|__pycache__|node_modules|\.git)\//, () => true, 'tests, caches or packages'],
  [/(^|\/)\.env|\.(pem|key|p12|gguf)$/, (name) => !/^bundled\/libs\/certifi\/cacert\.pem$/.test(name), 'a secret or a model'],
  [/(^|\/)(biome|tsconfig|vitest|esbuild)\b/, (name) => !bundled(name), 'a setting of the build'],
];
const secrets = [/-----BEGIN (RSA |EC |OPENSSH )?PRIVATE KEY-----/, /\bsk-(proj-)?[A-Za-z0-9]{20,}/, /\bghp_[A-Za-z0-9]{30,}/, /sourceMappingURL=\S+\.map/];
const needed = ['package.json', 'dist/extension.js', 'dist/webview.js', 'dist/style.css', 'media/icon.png', 'schema/config.schema.json'];
const neededOfSidecar = ['bundled/libs/treadle/__main__.py', 'bundled/libs/pydantic_core/__init__.py'];

/** [name, content()] of every file in a zip archive. */
function* entries(zip) {
  let at = zip.readUInt32LE(zip.lastIndexOf(Buffer.from('PK\x05\x06')) + 16);
  while (zip.readUInt32LE(at) === 0x02014b50) {
    const [method, packed, nameLength, extra, comment, local] = [zip.readUInt16LE(at + 10), zip.readUInt32LE(at + 20), zip.readUInt16LE(at + 28),
      zip.readUInt16LE(at + 30), zip.readUInt16LE(at + 32), zip.readUInt32LE(at + 42)];
    const name = zip.toString('utf8', at + 46, at + 46 + nameLength);
    const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
    const data = zip.subarray(start, start + packed);
    yield [name, () => (method === 8 ? inflateRawSync(data) : data)];
    at += 46 + nameLength + extra + comment;
  }
}

export function problems(zip, listed) {
  const found = [];
  if (zip.length > LIMIT) found.push(`it has ${zip.length} bytes, ${LIMIT} are allowed`);
  const names = new Set();
  for (const [path, content] of entries(zip)) {
    if (!path.startsWith('extension/')) continue;
    const name = path.slice('extension/'.length);
    names.add(name);
    for (const [pattern, counts, what] of forbidden) if (pattern.test(name) && counts(name)) found.push(`${name} is ${what}`);
    if (/\.(js|css|json|md|svg)$/.test(name) && !bundled(name)) {
      const text = content().toString('utf8');
      for (const pattern of secrets) if (pattern.test(text)) found.push(`${name} holds what looks like ${pattern}`);
    }
  }
  for (const name of [...needed, ...(process.platform === 'linux' ? neededOfSidecar : [])]) if (!names.has(name)) found.push(`${name} is missing`);
  for (const name of listed) if (!names.has(name) && !names.has(name.toLowerCase())) found.push(`${name} is listed and not in it`);
  return found;
}

function check(file) {
  const listing = execFileSync('npx', ['--no-install', 'vsce', 'ls', '--no-dependencies'], { cwd: extension, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  const listed = listing.split('\n').map((line) => line.trim()).filter(Boolean);
  const zip = readFileSync(file);
  const wrong = problems(zip, listed);
  for (const problem of wrong) console.error(`${file}: ${problem}`);
  if (!wrong.length) console.log(`${listed.length} files, ${zip.length} bytes`);
  return wrong.length ? 1 : 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = check(process.argv[2]);
