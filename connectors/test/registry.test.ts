import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { CONNECTORS, recordedKind, restoringConnector } from '#registry.ts'

it.each([
  [{ kind: 'postgres' }, 'shop.sql', 'postgres'],
  [{ kind: 'postgres' }, 'shop.tar', 'postgres'],
  [{ kind: 'directory' }, 'www.tar', 'directory'],
  [{ kind: 'directory' }, 'www', 'directory'],
  ...['file', 'pipe', 'stdin', 'buffer', 'stream', 'of a newer version'].flatMap(kind => [
    [{ kind }, 'www.tar', 'directory'] as const,
    [{ kind }, 'shop.sql', undefined] as const,
  ]),
  [null, 'www.tar', 'directory'],
  [null, null, undefined],
] as const)('a backup recorded as %j with the name %s is restored as %s', (source, filename, kind) => {
  expect(restoringConnector({ source, filename })?.kind).toBe(kind)
})

it('what a record says is believed of no kind that is not in the list', () => {
  for (const kind of ['pipe', 'buffer', 'stream', '', 7, null, undefined, ['file']]) {
    expect(recordedKind({ kind })).toBeUndefined()
  }
  for (const connector of CONNECTORS) expect(recordedKind({ kind: connector.kind })).toBe(connector)
})

it('the list is loaded without anything that the kinds work with', () => {
  const script = `
    import { registerHooks } from 'node:module'
    const loaded = []
    registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) })
    await import('@telegram-backup/connectors/registry.ts')
    console.log(JSON.stringify(loaded))`
  const cwd = join(import.meta.dirname, '..')
  const words = execFileSync(process.execPath, ['--input-type=module', '--eval', script], { cwd })
  const loaded = (JSON.parse(String(words)) as string[]).map(url => url.replace(/.*\/connectors\/src\//, ''))
  expect(loaded).toContain('registry.ts')
  expect(
    loaded.filter(url => /^(programs|\w+\/\w+)\//.test(url) || /child_process|worker/.test(url)),
  ).toEqual([])
})
