// The prompt inspector: from the palette to a page of what was sent. It must never write anywhere.
import { test } from 'node:test';
import { say } from './fake-model.mjs';
import { eventually } from './panel.mjs';
import { scene } from './scenes.mjs';
import * as workbench from './workbench.mjs';

const inspect = async ({ panel, page, shot }) => {
  await panel.send('Say hello');
  await panel.answered('Hello from the model');
  const meter = panel.at('meter');
  await eventually(() => meter.getAttribute('title'), (title) => /Last request: .*The first request: there was nothing to keep\./s.test(title), 'what the meter says');

  await workbench.command(page, 'Treadle: Inspect Prompt');
  await workbench.choose(page, 'Request 1');
  await workbench.tab(page, 'Request 1.md').waitFor();
  const shown = workbench.editorText(page);
  await shown.getByText('# Request 1').first().waitFor();
  await shot('request');
  await workbench.command(page, 'Treadle: Inspect Prompt');
  await workbench.choose(page, 'The next request');
  await workbench.tab(page, 'The next request.md').waitFor();
  await shown.getByText('# The next request').first().waitFor();
  await shot('next');
};

test('the palette shows a request piece by piece', scene('inspector', { script: [[say('Hello from the model.')]] }, inspect));
