import { createHash } from 'node:crypto'
import type { ApiDocument } from '#http/api-document.ts'
import { codesByStatus } from '#http/problems.ts'

const STYLE = `
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1b1b1b; background: #fff }
h2 { margin-top: 2.5rem } h3 { margin: 1.5rem 0 .25rem } code, pre { font: .875rem/1.4 ui-monospace, monospace }
pre { background: #f4f4f4; padding: .75rem; overflow-x: auto } table { border-collapse: collapse } td, th { padding: .2rem .8rem .2rem 0; text-align: left; vertical-align: top }
b { font-family: ui-monospace, monospace; text-transform: uppercase }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #161616 } pre { background: #222 } a { color: #8ab4f8 } }
`

/** A browser may use nothing but the style of the page. */
export const DOCS_POLICY: string = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`

/** The document as an HTML page. */
export function docsPage(document: ApiDocument): string {
  const operations = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    Object.entries(item as Record<string, Operation>).map(([method, operation]) => ({
      path,
      method,
      operation,
    })),
  )
  const schemas = Object.entries(document.components?.schemas ?? {})
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>telegram-backup: HTTP API</title><style>${STYLE}</style></head><body>
<h1>telegram-backup: HTTP API</h1>
<p>${text(document.info.description ?? '')} For programs: <a href="/openapi.json">/openapi.json</a>.</p>
<p>Set URL to the address of this page without <code>/docs</code>, and KEY to a key from <code>telegram-backup apikey create</code>:</p>
<pre>curl -H "Authorization: Bearer $KEY" "$URL/api/v1/backups"</pre>
<h2>Requests</h2>
${operations.map(describeOperation).join('\n')}
<h2>Codes of errors</h2>
<table><tr><th>Code</th><th>Status</th></tr>
${codesByStatus()
  .map(
    ([code, status]) => `<tr id="${text(code)}"><td><code>${text(code)}</code></td><td>${status}</td></tr>`,
  )
  .join('\n')}
<tr id="UNEXPECTED"><td><code>UNEXPECTED</code></td><td>500</td></tr></table>
<h2>Shapes</h2>
${schemas
  .map(([name, schema]) => `<h3 id="schema-${text(name)}">${text(name)}</h3><pre>${text(json(schema))}</pre>`)
  .join('\n')}
</body></html>
`
}

interface Operation {
  summary?: string
  description?: string
  parameters?: { name: string; in: string; required?: boolean; description?: string; schema?: unknown }[]
  requestBody?: { content: Record<string, { schema?: unknown }> }
  responses: Record<string, { description: string; content?: Record<string, { schema?: unknown }> }>
}

function describeOperation(of: { path: string; method: string; operation: Operation }): string {
  const { summary = '', description = '', parameters = [], requestBody, responses } = of.operation
  const rows = parameters.map(
    ({ name, in: place, required, description: words = '', schema }) =>
      `<tr><td><code>${text(name)}</code></td><td>${text(place)}${required ? ', required' : ''}</td><td><code>${text(JSON.stringify(schema))}</code> ${text(words)}</td></tr>`,
  )
  const bodies = Object.entries(requestBody?.content ?? {}).map(
    ([contentType, { schema }]) =>
      `<p>Body <code>${text(contentType)}</code></p><pre>${text(json(schema))}</pre>`,
  )
  const answers = Object.entries(responses).map(([status, { description: words, content = {} }]) => {
    const types = Object.keys(content).join(', ')
    return `<tr><td>${text(status)}</td><td>${text(words)}</td><td><code>${text(types)}</code></td></tr>`
  })
  return `<h3><b>${text(of.method)}</b> <code>${text(of.path)}</code></h3>
<p>${text(summary)}. ${text(description)}</p>
${rows.length > 0 ? `<table>${rows.join('')}</table>` : ''}${bodies.join('')}
<table>${answers.join('')}</table>`
}

function json(value: unknown): string {
  return JSON.stringify(value, undefined, 2)
}

function text(value: string): string {
  return value
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
