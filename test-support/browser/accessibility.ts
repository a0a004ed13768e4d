import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { AxeResults } from 'axe-core'
import type { Page } from 'playwright-core'

let source: Promise<string> | undefined

/**
 * The serious and critical findings of axe on what the page shows now, each with the element.
 * @param rules of axe; all unless given
 */
export async function seriousFindings(page: Page, rules?: readonly string[]): Promise<string[]> {
  source ??= readFile(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8')
  // Evaluated from outside, so that the policy of the page need not allow it.
  if ((await page.evaluate('typeof axe')) === 'undefined') await page.evaluate(await source)
  const options = { resultTypes: ['violations'], ...(rules !== undefined && { runOnly: rules }) }
  const { violations } = (await page.evaluate(`axe.run(document, ${JSON.stringify(options)})`)) as AxeResults
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, help, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${help}: ${html} (${failureSummary})`),
    )
}
