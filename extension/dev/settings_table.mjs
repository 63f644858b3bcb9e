// The table of settings in extension/README.md, made from package.json: run it after a setting was added or changed. A test holds the two
// together. It writes nothing but what stands between its two marks.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const BEGIN = '<!-- settings: made by dev/settings_table.mjs -->';
const END = '<!-- end of settings -->';

/** The first sentence, without links. */
const short = (text) => text.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').split('\n')[0].split(/(?<=[.!?])\s/)[0].replaceAll('|', '\\|');
const inFile = (text) => /Until you set it here, `([^`]+)`/.exec(text)?.[1];
const otherwise = (text) => /; without it: (.+)\.$/s.exec(text)?.[1] ?? '';
const shown = (value) => (value === '' || value === null || value === 'default' ? '' : `\`${JSON.stringify(value)}\``);

export function table(manifest) {
  const lines = ['| Setting | `config.toml` | Default | |', '| --- | --- | --- | --- |'];
  for (const { title, properties } of manifest.contributes.configuration) {
    lines.push(`| **${title}** | | | |`);
    const rows = Object.entries(properties).toSorted(([, one], [, other]) => (one.order ?? 99) - (other.order ?? 99));
    for (const [name, property] of rows) {
      const text = property.markdownDescription ?? property.description;
      const key = inFile(text);
      lines.push(`| \`${name}\` | ${key ? `\`${key}\`` : ''} | ${key ? otherwise(text) : shown(property.default)} | ${short(text)} |`);
    }
  }
  return lines.join('\n');
}

export function written(page, manifest) {
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error('README.md has lost the marks of the table of settings');
  return `${before}${BEGIN}\n\n${table(manifest)}\n\n${END}${after}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const at = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));
  const page = readFileSync(at('README.md'), 'utf8');
  writeFileSync(at('README.md'), written(page, JSON.parse(readFileSync(at('package.json'), 'utf8'))));
}
