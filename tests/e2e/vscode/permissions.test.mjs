// The list of grants in a real VS Code: seen, edited, revoked and taken back; what was revoked is asked for again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { run, say } from './fake-model.mjs';
import { eventually } from './panel.mjs';
import { scene } from './scenes.mjs';
import * as workbench from './workbench.mjs';

const tag = (name, why) => run(`git tag -f ${name}`, { sandbox_permissions: 'require_escalated', justification: why });
const script = [[tag('one', 'May I set a tag?')], [say('Tagged.')], [tag('two', 'May I set another?')], [say('Tagged again.')], [tag('three', 'And a third?')], [say('Not tagged.')]];
const RULES = 'prefix_rule(pattern=["git", "push"], decision="prompt", justification="Others see what is pushed.")\n\nprefix_rule(patern=["x"])\n';

const list = async ({ panel, page, shot, model }) => {
  await panel.send('Tag it');
  await panel.at('approval').first().waitFor();
  await panel.lasting('workspace');
  await panel.at('approve-save').click();
  await panel.answered('Tagged.');
  await panel.at('outcome').getByText('Manage').click();

  const list = await workbench.webview(page, 'main.permissions-page');
  const grants = list.locator('.grant');
  await grants.first().waitFor();
  assert.equal(await grants.count(), 1);
  assert.match(await grants.first().innerText(), /outside the sandbox/);
  assert.match(await grants.first().locator('.rule').innerText(), /^git tag/);
  await list.locator('.file-rule').getByText('git push').waitFor();
  await list.getByText('Others see what is pushed.').waitFor();
  await list.locator('.banner.warning').getByText('~/.codex/rules/default.rules:3').waitFor();
  await shot.themes('listed');

  await grants.first().locator('.edit').click();
  const field = grants.first().locator('.editing input');
  await eventually(() => field.evaluate((input) => document.activeElement === input), Boolean, 'the keyboard is in the field');
  await page.keyboard.press('End'); // VS Code selects all of a webview a moment after Control+A, in the middle of what is typed
  await page.keyboard.type(' -f');
  await eventually(() => list.locator('.save').getAttribute('disabled'), (disabled) => disabled === null, 'the button that saves');
  await shot.themes('editing');
  await page.keyboard.press('Enter');
  await eventually(() => grants.first().locator('.rule').innerText(), (text) => text === 'git tag -f', 'the rule');

  await panel.send('Another');
  await panel.answered('Tagged again.');
  assert.equal(model.requests.length, 4, 'the edited rule answers');

  await grants.first().locator('.revoke').click();
  await list.getByText('Nothing yet.').waitFor();
  await list.getByText('Undo').click();
  await eventually(() => grants.count(), (count) => count === 1, 'grants after the revoking is taken back');
  await grants.first().locator('.revoke').click();
  await list.getByText('Nothing yet.').waitFor();
  await shot('revoked');

  await panel.send('A third');
  await panel.at('approval').getByText('And a third?').waitFor();
  await panel.at('approve-decline').first().click();
  await panel.answered('Not tagged.');

  await list.locator('.file-rule .at').first().click();
  await workbench.tab(page, 'default.rules').waitFor();
  await shot('source');
};

const files = { '.codex/rules/default.rules': RULES };
test('grants are seen, edited, revoked and asked for again', scene('grants', { script, files, repository: true, width: 380 }, list));
