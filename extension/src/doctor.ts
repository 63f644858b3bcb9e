/**
 * Treadle's set-up as a page to read: what works, what does not, and what the sidecar says about it. Pure: no `vscode`, no clock.
 * It shows a fact that it does not know under the sidecar's own name for it, and must never hide one.
 */

type Report = Record<string, unknown>;

/** What the page says of a sidecar that does not answer. */
export function silent(problem: string): string {
  return ["# Treadle's set-up", "", `✗ Sidecar: ${problem}`, "", "Everything else is known only when the sidecar runs.", ""].join(
    "\n",
  );
}

export function report(found: Report): string {
  const { version, python, provider, baseUrl, model, keyProblem, codexHome, treadleHome, ...more } = found;
  const { sandbox, sandboxAvailable, sandboxProblem, modelProblem, configProblems, ...others } = more;
  const at = baseUrl ? ` at ${baseUrl}` : "";
  const problems = Array.isArray(configProblems) ? configProblems.map(String) : [];
  const lines = [
    `✓ Sidecar: version ${version}, run by ${python}`,
    sandboxAvailable
      ? `✓ Sandbox: ${sandbox}${sandboxProblem ? `; ${sandboxProblem}` : ""}`
      : `✗ Sandbox: ${sandboxProblem || "none on this machine"}`,
    modelProblem ? `✗ Model: ${modelProblem}` : `✓ Model: ${model} from ${provider}${at}`,
    keyProblem ? `✗ Key: ${keyProblem}` : "✓ Key: nothing is missing",
    ...(problems.length ? problems.map((problem) => `✗ Configuration: ${problem}`) : ["✓ Configuration: no problems"]),
  ];
  const wrong = lines.filter((line) => line.startsWith("✗")).length;
  const sum = wrong === 0 ? "All is well." : wrong === 1 ? "One thing needs you." : `${wrong} things need you.`;
  const places = [`- Configuration is read from ${codexHome}`, `- Threads are kept in ${treadleHome}`];
  const rest = Object.entries(others).map(
    ([name, fact]) => `- ${name}: ${typeof fact === "string" ? fact : JSON.stringify(fact)}`,
  );
  return ["# Treadle's set-up", "", sum, "", ...lines, "", "## More", "", ...places, ...rest, ""].join("\n");
}
