// What axe-core says against a page of Treadle's: only what it calls serious or critical. It must never leave a trace on the page.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Every fault of a frame, a line each: the rule, where, and why. */
export const faults = async (frame) => {
  await frame.evaluate(`if (!window.axe) { ${source} }`);
  const { violations } = await frame.evaluate(async () => {
    const ground = document.documentElement.style;
    ground.background = 'var(--vscode-sideBar-background)'; // the page is clear: it stands on VS Code's side bar
    const moving = document.getAnimations();
    for (const animation of moving) { // a colour is judged at rest, not where a breath or a fade happens to be
      if (animation.effect?.getComputedTiming().endTime === Number.POSITIVE_INFINITY) {
        animation.pause();
        animation.currentTime = 0;
      } else animation.finish();
    }
    try {
      return await window.axe.run(document, { resultTypes: ['violations'] });
    } finally {
      ground.background = '';
      for (const animation of moving) if (animation.playState === 'paused') animation.play();
    }
  });
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(' ')}: ${node.failureSummary.replaceAll(/\s+/g, ' ')}`));
};

export const nothingSerious = async (frame, what) => {
  assert.deepEqual(await faults(frame), [], `axe-core finds nothing serious: ${what}`);
};
