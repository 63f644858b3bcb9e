/**
 * A sidecar that does not answer: after a while the user hears it, with a way out, and the panel stays as it is. When the answer comes
 * after all, the notice goes. Nothing is given up here: who waits goes on waiting. Pure but for a timer.
 */
import type { Requests } from "./chat";
import type { Notice } from "./view";

export const patience = 15_000;

export interface Listener {
  late(notice: Notice): void;
  came(key: string): void;
}

export function patient(sidecar: Requests, listener: Listener, wait = patience): Requests {
  let number = 0;
  return {
    request: async (method, params) => {
      number += 1;
      const key = `late:${number}`;
      let told = false;
      const timer = setTimeout(() => {
        told = true;
        listener.late({ key, level: "warning", message: said(wait), details: `It was asked for \`${method}\`.`, restart: true });
      }, wait);
      try {
        return await sidecar.request(method, params);
      } finally {
        clearTimeout(timer);
        if (told) listener.came(key);
      }
    },
  };
}

function said(wait: number): string {
  return `Treadle's sidecar has not answered for ${Math.round(wait / 1_000)} s. You can wait: what you wrote is kept. Or restart it.`;
}
